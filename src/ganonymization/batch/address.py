# ruff: noqa: D102 - methods are documented once, at LocalStorage
"""Folders at addresses: S3, GCS, whatever fsspec reaches."""

import io
import json
import posixpath
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import GanonymizationError, InputError, MissingExtraError, OptionError, OutputError
from ..io.files import SCRAP, walk
from .manifest import ManifestInParts, shard_manifest
from .storage import UNKNOWN_NS, LocalStorage, Stamp, identity_of

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_LOCAL = ("file://", "local://")
_WRITES_WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory"}
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")


class FsspecStorage:
    """A folder at an address, as ``s3://bucket/folder``; nothing of it stays on this disk.

    Files are fetched or sent whole. Raises as :func:`open_storage` does.
    """

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        self._files, self._root = _opened(self._address)
        self._whole = address.partition("://")[0] in _WRITES_WHOLE
        self._listed: dict[str, Stamp] = {}

    def __str__(self) -> str:
        return self._address

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_listed": {}}  # there may be millions

    @property
    def identity(self) -> str:
        return identity_of(type(self._files).__name__, self._root)

    def seen_from(self, other: Any) -> str:
        return posixpath.relpath(self._root, other._root)

    def beside(self, end: str) -> "FsspecStorage":
        if not self._root.strip("/"):
            raise OptionError(f"{self}: nothing lies beside it; give a folder in it")
        return FsspecStorage(self._address + end)

    def names(self) -> Iterator[str]:
        self.list_files()
        if not self._listed:
            raise InputError(f"{self}: nothing is there; check the address")
        return iter(list(self._listed))

    def list_files(self) -> None:
        try:
            found = self._files.find(self._root, detail=True)
        except FileNotFoundError:
            found = {}
        except Exception as error:  # each kind of store raises its own
            raise InputError(f"{self}: cannot be listed ({error}); check the address") from error
        cut = len(self._root) + 1
        self._listed = {path[cut:]: _stamp(facts) for path, facts in sorted(found.items())}

    def stamp(self, name: str) -> Stamp:
        path = f"{self._root}/{name}"
        self._files.invalidate_cache(path)
        return _stamp(self._files.info(path))

    def listed(self, name: str) -> Stamp:
        return self._listed.get(name) or self.stamp(name)

    def is_folder(self, name: str) -> bool:
        return False  # such stores know none

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="ganonymization-") as folder:
            path = Path(folder) / Path(name).name
            self._files.get_file(f"{self._root}/{name}", str(path))
            with _renamed(str(path), f"{self}/{name}"):
                yield path

    @contextmanager
    def writing(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="ganonymization-") as scratch:
            folder = Path(scratch)
            with _renamed(scratch, str(self)):
                yield folder
            for path in walk(folder):  # nothing is sent after an error
                with path.open("rb") as file:
                    self._send(path.relative_to(folder).as_posix(), file)

    def write(self, name: str, content: bytes) -> None:
        self._send(name, io.BytesIO(content))

    def manifest(self, shard: tuple[int, int] | None) -> ManifestInParts:
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        stem = shard_manifest(shard).removesuffix(".jsonl")
        return ManifestInParts(lambda i, text: self.write(f"{stem}-{started}-{i:06d}.jsonl", text))

    def manifest_lines(self) -> Iterator[dict[str, Any]]:
        parts = self._files.glob(f"{self._root}/manifest*.jsonl")
        started = re.compile(r"(\d{8}T\d+Z-\d+)\.jsonl$")
        for path in sorted(parts, key=lambda path: "".join(started.findall(path))):
            for line in self._files.cat_file(path).splitlines():
                yield json.loads(line)

    def drop_manifests(self) -> None:
        for path in self._files.glob(f"{self._root}/manifest*.jsonl"):
            self._files.rm_file(path)

    def present(self) -> Iterator[str]:
        self.list_files()
        return iter(list(self._listed))

    def sweep(self) -> None:
        for path in [] if self._whole else self._files.find(self._root):
            if SCRAP.fullmatch(path.rpartition("/")[2]):
                self._files.rm_file(path)

    def tells_case(self) -> bool:
        return True

    def leads_into(self, name: str, identity: str) -> bool:
        return False  # nor links

    def absolute(self) -> "FsspecStorage":
        return self

    def _send(self, name: str, content: Any) -> None:
        """Write to a name of its own first, unless the store shows nothing but whole files."""
        self._listed.pop(name, None)
        path = f"{self._root}/{name}"
        folder = path.rpartition("/")[0]
        temporary = path if self._whole else f"{folder}/.{secrets.token_hex(8)}.part"
        try:
            if not self._whole:  # such stores know no folders
                self._files.makedirs(folder, exist_ok=True)
            with self._files.open(temporary, "wb") as file:
                shutil.copyfileobj(content, file)
            if not self._whole:
                self._files.mv(temporary, path)
        except Exception as error:  # each kind of store raises its own
            raise OutputError(f"{self}/{name}: cannot be written ({error})") from error


Storage = LocalStorage | FsspecStorage
"""Where a job reads and writes."""


def open_storage(place: str | Path) -> Storage:
    """The folder that a path or an address as ``s3://bucket/folder`` names.

    Raises:
        OptionError: The address is of no known kind.
        MissingExtraError: fsspec, or what it needs for that kind, is not installed.
    """
    if isinstance(place, Path):
        return LocalStorage(place)
    if place.startswith(_LOCAL):  # the same folder as its path
        return LocalStorage(Path(url2pathname(urlsplit(place).path)))
    return FsspecStorage(place) if "://" in place else LocalStorage(Path(place))


def is_store(place: str) -> bool:
    """Whether an address is one of a folder, rather than of a stream."""
    return place.startswith(_LOCAL) or place.partition("://")[0] in _WRITES_WHOLE


def check_apart(source: Storage, out: Storage) -> None:
    """Refuse folders before any work is done.

    Raises:
        OptionError: The input is no folder.
        OutputError: The output folder is a file, or one folder lies in the other.
    """
    if isinstance(source, LocalStorage) and not source.root.is_dir():
        raise OptionError(f"{source}: not a folder; use 'ganonymize image' for a file")
    a, b = source.identity, out.identity
    if a.startswith(b) or b.startswith(a):
        raise OutputError(f"{out}: one of input and output folder lies in the other; keep apart")
    if isinstance(out, LocalStorage) and out.root.exists() and not out.root.is_dir():
        raise OutputError(f"{out}: is a file; give a folder")


@contextmanager
def _renamed(here: str, there: str) -> Iterator[None]:
    """Errors name the place that the user knows."""
    try:
        yield
    except GanonymizationError as error:
        error.args = (error.message.replace(here, there),)
        raise


def _opened(address: str) -> "tuple[AbstractFileSystem, str]":
    if "::" in address:
        raise OptionError(
            f"{address}: one address behind another may keep originals in a cache; give a plain one"
        )
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError("an address as a folder", "scale") from error
    try:
        files, root = fsspec.url_to_fs(address)
    except ValueError as error:
        raise OptionError(f"{address}: {error}; give a folder or an address as s3://…") from error
    except ImportError as error:  # its message names the package
        raise OptionError(f"{address}: {error}") from error
    return files, root.rstrip("/")


def _stamp(facts: dict[str, Any]) -> Stamp:
    """Size and time, whichever names a store has for them."""
    time = next((facts[key] for key in _TIMES if facts.get(key) is not None), None)
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    if isinstance(time, datetime):
        time = time.timestamp()
    return Stamp(int(facts["size"] or 0), UNKNOWN_NS if time is None else round(time * 1e9))
