"""Files on disk: listed in a fixed order, and written completely or not at all."""

import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import OutputError

SCRAP = re.compile(r"\.[0-9a-f]{16}\.part(\.\w+)?")
"""Names of files that are being written."""


def walk(folder: Path) -> Iterator[Path]:
    """Every file under a folder, in a fixed order.

    Links to folders are not followed and folders that cannot be listed have no files; both are
    yielded themselves, so that nobody loses them in silence.
    """
    unlisted: list[Path] = []

    def remember(error: OSError) -> None:
        unlisted.append(Path(error.filename))

    for root, folders, files in os.walk(folder, onerror=remember):
        folders.sort()
        yield from (Path(root) / name for name in folders if (Path(root) / name).is_symlink())
        yield from (Path(root) / name for name in sorted(files))
    yield from unlisted


@contextmanager
def atomic_path(path: Path, suffix: str = "") -> Iterator[Path]:
    """An empty temporary file beside ``path``, which replaces it, synced, when the block ends.

    After an error in the block nothing is left of it. Links are followed, and the mode of a file
    that is replaced is kept. Pipes and character devices are not replaced but written to.

    Args:
        path: The file to write; missing folders are made.
        suffix: Of the temporary file, for writers that go by it; others who look into the folder
            take it for no picture or video without.

    Raises:
        OutputError: ``path`` cannot be written, or is a folder, a socket or a disk; or the block
            raised an ``OSError``, as full disks do.
    """
    temporary = None
    try:
        mode = _mode(path)
        stream = mode is not None and (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode))
        target = path if stream else Path(os.path.realpath(path))
        folder = Path(tempfile.gettempdir()) if stream else target.parent
        temporary = folder / f".{secrets.token_hex(8)}.part{suffix}"
        folder.mkdir(parents=True, exist_ok=True)
        temporary.touch(0o666 if mode is None else 0o600, exist_ok=False)
        yield temporary
        if stream:
            with temporary.open("rb") as content, path.open("wb", buffering=0) as device:
                shutil.copyfileobj(content, device)
        else:
            _sync(temporary)
            if mode is not None:
                temporary.chmod(stat.S_IMODE(mode))
            temporary.replace(target)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path}: cannot be written ({reason}); choose another place") from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path``, which replaces it when the block ends.

    After an error in the block nothing is left of it.

    Args:
        path: The folder to write, or to replace with all that is in it.

    Raises:
        OutputError: It cannot be written.
    """
    path = Path(os.path.realpath(path))
    temporary, former = (path.parent / f".{secrets.token_hex(8)}.part" for _ in range(2))
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            path.rename(former)
        try:
            temporary.rename(path)
        except BaseException:
            if former.exists():
                former.rename(path)
            raise
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path}: cannot be written ({reason}); choose another place") from error
    finally:
        for folder in (temporary, former):
            shutil.rmtree(folder, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, all of it or nothing.

    Raises:
        OutputError: See :func:`atomic_path`.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def check_writable(path: Path) -> None:
    """Refuse a name before any work is done.

    Raises:
        OutputError: It is a folder, a socket or a disk, or too long.
    """
    try:
        _mode(path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); choose another"
        ) from error


def _mode(path: Path) -> int | None:
    """Type and permissions of what has the name, or None.

    Raises:
        OutputError: It can neither be replaced nor written to.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(mode):
        raise OutputError(f"{path}: is a folder; give the name of a file in it")
    if stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
        raise OutputError(f"{path}: is a socket or a disk; give the name of a file")
    return mode


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
