"""A folder of pictures and videos: a mirrored tree, a manifest line per file, nothing lost."""

import re
from collections import deque
from collections.abc import Callable, Container, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from . import images
from .errors import GanonymizationError, InputError, OptionError, OutputError
from .manifest import FINISHED, Entry, Manifest, Source, Status, latest, shard_manifest
from .options import OnNoFace
from .picturefile import anonymize_file
from .pipeline import Anonymizer
from .plan import PLAIN, Planned, check_clashes, in_shard, planned
from .videofile import BESIDE, VideoOptions, anonymize_video, is_video

_WAITING = 4  # files on their way, by job
_SCRAP = re.compile(r"\.[0-9a-f]{16}\.part(\.\w+)?")


@dataclass(frozen=True)
class FolderJob:
    """A folder to anonymize.

    Attributes:
        anonymizer: Shared by all jobs; None only plans.
        source: Input folder; read recursively.
        out: Output folder; the tree is mirrored.
        seed: Of the run.
        on_no_face: See :func:`ganonymization.picturefile.anonymize_file`.
        overwrite: Do again what is done.
        max_pixels: Larger pictures are refused.
        settings: Names whatever decides the outputs; a file done with other settings is done again.
        chosen: Files to anonymize, relative to the input folder; None for all.
        naming: Of outputs, see :func:`ganonymization.plan.planned`.
        shard: ``(i, n)``: the i-th of n shares of the files, from 1 on; None for all.
        sound: Copy that of videos. A voice identifies, too.
    """

    anonymizer: Anonymizer | None
    source: Path
    out: Path
    seed: int
    on_no_face: OnNoFace | None = None
    overwrite: bool = False
    max_pixels: int = images.DEFAULT_MAX_PIXELS
    settings: str = ""
    chosen: Container[str] | None = None
    naming: str = PLAIN
    shard: tuple[int, int] | None = None
    sound: bool = True

    def files(self) -> list[Planned]:
        """Every file of the input folder, or the chosen ones, in order.

        Raises:
            OptionError: The input is no folder, or ``naming`` is no pattern.
            OutputError: The output folder is a file, one folder lies in the other, or two outputs
                would be one file.
        """
        check_folders(self.source, self.out)
        everything = planned(self.source, self.naming)
        check_clashes(((file.name, out) for file in everything for out in outputs(file)), self.out)
        return [
            file
            for file in everything
            if (self.chosen is None or file.name in self.chosen)
            and (self.shard is None or in_shard(file.name, self.shard))
        ]

    def run(
        self, jobs: int, report: Callable[[Entry], None], files: list[Planned] | None = None
    ) -> None:
        """Anonymize every file; errors of one file do not stop the others.

        Args:
            jobs: Files in work at a time.
            report: Called in order with each finished entry, after it stands in the manifest.
            files: Of :meth:`files`, if they are known already.

        Raises:
            OutputError: The output folder or its manifest cannot be written.
        """
        files = self.files() if files is None else files
        done = {} if self.overwrite else self.done_before()
        everyone = files if self.shard is None else planned(self.source, self.naming)
        reserved = {self.out / file.out for file in everyone}
        if self.shard is None:  # other shards' scraps are in use
            _sweep(self.out)
        with Manifest(self.out / shard_manifest(self.shard)) as manifest:

            def work(file: Planned) -> Entry:
                if self.is_done(file, done):
                    return Entry(file.name, "skipped")
                entry = self._one(file, reserved)
                manifest.add(entry)
                return entry

            for entry in _in_order(work, files, max(1, jobs)):
                report(entry)

    def done_before(self) -> dict[str, Entry]:
        """What the manifests in the output folder say is finished, with these settings."""
        return {
            name: Entry(
                name, line["status"], tuple(line["outputs"]),
                source=Source(**line["source"]), output_bytes=tuple(line["output_bytes"]),
            )
            for name, line in latest(self.out).items()
            if line["status"] in FINISHED
            and line.get("settings") == self.settings
            and line.get("source")
        }  # fmt: skip

    def is_done(self, file: Planned, done: dict[str, Entry]) -> bool:
        """Whether a file is finished: it has not changed, and its outputs are there and whole."""
        entry = done.get(file.name)
        if entry is None or entry.source is None:
            return False
        if entry.outputs and entry.outputs[0] != file.out:
            return False  # it was named otherwise
        try:
            whole = all(
                (self.out / output).stat().st_size == size
                for output, size in zip(entry.outputs, entry.output_bytes, strict=True)
            )
            return whole and entry.source.still(file.path)
        except (OSError, ValueError):
            return False

    def _one(self, file: Planned, reserved: Container[Path]) -> Entry:
        path = file.path
        if path.is_dir():
            return self._failed(file, f"{path}: a folder that was not read; check it")
        if not is_read(path):
            return Entry(file.name, "not a picture", settings=self.settings)
        try:
            before = Source.of(path)
            make = self._video if is_video(path) else self._picture
            entry = make(file, reserved)
            if not before.still(path):
                raise InputError(f"{path}: changed while it was read; run again")
            sizes = tuple((self.out / output).stat().st_size for output in entry.outputs)
        except GanonymizationError as error:
            return self._failed(file, str(error))
        except FileNotFoundError:
            return self._failed(file, f"{path}: no such file any more; it was moved or removed")
        except Exception as error:  # one file must not stop the others
            return self._failed(file, f"{path}: {type(error).__name__}: {error}")
        return replace(entry, settings=self.settings, source=before, output_bytes=sizes)

    def _failed(self, file: Planned, error: str) -> Entry:
        return Entry(file.name, "failed", seed=self.seed, error=error, settings=self.settings)

    def _picture(self, file: Planned, reserved: Container[Path]) -> Entry:
        assert self.anonymizer is not None
        result, written = anonymize_file(
            self.anonymizer, file.path, self.out / file.out, seed=self.seed, name=file.name,
            on_no_face=self.on_no_face, max_pixels=self.max_pixels, reserved=reserved,
        )  # fmt: skip
        faces = tuple(
            {"box_xyxy": [round(v, 1) for v in f.box_xyxy], "score": round(f.score, 3),
             "outcome": f.outcome, "seed": f.seed}
            for f in result.faces
        )  # fmt: skip
        names = tuple(p.relative_to(self.out).as_posix() for p in written)
        whole = all(face.synthesized for face in result.faces)
        status: Status = "no face" if not faces else "done" if whole else "filled"
        return Entry(file.name, status, names, self.seed, faces)

    def _video(self, file: Planned, _: Container[Path]) -> Entry:
        assert self.anonymizer is not None
        made = anonymize_video(
            self.anonymizer,
            file.path,
            self.out / file.out,
            VideoOptions(self.seed, sound=self.sound),
        )
        tracks = tuple({"track": number, **asdict(t)} for number, t in made.tracks.items())
        status: Status = "no face" if not tracks else "filled" if made.filled_s else "done"
        return Entry(file.name, status, outputs(file), self.seed, tracks=tracks)


def is_read(path: Path) -> bool:
    """Whether the suffix is one of a picture or video that is read and written here."""
    return images.is_picture(path) or is_video(path)


def outputs(file: Planned) -> tuple[str, ...]:
    """What is written of a file, relative to the output folder; of a picture at least that."""
    if is_video(file.path):
        return tuple(file.out + end for end in ("", *BESIDE))
    return (file.out,) if is_read(file.path) else ()


def check_folders(source: Path, out: Path) -> None:
    """Refuse folders before any work is done.

    Raises:
        OptionError: The input is no folder.
        OutputError: The output folder is a file, or one folder lies in the other.
    """
    if not source.is_dir():
        raise OptionError(f"{source}: not a folder; use 'ganonymize image' for a file")
    inside = source.resolve()
    outside = out.resolve()
    if outside == inside or inside in outside.parents or outside in inside.parents:
        raise OutputError(f"{out}: one of input and output folder lies in the other; keep apart")
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; give a folder")


def _in_order(work: Callable[[Planned], Entry], files: list[Planned], jobs: int) -> Iterator[Entry]:
    """Results in the files' order; only a few files are on their way, however many there are."""
    waiting: deque[Future[Entry]] = deque()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for file in files:
                waiting.append(pool.submit(work, file))
                if len(waiting) >= _WAITING * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _sweep(folder: Path) -> None:
    """Remove what a killed run had half written."""
    if not folder.is_dir():
        return
    for path in images.walk(folder):
        if _SCRAP.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)
