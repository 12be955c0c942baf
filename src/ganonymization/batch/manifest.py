"""What became of each file of a folder: a line of JSON each, appended as soon as it is known."""

import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Self

from ..errors import OutputError

MANIFEST = "manifest.jsonl"
Status = Literal["done", "filled", "no face", "skipped", "failed", "not a picture"]
FINISHED: tuple[Status, ...] = ("done", "filled", "no face")
MEANINGS: dict[Status, str] = {
    "done": "every face that was found is redrawn",
    "filled": "every face that was found is redrawn or covered with a fill",
    "no face": "no face found",
    "skipped": "done before",
    "not a picture": "left out",
    "failed": "not written",
}
_PART_LINES, _PART_S = 500, 30.0


@dataclass(frozen=True)
class InputRecord:
    """An input as it was, to see whether it has changed; says nothing to who has not the key.

    Attributes:
        seen: Keyed hash of its size and time, in hex; empty where nobody knows the time.
        content: Keyed hash of what it holds, in hex.
    """

    seen: str
    content: str

    @classmethod
    def of(cls, key: bytes, name: str, size: int, mtime_ns: int, sha256: str) -> Self:
        """Of an input's name, size in bytes, time (-1: unknown), and SHA-256 in hex."""
        seen = "" if mtime_ns < 0 else _keyed(key, name, f"{size} {mtime_ns}")
        return cls(seen, _keyed(key, name, sha256))


@dataclass(frozen=True)
class Entry:
    """One line of the manifest.

    Attributes:
        file: Path relative to the input folder, with forward slashes.
        status: ``done``: every face synthesized; ``filled``: some covered; ``no face``: passed on
            or skipped; ``skipped``: done before; ``failed``; ``not a picture``, nor a video.
        outputs: Files written, relative to the output folder.
        seed: Of the run; None where it is secret, or nothing was drawn.
        faces: Of a picture: outcome and seed of each face, of a scene box and score, too.
        tracks: Of a video: how many frames each face was synthesized and filled in.
        dropped: What the output does not hold: of a video streams, of a motion photo its film.
        error: What went wrong, or None.
        settings: Of the run, as :class:`ganonymization.batch.folder.FolderJob` was given them.
        source: The input as it was, or None where it could not be read.
        output_bytes: Size of each output.
        audited: The outputs were searched once more for faces.
    """

    file: str
    status: Status
    outputs: tuple[str, ...] = ()
    seed: int | None = None
    faces: tuple[dict[str, object], ...] = field(default=())
    tracks: tuple[dict[str, object], ...] = field(default=())
    dropped: tuple[str, ...] = ()
    error: str | None = None
    settings: str = ""
    source: InputRecord | None = None
    output_bytes: tuple[int, ...] = ()
    audited: bool = False

    def without_seeds(self) -> "Entry":
        """The same, which tells no seed."""
        return replace(self, seed=None, faces=tuple(face | {"seed": None} for face in self.faces))

    def skipped(self) -> "Entry":
        """As a later run tells it, which leaves it."""
        return Entry(self.file, "skipped", seed=self.seed, faces=self.faces)

    def line(self) -> bytes:
        """As JSON, with its end of line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def of(cls, line: dict[str, Any], key: bytes) -> Self:
        """From what a line holds, of another version's what is known here."""
        known = {name: line[name] for name in line.keys() & {field.name for field in fields(cls)}}
        for name in ("outputs", "faces", "tracks", "dropped", "output_bytes"):
            known[name] = tuple(known.get(name, ()))
        if known.get("source"):
            known["source"] = _record(key, line["file"], known["source"])
        return cls(**known)


class LocalManifest:
    """A file that whole lines are appended to; threads may share it.

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

    def close(self) -> None:
        """Keep what was added, whatever happens to the machine."""
        os.fsync(self._file)
        os.close(self._file)

    def add(self, entry: Entry) -> None:
        """Append a line, all of it or nothing.

        Raises:
            OutputError: The disk is full.
        """
        line = entry.line()
        try:
            with self._lock:
                written = os.write(self._file, line)
        except OSError as error:
            raise self._unwritable(error) from error
        if written < len(line):
            raise OutputError(f"{self._path}: cannot be written (the disk is full)")

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(f"{self._path}: cannot be written ({error.strerror})")


class NoManifest:
    """Where none is wanted."""

    def add(self, entry: Entry) -> None:
        """Remember nothing."""

    def close(self) -> None:
        """Nothing to close."""


class ManifestInParts:
    """Files of a few hundred lines each, for stores that append to none; threads may share it.

    Args:
        write: Takes the number of a part, from 0 on, and its content.
    """

    def __init__(self, write: Callable[[int, bytes], None]) -> None:
        self._write, self._lock = write, threading.Lock()
        self._lines: list[bytes] = []
        self._parts, self._since = 0, time.monotonic()

    def close(self) -> None:
        """Write the last part."""
        with self._lock:
            self._flush()

    def add(self, entry: Entry) -> None:
        """Add a line; after a kill the work of the lines since the last part is done again.

        Raises:
            OutputError: A part cannot be written.
        """
        with self._lock:
            self._lines.append(entry.line())
            if len(self._lines) >= _PART_LINES or time.monotonic() - self._since > _PART_S:
                self._flush()

    def _flush(self) -> None:
        if self._lines:
            self._write(self._parts, b"".join(self._lines))
        self._lines, self._parts, self._since = [], self._parts + 1, time.monotonic()


def shard_manifest(shard: tuple[int, int] | None) -> str:
    """Name of the manifest of one of several jobs, ``(i, n)``, or of the only one."""
    return MANIFEST if shard is None else f"manifest-{shard[0]}-of-{shard[1]}.jsonl"


def read_manifest(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a manifest; one that was cut off by a kill is skipped."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue  # the work it would have recorded is done again


def latest(lines: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The last line about each file."""
    return {line["file"]: line for line in lines}


def _record(key: bytes, name: str, source: dict[str, Any]) -> InputRecord | None:
    """What a line says of its input; those of earlier versions held its size, time and hash."""
    if {"size", "mtime_ns", "sha256"} <= source.keys():
        return InputRecord.of(key, name, source["size"], source["mtime_ns"], source["sha256"])
    return InputRecord(**source) if source.keys() == {"seen", "content"} else None


def _keyed(key: bytes, name: str, text: str) -> str:
    message = f"{name}\0{text}".encode("utf-8", "surrogateescape")
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def sha256_of(path: Path) -> str:
    """Of what a file holds, in hex.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-min(1, file.seek(0, os.SEEK_END)), os.SEEK_END)
        return file.read(1) in (b"", b"\n")
