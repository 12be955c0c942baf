"""A folder and all below it: what every kind can do, and the kind on this disk."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import InputError
from ..io import images
from .manifest import DiskManifest, Manifest, read_manifest, shard_manifest

if TYPE_CHECKING:
    pass

SCRAP = re.compile(r"\.[0-9a-f]{16}\.part(\.\w+)?")
"""Names of files that are being written."""
UNKNOWN_NS = -1


@dataclass(frozen=True)
class Stamp:
    """What is seen of a file from outside.

    Attributes:
        size: In bytes.
        mtime_ns: When it was last changed, in nanoseconds, or ``UNKNOWN_NS``.
    """

    size: int
    mtime_ns: int


class Tree(Protocol):
    """A folder and all below it. Names are relative to it, with forward slashes."""

    def __str__(self) -> str:
        """For messages."""

    def names(self) -> Iterator[str]:
        """Of every file, in a fixed order; of folders that cannot be listed, too."""

    def look(self) -> None:
        """Learn what is there at once, if asking for each file would take long."""

    def stamp(self, name: str) -> Stamp:
        """Of a file.

        Raises:
            FileNotFoundError: There is none.
        """

    def is_folder(self, name: str) -> bool:
        """Whether it is a folder that was not looked into, such as a linked one."""

    def reading(self, name: str) -> AbstractContextManager[Path]:
        """While it lasts, a file on this disk with what the named one holds.

        Raises:
            InputError: It is a folder.
            FileNotFoundError: There is no such file.
        """

    def writing(self) -> AbstractContextManager[Path]:
        """While it lasts, a folder on this disk; what is written to it appears here."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file, all of it or nothing.

        Raises:
            OutputError: It cannot be written.
        """

    def manifest(self, shard: tuple[int, int] | None) -> Manifest:
        """A manifest to add to."""

    def manifest_lines(self) -> Iterator[dict[str, Any]]:
        """The lines of every manifest here, oldest first."""

    def sweep(self) -> None:
        """Remove what a killed run had half written."""

    def tells_case(self) -> bool:
        """Whether two names that differ in case alone are two files."""


class DiskTree:
    """A folder on this disk.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def names(self) -> Iterator[str]:
        """See :class:`Tree`."""
        return (path.relative_to(self.root).as_posix() for path in images.walk(self.root))

    def look(self) -> None:
        """See :class:`Tree`; a disk answers at once."""

    def stamp(self, name: str) -> Stamp:
        """See :class:`Tree`."""
        found = (self.root / name).stat()
        return Stamp(found.st_size, found.st_mtime_ns)

    def is_folder(self, name: str) -> bool:
        """See :class:`Tree`."""
        return (self.root / name).is_dir()

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """See :class:`Tree`."""
        path = self.root / name
        if path.is_dir():
            raise InputError(f"{path}: a folder that was not read; check it")
        yield path

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """See :class:`Tree`."""
        yield self.root

    def write(self, name: str, content: bytes) -> None:
        """See :class:`Tree`."""
        images.write_whole(self.root / name, lambda file: file.write(content))

    def manifest(self, shard: tuple[int, int] | None) -> DiskManifest:
        """See :class:`Tree`."""
        return DiskManifest(self.root / shard_manifest(shard))

    def manifest_lines(self) -> Iterator[dict[str, Any]]:
        """See :class:`Tree`."""
        paths = self.root.glob("manifest*.jsonl")
        for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns):
            yield from read_manifest(path)

    def sweep(self) -> None:
        """See :class:`Tree`."""
        if not self.root.is_dir():
            return
        for path in images.walk(self.root):
            if SCRAP.fullmatch(path.name) and path.is_file():
                path.unlink(missing_ok=True)

    def tells_case(self) -> bool:
        """See :class:`Tree`."""
        folder = self.root
        while not folder.is_dir():
            folder = folder.parent
        try:
            with tempfile.NamedTemporaryFile(prefix=".case-a", dir=folder) as file:
                return not Path(file.name.replace(".case-a", ".case-A")).exists()
        except OSError:  # read-only: the run itself will say so
            return True
