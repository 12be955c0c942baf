"""A folder and all below it, on this disk or at an address: S3, GCS, whatever fsspec reaches."""

import io
import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from . import images
from .errors import GanonymizationError, InputError, MissingExtraError, OptionError, OutputError
from .manifest import DiskManifest, Manifest, ManifestInParts, read_manifest, shard_manifest

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_SCRAP = re.compile(r"\.[0-9a-f]{16}\.part(\.\w+)?")
_WRITES_WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory"}
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
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
            if _SCRAP.fullmatch(path.name) and path.is_file():
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


class AddressTree:
    """A folder at an address that fsspec reaches.

    A file is fetched to this disk, or sent from it, whole; nothing stays here.

    Args:
        address: As ``s3://bucket/folder``.

    Raises:
        OptionError: The address is of no known kind.
        MissingExtraError: fsspec, or what it needs for that kind, is not installed.
    """

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        self._files, self._root = _opened(self._address)
        self._whole = address.partition("://")[0] in _WRITES_WHOLE
        self._seen: dict[str, Stamp] = {}

    def __str__(self) -> str:
        return self._address

    def __getstate__(self) -> dict[str, Any]:
        """Without what was seen, for there may be millions."""
        return self.__dict__ | {"_seen": {}}

    def names(self) -> Iterator[str]:
        """See :class:`Tree`; what is there is looked up once, all of it."""
        found = self._files.find(self._root, detail=True)
        cut = len(self._root) + 1
        self._seen = {path[cut:]: _stamp(facts) for path, facts in sorted(found.items())}
        return iter(self._seen)

    def stamp(self, name: str) -> Stamp:
        """See :class:`Tree`."""
        return self._seen.get(name) or _stamp(self._files.info(f"{self._root}/{name}"))

    def is_folder(self, name: str) -> bool:
        """See :class:`Tree`."""
        return False

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """See :class:`Tree`."""
        with tempfile.TemporaryDirectory(prefix="ganonymization-") as folder:
            path = Path(folder) / Path(name).name
            self._files.get_file(f"{self._root}/{name}", str(path))
            with _told_as(str(path), f"{self}/{name}"):
                yield path

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """See :class:`Tree`; nothing is sent after an error."""
        with tempfile.TemporaryDirectory(prefix="ganonymization-") as scratch:
            folder = Path(scratch)
            with _told_as(scratch, str(self)):
                yield folder
            for path in images.walk(folder):
                with path.open("rb") as file:
                    self._send(path.relative_to(folder).as_posix(), file)

    def write(self, name: str, content: bytes) -> None:
        """See :class:`Tree`."""
        self._send(name, io.BytesIO(content))

    def manifest(self, shard: tuple[int, int] | None) -> ManifestInParts:
        """See :class:`Tree`."""
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        stem = shard_manifest(shard).removesuffix(".jsonl")
        return ManifestInParts(lambda i, text: self.write(f"{stem}-{started}-{i:06d}.jsonl", text))

    def manifest_lines(self) -> Iterator[dict[str, Any]]:
        """See :class:`Tree`."""
        parts = self._files.glob(f"{self._root}/manifest*.jsonl")
        started = re.compile(r"(\d{8}T\d+Z-\d+)\.jsonl$")
        for path in sorted(parts, key=lambda path: "".join(started.findall(path))):
            for line in self._files.cat_file(path).splitlines():
                yield json.loads(line)

    def sweep(self) -> None:
        """See :class:`Tree`."""
        for path in [] if self._whole else self._files.find(self._root):
            if _SCRAP.fullmatch(path.rpartition("/")[2]):
                self._files.rm_file(path)

    def tells_case(self) -> bool:
        """See :class:`Tree`."""
        return True

    def _send(self, name: str, content: Any) -> None:
        """Write to a name of its own first, unless the store shows nothing but whole files."""
        path = f"{self._root}/{name}"
        folder = path.rpartition("/")[0]
        temporary = path if self._whole else f"{folder}/.{secrets.token_hex(8)}.part"
        try:
            self._files.makedirs(folder, exist_ok=True)
            with self._files.open(temporary, "wb") as file:
                shutil.copyfileobj(content, file)
            if not self._whole:
                self._files.mv(temporary, path)
        except Exception as error:  # each kind of store raises its own
            raise OutputError(f"{self}/{name}: cannot be written ({error})") from error


@contextmanager
def _told_as(here: str, there: str) -> Iterator[None]:
    """Errors name the place that the user knows."""
    try:
        yield
    except GanonymizationError as error:
        error.args = (str(error).replace(here, there),)
        raise


def open_tree(place: str) -> Tree:
    """The folder that a path or an address names.

    Raises:
        OptionError: The address is of no known kind.
        MissingExtraError: fsspec, or what it needs for that kind, is not installed.
    """
    return AddressTree(place) if "://" in place else DiskTree(Path(place))


def check_apart(source: Tree, out: Tree) -> None:
    """Refuse folders before any work is done.

    Raises:
        OptionError: The input is no folder.
        OutputError: The output folder is a file, or one folder lies in the other.
    """
    if isinstance(source, DiskTree) and not source.root.is_dir():
        raise OptionError(f"{source}: not a folder; use 'ganonymize image' for a file")
    if _within(source, out) or _within(out, source):
        raise OutputError(f"{out}: one of input and output folder lies in the other; keep apart")
    if isinstance(out, DiskTree) and out.root.exists() and not out.root.is_dir():
        raise OutputError(f"{out}: is a file; give a folder")


def _within(inner: Tree, outer: Tree) -> bool:
    if isinstance(inner, DiskTree) and isinstance(outer, DiskTree):
        a, b = inner.root.resolve(), outer.root.resolve()
        return a == b or b in a.parents
    return f"{inner}/".startswith(f"{outer}/")


def _opened(address: str) -> "tuple[AbstractFileSystem, str]":
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
