"""What clients send: bounded in size and time, in memory or in a private folder."""

import asyncio
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from .budget import Budget
from .problems import Problem
from .settings import Limits

_PREFIX = "ganonymization-serve-"


@asynccontextmanager
async def body(request: Request, limits: Limits, budget: Budget) -> AsyncIterator[bytearray]:
    """A request's whole body, in memory as long as the block lasts.

    Args:
        request: That comes.
        limits: Of its size and speed.
        budget: Of bytes; those that are announced are reserved before the first is read.

    Raises:
        BusyError: Others hold too much now.
        Problem: Too large, too slow, empty, or broken off.
    """
    with budget.reserved(_announced(request, limits.upload_bytes)):
        content = bytearray()
        async for chunk in _chunks(request, limits.upload_bytes, limits):
            content += chunk
        yield content


async def save(request: Request, path: Path, limits: Limits) -> None:
    """A request's body into a file.

    Raises:
        Problem: Too large, too slow, empty, broken off, or no room; the file is gone then.
    """
    try:
        with path.open("xb") as file:
            async for chunk in _chunks(request, limits.job_bytes, limits):
                file.write(chunk)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise Problem(507, "no room for the file; try again later, or send less") from error
        raise


def _announced(request: Request, most_bytes: int) -> int:
    """Bytes that a request says it has; the most where it does not say.

    Raises:
        Problem: They are more than that.
    """
    told = request.headers.get("content-length", "")
    if not told.isdecimal():
        return most_bytes
    if int(told) > most_bytes:
        raise Problem(413, f"more than {most_bytes // 1_000_000} MB; send less")
    return int(told)


async def _chunks(request: Request, most_bytes: int, limits: Limits) -> AsyncIterator[bytes]:
    _announced(request, most_bytes)
    stream, total = request.stream(), 0
    pace = _Pace(limits)
    while True:
        try:
            chunk = await asyncio.wait_for(anext(stream), pace.left_s())
        except StopAsyncIteration:
            break
        except TimeoutError:
            raise Problem(408, "the upload stopped; send it again") from None
        except ClientDisconnect:
            raise Problem(400, "the upload broke off; send it again") from None
        total += len(chunk)
        pace.came(len(chunk))
        if total > most_bytes:
            raise Problem(413, f"more than {most_bytes // 1_000_000} MB; send less")
        yield chunk
    if not total:
        raise Problem(400, "the body is empty; send the file as the request's body")


class _Pace:
    """Until when so many bytes must have come; a byte now and then is no upload."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._begin()

    def _begin(self) -> None:
        self._ends = time.monotonic() + self._limits.idle_s
        self._missing = self._limits.idle_s * self._limits.least_bytes_per_s

    def came(self, count: int) -> None:
        """Some did."""
        self._missing -= count
        if self._missing <= 0:
            self._begin()

    def left_s(self) -> float:
        """Time for the next ones."""
        return max(0.0, self._ends - time.monotonic())


class PrivateFolder:
    """A folder that only this user can read; emptied at the end, or by the next server.

    A server holds a lock on its folder. The kernel lets go of that when the process ends, however
    it ends; a process id tells nothing, for in a container each server is process 1.

    Args:
        parent: Where it lies; None for the system's temporary folder.
    """

    def __init__(self, parent: Path | None = None) -> None:
        parent = Path(tempfile.gettempdir()) if parent is None else parent
        for left in parent.glob(f"{_PREFIX}*"):
            if not _is_held(left):
                shutil.rmtree(left, ignore_errors=True)  # of a server that crashed
        empty = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=parent))
        self._lock = os.open(empty, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = empty.with_name(empty.name[1:])
        empty.rename(self.path)  # where the next server looks, not before it is locked

    def close(self) -> None:
        """Remove it and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _is_held(folder: Path) -> bool:
    """Whether a server that runs has the folder."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return True  # no folder, or another user's
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False
