"""A folder on this disk to read from and write to; :mod:`.address` has those at addresses.

fsspec reads local folders, too, but not well enough for this: it rounds times to floats, follows
links to folders, and would copy each file before it is read.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..io.files import SCRAP, walk, write_bytes
from .manifest import LocalManifest, read_manifest, shard_manifest

UNKNOWN_NS = -1


@dataclass(frozen=True)
class Stamp:
    """Size and time in nanoseconds, or ``UNKNOWN_NS``, of a file as seen from outside."""

    size: int
    mtime_ns: int


class LocalStorage:
    """A folder on this disk and all below it. Names are relative to it, with forward slashes.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    @property
    def identity(self) -> str:
        """One for each way to write a place; that of a place below starts with it."""
        return identity_of("LocalFileSystem", os.path.realpath(self.root))

    def seen_from(self, other: Any) -> str:
        """Its relative path, seen from another one of its kind."""
        return Path(os.path.relpath(self.root, other.root)).as_posix()

    def beside(self, end: str) -> "LocalStorage":
        """The folder beside this one whose name goes on with ``end``."""
        root = self.root if self.root.name not in ("", "..") else self.root.absolute().resolve()
        return LocalStorage(root.with_name(root.name + end))

    def names(self) -> Iterator[str]:
        """Of every file, in a fixed order; of folders that cannot be listed, too.

        Raises:
            InputError: It is an address that cannot be listed, or where nothing is.
        """
        return (path.relative_to(self.root).as_posix() for path in walk(self.root))

    def stamp(self, name: str) -> Stamp:
        """Of a file as it is now.

        Raises:
            FileNotFoundError: There is none.
        """
        found = (self.root / name).stat()
        return Stamp(found.st_size, found.st_mtime_ns)

    def list_files(self) -> None:
        """Learn every file's stamp at once, where asking for each would take long."""

    def listed(self, name: str) -> Stamp:
        """As :meth:`stamp`, or as it was when the files were last listed."""
        return self.stamp(name)

    def is_folder(self, name: str) -> bool:
        """Whether it is a folder that was not looked into, such as a linked one."""
        return (self.root / name).is_dir()

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """While it lasts, a file on this disk with what the named one holds.

        Raises:
            InputError: It is a folder.
            FileNotFoundError: There is no such file.
        """
        path = self.root / name
        if path.is_dir():
            raise InputError(f"{path}: a folder that was not read; check it")
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: a pipe, a socket or a device; remove it")
        yield path

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """While it lasts, a folder on this disk; what is written to it appears here."""
        yield self.root

    def write(self, name: str, content: bytes) -> None:
        """Write a file, all of it or nothing.

        Raises:
            OutputError: It cannot be written.
        """
        write_bytes(self.root / name, content)

    def manifest(self, shard: tuple[int, int] | None) -> LocalManifest:
        """A manifest to add to."""
        return LocalManifest(self.root / shard_manifest(shard))

    def manifest_lines(self) -> Iterator[dict[str, Any]]:
        """The lines of every manifest here, oldest first."""
        paths = self.root.glob("manifest*.jsonl")
        for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns):
            yield from read_manifest(path)

    def drop_manifests(self) -> None:
        """Remove every manifest here."""
        for path in self.root.glob("manifest*.jsonl"):
            path.unlink()

    def present(self) -> Iterator[str]:
        """Names of every file here; none where the folder is not there yet."""
        return self.names() if self.root.is_dir() else iter(())

    def sweep(self) -> None:
        """Remove what a killed run had half written."""
        for path in walk(self.root):
            if SCRAP.fullmatch(path.name) and path.is_file():
                path.unlink(missing_ok=True)

    def tells_case(self) -> bool:
        """Whether two names that differ in case alone are two files; nothing is written."""
        folder = self.root.absolute()
        while not folder.is_dir():
            folder = folder.parent
        for path in chain(folder.iterdir(), [folder]):
            swapped = path.parent / path.name.swapcase()
            if swapped.name != path.name and path.parent.stat().st_dev == folder.stat().st_dev:
                return not (swapped.exists() and os.path.samestat(swapped.lstat(), path.lstat()))
        return False  # nothing here shows it: take no chance

    def leads_into(self, name: str, identity: str) -> bool:
        """Whether a link here leads a name into the folder of that identity."""
        path = identity_of("LocalFileSystem", os.path.realpath(self.root / name))
        return path.startswith(identity)

    def absolute(self) -> "LocalStorage":
        """The same for processes that start in other folders."""
        return LocalStorage(self.root.absolute())


def identity_of(kind: str, root: str) -> str:
    """See :attr:`LocalStorage.identity`; of the name of fsspec's class and a whole path."""
    return f"{kind}:{root.rstrip('/')}/"
