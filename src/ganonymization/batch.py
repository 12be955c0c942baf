"""A folder of pictures: a mirrored tree, a manifest line per file, nothing lost in silence."""

import itertools
import json
import threading
from collections.abc import Callable, Container, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TextIO

import numpy as np

from . import images
from .errors import GanonymizationError, NoFaceError, OptionError, OutputError
from .options import OnNoFace, check_choice
from .pipeline import Anonymizer
from .types import Image, Mask, Result

MANIFEST = "manifest.jsonl"
Status = Literal["done", "filled", "no face", "skipped", "failed", "not a picture"]


@dataclass(frozen=True)
class Entry:
    """One line of the manifest.

    Attributes:
        file: Path relative to the input folder, with forward slashes.
        status: ``done``: every face synthesized; ``filled``: some covered; ``no face``: passed on
            or left out; ``skipped``: done before; ``failed``; ``not a picture``.
        outputs: Files written, relative to the output folder.
        seed: Of the run.
        faces: Box, score, outcome and seed of each face.
        error: What went wrong, or None.
        settings: Of the run, as :class:`FolderJob` was given them.
        source_state: Size and modification time of the input, to see whether it has changed.
    """

    file: str
    status: Status
    outputs: tuple[str, ...] = ()
    seed: int | None = None
    faces: tuple[dict[str, object], ...] = field(default=())
    error: str | None = None
    settings: str = ""
    source_state: tuple[int, int] | None = None


def anonymize_file(
    anonymizer: Anonymizer,
    source: Path,
    out: Path,
    *,
    seed: int,
    name: str = "",
    on_no_face: OnNoFace | None = None,
    max_pixels: int = images.DEFAULT_MAX_PIXELS,
    reserved: Container[Path] = (),
) -> tuple[Result, list[Path]]:
    """Read, anonymize and write one picture.

    Args:
        anonymizer: Its mode decides what is written: the scene, or a portrait for each face, the
            first under ``out``, further ones with ``_1``, ``_2`` before the suffix.
        source: The picture.
        out: The file to write.
        seed: Of the run.
        name: Relative path that the face seeds are drawn from.
        on_no_face: ``copy`` passes the picture on without its metadata, ``skip`` writes nothing,
            ``error`` raises; None copies scenes and skips portraits, since a copy in the place of
            a portrait would show whatever the detector missed.
        max_pixels: Larger pictures are refused.
        reserved: Files that further portraits must not take, for they belong to other pictures.

    Returns:
        The result and the files written.

    Raises:
        UnreadableError: The picture cannot be read.
        NoFaceError: There is no face and ``on_no_face`` is ``"error"``.
        OutputError: The file cannot be written.
    """
    if on_no_face is not None:
        check_choice(on_no_face, OnNoFace)
    portrait = anonymizer.mode == "portrait"
    images.check_output(source, out)
    picture = images.read(source, max_pixels)
    result = anonymizer(picture.pixels, seed=seed, name=name)
    if not result.faces:
        chosen = on_no_face or ("skip" if portrait else "copy")
        if chosen == "error":
            raise NoFaceError(f"{source}: no face found; lower --min-score or check the picture")
        if chosen == "skip":
            return result, []
        images.write(out, picture)
        return result, [out]
    if result.image is not None:
        images.write(out, without_faces(picture, result.image, result.composite_mask))
        return result, [out]
    numbered = (out.with_stem(f"{out.stem}_{i}") for i in itertools.count(1))
    free = itertools.chain([out], (path for path in numbered if path not in reserved))
    written = list(itertools.islice(free, len(result.portraits)))
    for path in written:  # all before the first is written
        images.check_output(source, path)
    for path, head in zip(written, result.portraits, strict=True):
        images.write(path, images.Picture(head, grey=picture.grey))
    return result, written


def without_faces(picture: images.Picture, pixels: Image, composite_mask: Mask) -> images.Picture:
    """New pixels, opaque where faces were: alpha may show the outline of a face, or all of it."""
    alpha = picture.alpha
    if alpha is not None:
        alpha = np.where(composite_mask, np.uint8(255), alpha)
    return replace(picture, pixels=pixels, alpha=alpha)


@dataclass(frozen=True)
class FolderJob:
    """A folder to anonymize.

    Attributes:
        anonymizer: Shared by all jobs.
        source: Input folder; read recursively.
        out: Output folder; the tree is mirrored, names and suffixes are kept.
        seed: Of the run.
        on_no_face: See :func:`anonymize_file`.
        overwrite: Do again what is done.
        max_pixels: Larger pictures are refused.
        settings: Names whatever decides the outputs; a file done with other settings is done again.
        chosen: Files to anonymize, relative to the input folder; None for all.
    """

    anonymizer: Anonymizer
    source: Path
    out: Path
    seed: int
    on_no_face: OnNoFace | None = None
    overwrite: bool = False
    max_pixels: int = images.DEFAULT_MAX_PIXELS
    settings: str = ""
    chosen: Container[str] | None = None

    def files(self) -> list[Path]:
        """Every file of the input folder, or the chosen ones, in order.

        Raises:
            OptionError: The input is no folder.
            OutputError: The output folder is a file, or one folder lies in the other.
        """
        check_folders(self.source, self.out)
        return [
            path
            for path in images.walk(self.source)
            if self.chosen is None or path.relative_to(self.source).as_posix() in self.chosen
        ]

    def run(self, jobs: int, report: Callable[[Entry], None]) -> None:
        """Anonymize every file; errors of one file do not stop the others.

        Args:
            jobs: Pictures in work at a time.
            report: Called in order with each finished entry, after it stands in the manifest.

        Raises:
            OutputError: The output folder or its manifest cannot be written.
        """
        files = self.files()
        done = {} if self.overwrite else self._done_before()
        reserved = {self.out / path.relative_to(self.source) for path in files}
        lock = threading.Lock()
        with self._manifest() as manifest, ThreadPoolExecutor(max(1, jobs)) as pool:

            def work(path: Path) -> Entry:
                name = path.relative_to(self.source).as_posix()
                state = _state(path)
                if state is not None and done.get(name) == [self.settings, *state]:
                    return Entry(name, "skipped")
                entry = self._one(path, name, reserved)
                entry = replace(entry, settings=self.settings, source_state=state)
                with lock:
                    manifest.write(json.dumps(asdict(entry)) + "\n")
                    manifest.flush()
                return entry

            for entry in pool.map(work, files):
                report(entry)

    @contextmanager
    def _manifest(self) -> Iterator[TextIO]:
        """The manifest, open to append whole lines to."""
        path = self.out / MANIFEST
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            cut = path.is_file() and not path.read_bytes().endswith(b"\n")
            with path.open("a", encoding="utf-8") as manifest:
                if cut and manifest.tell():  # a kill cut the last line
                    manifest.write("\n")
                yield manifest
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from error

    def _one(self, path: Path, name: str, reserved: Container[Path]) -> Entry:
        if path.is_dir():
            return Entry(name, "failed", error=f"{path}: a folder that was not read; check it")
        if not images.is_picture(path):
            return Entry(name, "not a picture")
        out = self.out / name
        try:
            result, written = anonymize_file(
                self.anonymizer, path, out, seed=self.seed, name=name,
                on_no_face=self.on_no_face, max_pixels=self.max_pixels, reserved=reserved,
            )  # fmt: skip
        except GanonymizationError as error:
            return Entry(name, "failed", seed=self.seed, error=str(error))
        except Exception as error:  # one file must not stop the others
            told = f"{path}: {type(error).__name__}: {error}"
            return Entry(name, "failed", seed=self.seed, error=told)
        faces = tuple(
            {"box_xyxy": [round(v, 1) for v in f.box_xyxy], "score": round(f.score, 3),
             "outcome": f.outcome, "seed": f.seed}
            for f in result.faces
        )  # fmt: skip
        outputs = tuple(p.relative_to(self.out).as_posix() for p in written)
        whole = all(face.synthesized for face in result.faces)
        status: Status = "no face" if not faces else "done" if whole else "filled"
        return Entry(name, status, outputs, self.seed, faces)

    def _done_before(self) -> dict[str, list[object]]:
        """Settings and input state of each file whose last line says that it is finished."""
        last = {entry["file"]: entry for entry in read_manifest(self.out / MANIFEST)}
        return {
            name: [entry.get("settings"), *(entry.get("source_state") or ())]
            for name, entry in last.items()
            if entry["status"] in ("done", "filled", "no face")
            and all((self.out / output).is_file() for output in entry["outputs"])
        }


def _state(path: Path) -> tuple[int, int] | None:
    """Size and modification time, or None for what cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


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


def read_manifest(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a manifest; a last line that was cut off by a kill is left out."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue  # the work it would have recorded is done again
