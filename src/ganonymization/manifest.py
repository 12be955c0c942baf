"""What became of each file of a folder: a line of JSON each, appended as soon as it is known."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from .errors import OutputError

MANIFEST = "manifest.jsonl"
Status = Literal["done", "filled", "no face", "skipped", "failed", "not a picture"]
FINISHED: tuple[Status, ...] = ("done", "filled", "no face")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """An input as it was, to see whether it has changed.

    Attributes:
        size: In bytes.
        mtime_ns: When it was last changed, in nanoseconds.
        sha256: Of what it holds, in hex.
    """

    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "Source":
        """Look at a file, all of it.

        Raises:
            OSError: It cannot be read.
        """
        found, digest = path.stat(), hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
        return cls(found.st_size, found.st_mtime_ns, digest.hexdigest())

    def still(self, path: Path) -> bool:
        """Whether the file is as it was; it is read only where its time alone has changed."""
        found = path.stat()
        if found.st_size != self.size:
            return False
        return found.st_mtime_ns == self.mtime_ns or Source.of(path).sha256 == self.sha256


@dataclass(frozen=True)
class Entry:
    """One line of the manifest.

    Attributes:
        file: Path relative to the input folder, with forward slashes.
        status: ``done``: every face synthesized; ``filled``: some covered; ``no face``: passed on
            or left out; ``skipped``: done before; ``failed``; ``not a picture``, nor a video.
        outputs: Files written, relative to the output folder.
        seed: Of the run.
        faces: Of a picture: box, score, outcome and seed of each face.
        tracks: Of a video: how many frames each face was synthesized and filled in.
        error: What went wrong, or None.
        settings: Of the run, as :class:`ganonymization.batch.FolderJob` was given them.
        source: The input as it was, or None where it could not be read.
        output_bytes: Size of each output.
    """

    file: str
    status: Status
    outputs: tuple[str, ...] = ()
    seed: int | None = None
    faces: tuple[dict[str, object], ...] = field(default=())
    tracks: tuple[dict[str, object], ...] = field(default=())
    error: str | None = None
    settings: str = ""
    source: Source | None = None
    output_bytes: tuple[int, ...] = ()


class Manifest:
    """A manifest that whole lines are appended to; threads may share it.

    Args:
        path: The file; its folder is made.

    Raises:
        OutputError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            cut = path.is_file() and not _ends_a_line(path)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            if cut:  # a kill cut the last line
                os.write(self._file, b"\n")
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.fsync(self._file)
        os.close(self._file)

    def add(self, entry: Entry) -> None:
        """Append a line, all of it or nothing.

        Raises:
            OutputError: The disk is full.
        """
        line = json.dumps(asdict(entry)).encode() + b"\n"
        try:
            with self._lock:
                written = os.write(self._file, line)
        except OSError as error:
            raise self._unwritable(error) from error
        if written < len(line):
            raise OutputError(f"{self._path}: cannot be written (the disk is full)")

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(f"{self._path}: cannot be written ({error.strerror})")


def shard_manifest(shard: tuple[int, int] | None) -> str:
    """Name of the manifest of one of several jobs, ``(i, n)``, or of the only one."""
    return MANIFEST if shard is None else f"manifest-{shard[0]}-of-{shard[1]}.jsonl"


def read_manifest(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a manifest; one that was cut off by a kill is left out."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue  # the work it would have recorded is done again


def latest(folder: Path) -> dict[str, dict[str, Any]]:
    """The last line about each file in an output folder, whichever job wrote it."""
    paths = sorted(folder.glob("manifest*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    return {line["file"]: line for path in paths for line in read_manifest(path)}


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
