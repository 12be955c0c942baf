"""A folder at an address: S3, GCS, whatever fsspec reaches."""

import io
import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import GanonymizationError, InputError, MissingExtraError, OptionError, OutputError
from ..io import images
from .manifest import ManifestInParts, shard_manifest
from .tree import SCRAP, UNKNOWN_NS, Stamp

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_WRITES_WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory"}
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")


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

    @property
    def identity(self) -> str:
        """The same for each way to write an address, as ``s3://`` and ``s3a://``."""
        return f"{type(self._files).__name__}:{self._root}"

    def __getstate__(self) -> dict[str, Any]:
        """Without what was seen, for there may be millions."""
        return self.__dict__ | {"_seen": {}}

    def names(self) -> Iterator[str]:
        """See :class:`ganonymization.batch.tree.Tree`.

        Raises:
            InputError: It cannot be listed, or there is nothing.
        """
        self.look()
        if not self._seen:
            raise InputError(f"{self}: nothing is there; check the address")
        return iter(list(self._seen))

    def look(self) -> None:
        """See :class:`ganonymization.batch.tree.Tree`.

        Raises:
            InputError: It cannot be listed.
        """
        try:
            found = self._files.find(self._root, detail=True)
        except FileNotFoundError:
            found = {}
        except Exception as error:  # each kind of store raises its own
            raise InputError(f"{self}: cannot be listed ({error}); check the address") from error
        cut = len(self._root) + 1
        self._seen = {path[cut:]: _stamp(facts) for path, facts in sorted(found.items())}

    def stamp(self, name: str) -> Stamp:
        """See :class:`ganonymization.batch.tree.Tree`."""
        return self._seen.get(name) or _stamp(self._files.info(f"{self._root}/{name}"))

    def is_folder(self, name: str) -> bool:
        """See :class:`ganonymization.batch.tree.Tree`."""
        return False

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """See :class:`ganonymization.batch.tree.Tree`."""
        with tempfile.TemporaryDirectory(prefix="ganonymization-") as folder:
            path = Path(folder) / Path(name).name
            self._files.get_file(f"{self._root}/{name}", str(path))
            with _told_as(str(path), f"{self}/{name}"):
                yield path

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """See :class:`ganonymization.batch.tree.Tree`; nothing is sent after an error."""
        with tempfile.TemporaryDirectory(prefix="ganonymization-") as scratch:
            folder = Path(scratch)
            with _told_as(scratch, str(self)):
                yield folder
            for path in images.walk(folder):
                with path.open("rb") as file:
                    self._send(path.relative_to(folder).as_posix(), file)

    def write(self, name: str, content: bytes) -> None:
        """See :class:`ganonymization.batch.tree.Tree`."""
        self._send(name, io.BytesIO(content))

    def manifest(self, shard: tuple[int, int] | None) -> ManifestInParts:
        """See :class:`ganonymization.batch.tree.Tree`."""
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        stem = shard_manifest(shard).removesuffix(".jsonl")
        return ManifestInParts(lambda i, text: self.write(f"{stem}-{started}-{i:06d}.jsonl", text))

    def manifest_lines(self) -> Iterator[dict[str, Any]]:
        """See :class:`ganonymization.batch.tree.Tree`."""
        parts = self._files.glob(f"{self._root}/manifest*.jsonl")
        started = re.compile(r"(\d{8}T\d+Z-\d+)\.jsonl$")
        for path in sorted(parts, key=lambda path: "".join(started.findall(path))):
            for line in self._files.cat_file(path).splitlines():
                yield json.loads(line)

    def sweep(self) -> None:
        """See :class:`ganonymization.batch.tree.Tree`."""
        for path in [] if self._whole else self._files.find(self._root):
            if SCRAP.fullmatch(path.rpartition("/")[2]):
                self._files.rm_file(path)

    def tells_case(self) -> bool:
        """See :class:`ganonymization.batch.tree.Tree`."""
        return True

    def _send(self, name: str, content: Any) -> None:
        """Write to a name of its own first, unless the store shows nothing but whole files."""
        self._seen.pop(name, None)
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


@contextmanager
def _told_as(here: str, there: str) -> Iterator[None]:
    """Errors name the place that the user knows."""
    try:
        yield
    except GanonymizationError as error:
        error.args = (str(error).replace(here, there),)
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
