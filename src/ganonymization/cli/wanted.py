"""What the words of ``ganonymize IN...`` mean: which inputs they name, and where each one goes."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..batch.address import is_store
from ..errors import InputError, OptionError, OutputError
from .options import report_folder
from .say import warn


@dataclass(frozen=True)
class Wanted:
    """An input, where it goes, and where its reports do.

    None is standard output. Folders, which may be at addresses, go to ``place``; None is beside.
    """

    kind: Literal["picture", "video", "folder"]
    source: str
    target: Path | None
    report: Path | None = None
    place: str | None = None


def wanted_of(inputs: list[str], out: str | None) -> Iterator[Wanted]:
    """What the words on the command line mean.

    Raises:
        GanonymizationError: They mean nothing that can be done.
    """
    from . import places

    several = len(inputs) > 1
    if several and out is not None and (out == "-" or Path(out).is_file()):
        raise OptionError(f"--out {out}: there are several inputs; give a folder")
    to = f"{out}/" if several and out is not None else out
    made = _made_of(inputs)
    for source in inputs:
        path = Path(source)
        if several and not path.exists() and (source == "-" or _is_there(source)):
            raise OptionError(f"{source}: give it alone, without other inputs")
        if path in made:
            warn(f"left out {source}: is what another input becomes")
        elif path.is_dir() or is_store(source):
            yield _folder(source, out, several)
        elif source != "-" and not _is_there(source):
            raise InputError(f"{source}: no such file{_hint(source, inputs)}")
        elif _is_video(source):
            place = places.video_in(source)
            target = places.video_out(place, to)
            yield Wanted("video", source, target, report_folder(target, to))
        else:
            picture = places.picture_in(source)
            target = places.picture_out(picture, to)
            yield Wanted("picture", source, target, report_folder(target, to))


def _made_of(inputs: list[str]) -> set[Path]:
    """What inputs become beside them, and their reports: a pattern as ``*`` names these, too."""
    from .places import beside

    made = {beside(Path(each), _is_video(each)) for each in inputs if Path(each).name}
    return made | {report_folder(each) for each in made}


def _folder(source: str, out: str | None, several: bool) -> Wanted:
    if out is None or not several:
        return Wanted("folder", source, None, place=out)
    name = os.path.basename(os.path.realpath(source))
    reports = report_folder(None, out) / name
    return Wanted("folder", source, None, reports, place=f"{out}/{name}")


def _is_there(source: str) -> bool:
    from ..video.sources import is_live
    from .places import is_camera

    return Path(source).exists() or is_live(source) or is_camera(source)


def _is_video(source: str) -> bool:
    from ..video.kinds import is_video
    from ..video.sources import is_live
    from .places import is_animated, is_camera

    if source == "-":
        return not _picture_comes()
    if is_camera(source) or is_live(source):
        return True
    return is_video(Path(source)) or is_animated(Path(source))


def _picture_comes() -> bool:
    """Whether what comes on standard input begins as a picture; nothing is taken of it."""
    from ..io.images import begins_picture

    stream: Any = sys.stdin.buffer
    return begins_picture(stream.peek(12)[:12] if hasattr(stream, "peek") else stream.getvalue())


def _hint(source: str, inputs: list[str]) -> str:
    if len(inputs) > 1 and source == inputs[-1]:
        return f"; to write there, say --out {source}"
    if not Path(source).suffix:
        return " or command; see ganonymize --help"
    return "; check the path"


def check_outputs(wanted: list[Wanted]) -> None:
    """Refuse outputs before any work is done.

    Raises:
        GanonymizationError: What is wrong.
    """
    from ..io import images
    from ..video.file import check_video_output

    taken: dict[Path, str] = {}
    sources = {os.path.realpath(each.source): each.source for each in wanted}
    for each in wanted:
        to = each.target or (each.place and Path(each.place))
        if not to:
            continue
        if each.kind == "picture" and each.target is not None:
            images.check_output(Path(each.source), each.target)
        elif each.kind == "video":
            check_video_output(Path(each.source), each.target)
        other = taken.setdefault(to, each.source)
        if other != each.source:
            raise OutputError(
                f"{other} and {each.source} would both be written as {to}; rename one"
            )
        if each.target is not None and os.path.realpath(each.target) in sources:
            raise OutputError(f"{each.target}: is an input; give another --out")
