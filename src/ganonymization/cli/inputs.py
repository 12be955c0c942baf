"""``ganonymize IN...``: pictures, videos and folders, whatever they are."""

import json
import os
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import GanonymizationError, OptionError, with_options
from .options import (
    HdrOption,
    JsonOption,
    MaxPixelsOption,
    OnNoFaceOption,
    SeedOption,
    StrictOption,
    progress,
    takes_config,
)
from .say import complain, say
from .wanted import Wanted, check_outputs, wanted_of

if TYPE_CHECKING:
    from ..config import AnonymizerConfig
    from ..options import OnNoFace
    from ..pipeline import Anonymizer
    from ..video.options import VideoOptions
    from .sums import Sums

_FRAME_PX = 640  # longer side that a video's frames are shrunk to for detection


@takes_config()
def anonymize(
    config: "AnonymizerConfig",
    inputs: Annotated[list[str], typer.Argument(metavar="IN...")],
    out: Annotated[str | None, typer.Option("--out", "-o")] = None,
    on_no_face: OnNoFaceOption = None,
    seed: SeedOption = None,
    codec: str | None = None,
    crf: Annotated[int | None, typer.Option(min=0, max=63)] = None,
    audio: bool = True,
    hdr: HdrOption = None,
    seconds: Annotated[float | None, typer.Option(min=0.001)] = None,
    overwrite: bool = False,
    strict: StrictOption = False,
    report: Annotated[bool | None, typer.Option("--report/--no-report")] = None,
    watch: bool = False,
    max_pixels: MaxPixelsOption = 120_000_000,
    as_json: JsonOption = False,
) -> None:
    """Anonymize pictures, videos and folders; each becomes IN-anon beside it, or goes to --out.

    It is meant where no command is named: ganonymize photo.jpg. The other commands have more
    options. The exit code is 1 where something could not be done, else 3 where the audit covered a
    face that was missed first.

    Options:
        inputs: Pictures, videos and folders; - for standard input; an address; a camera, as 0.
        out: A file, or a folder; - for standard output. [default: beside each input]
        codec: Of videos: h264, h265, av1, vp9 or FFmpeg's name. [default: h264, vp9 for WebM]
        crf: Lower is better and larger. [default: the codec's usual one]
        audio: Copy the sound of videos; a voice identifies, too.
        seconds: Of each video stop after so much. [default: all]
        overwrite: Of folders, do again what is done.
        report: Write what became of it into OUT-report. [default: of folders]
        watch: Go on with what comes into the folder, until Ctrl-C.
    """
    asked = _Asked(
        config, on_no_face, seed, codec, crf, audio, hdr, seconds, overwrite, strict, report,
        max_pixels, as_json,
    )  # fmt: skip
    wanted = list(wanted_of(inputs, out))
    check_outputs(wanted)
    asked.check(wanted)
    if watch:
        if [each.kind for each in wanted] != ["folder"] or report is False:
            raise OptionError("--watch: is for a single folder, and goes with a report")
        code = asked.watched(wanted[0])
    else:
        code = asked.alone(wanted[0]) if len(wanted) == 1 else _all(asked, wanted, out)
    if code:
        raise typer.Exit(code)


@dataclass(frozen=True)
class _Asked:
    """What is asked for of each input."""

    config: "AnonymizerConfig"
    on_no_face: "OnNoFace | None"
    seed: int | None
    codec: str | None
    crf: int | None
    audio: bool
    hdr: bool | None
    seconds: float | None
    overwrite: bool
    strict: bool
    report: bool | None
    max_pixels: int
    as_json: bool

    @cached_property
    def run_seed(self) -> int:
        """Of all inputs that are no folders."""
        from .video import seeds_or_fresh

        return seeds_or_fresh(self.seed)

    @cached_property
    def of_pictures(self) -> "Anonymizer":
        return self.config.load()

    @cached_property
    def of_videos(self) -> "Anonymizer":
        detector = self.config.detector_options
        detector = replace(detector, max_side_px=detector.max_side_px or _FRAME_PX)
        config = replace(self.config, detector_options=detector)
        return config.with_threads(1, os.cpu_count() or 1).load()

    def check(self, wanted: list[Wanted]) -> None:
        """Refuse what can be refused before the models load."""
        from .places import video_in
        from .video import check_codec, check_readable

        check_codec(self.codec)
        if self.seconds is not None and any(each.kind == "folder" for each in wanted):
            raise OptionError("--seconds: is for videos that are named, not for folders")
        if len(wanted) == 1 and wanted[0].kind == "video":
            check_readable(video_in(wanted[0].source))

    def options(self, report: Path | None) -> "VideoOptions":
        from ..video.options import VideoOptions

        return VideoOptions(
            self.run_seed, self.codec, self.crf, self.audio, strict=self.strict, hdr=self.hdr,
            seconds=self.seconds, max_pixels=self.max_pixels,
            report=report if self.report else None,
        )  # fmt: skip

    def alone(self, each: Wanted) -> int:
        """Do a single input, and tell of it as its own command does."""
        from . import console
        from .places import picture_in, video_in
        from .video import show_camera, write_video

        if each.kind == "folder":
            return self.folder(each)
        report = each.report if self.report else None
        if each.kind == "picture":
            covered = console.anonymize_image(
                self.of_pictures, picture_in(each.source), each.target, self.run_seed,
                self.on_no_face, self.max_pixels, self.as_json, report=report,
            )  # fmt: skip
            return console.COVERED_BY_AUDIT_EXIT if covered else 0
        place = video_in(each.source)
        if each.target is None and isinstance(place, str) and place != "-":
            show_camera(self.config, place, self.seed)
            return 0
        return write_video(
            self.of_videos, place, each.target, self.options(each.report), self.as_json
        )

    def folder(self, each: Wanted) -> int:
        """Do a folder as its own command does."""
        from ..batch.run_processes import in_processes
        from . import console

        executor = in_processes((os.cpu_count() or 1) + 1)
        return console.anonymize_folder(self._job(each), executor, self.as_json)

    def watched(self, each: Wanted) -> int:
        """Do a folder and what comes into it."""
        from .anonymize import watch_folder

        return watch_folder(self._job(each), (os.cpu_count() or 1) + 1, self.as_json)

    def _job(self, each: Wanted) -> Any:
        from ..batch.storage import LocalStorage
        from .anonymize import folder_job

        return folder_job(
            self.config, each.source, each.place, self.seed,
            on_no_face=self.on_no_face, overwrite=self.overwrite, max_pixels=self.max_pixels,
            sound=self.audio, strict=self.strict, hdr=self.hdr, codec=self.codec, crf=self.crf,
            reports=self.report is not False,
            reports_at=None if each.report is None else LocalStorage(each.report),
        )  # fmt: skip


def _all(asked: _Asked, wanted: list[Wanted], out: str | None) -> int:
    """Do several inputs, one after the other; one that fails does not stop the others."""
    from .console import COVERED_BY_AUDIT_EXIT
    from .sums import Sums

    sums, codes = Sums(), set[int]()
    for each in wanted:
        if each.kind == "folder":
            say(f"{each.source}:", sys.stderr)
            codes.add(asked.folder(each))
    files = [each for each in wanted if each.kind != "folder"]
    with progress("", len(files)) as advance:
        for each in files:
            try:
                _one(asked, each, sums)
            except GanonymizationError as error:
                complain(with_options(str(error)))
                sums.failed += 1
            advance()
    if files and asked.as_json:
        print(json.dumps({"seed": asked.run_seed, "files": sums.lines}, indent=1))
    elif files:
        say(sums.told(asked.run_seed, "beside their inputs" if out is None else f"in {out}"))
    if sums.failed or 1 in codes:
        return 1
    return COVERED_BY_AUDIT_EXIT if sums.by_audit or codes - {0} else 0


def _one(asked: _Asked, each: Wanted, sums: "Sums") -> None:
    """Do one of several inputs.

    Raises:
        GanonymizationError: As the library does.
    """
    from ..picture_file import anonymize_file
    from ..video.file import anonymize_video
    from .console import write_image_report

    assert each.target is not None
    if each.kind == "video":
        report = anonymize_video(
            asked.of_videos, Path(each.source), each.target, asked.options(each.report)
        )
        sums.add_video(each.source, report, each.target)
        return
    source = Path(each.source)
    result, written = anonymize_file(
        asked.of_pictures, source, each.target, seed=asked.run_seed, name=source.name,
        on_no_face=asked.on_no_face, max_pixels=asked.max_pixels,
    )  # fmt: skip
    names = [str(path) for path in written]
    if asked.report and each.report is not None:
        write_image_report(each.report, each.target, result, names)
    sums.add_picture(each.source, result, names)
