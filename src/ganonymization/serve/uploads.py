"""What clients send: bounded in size and time, in memory or in a private folder."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from .problems import Problem
from .settings import Limits

_PREFIX = "ganonymization-serve-"


async def body(request: Request, limits: Limits) -> bytes:
    """A request's whole body, in memory.

    Raises:
        Problem: Too large, too slow, empty, or broken off.
    """
    content = bytearray()
    async for chunk in _chunks(request, limits.upload_bytes, limits.idle_s):
        content += chunk
    return bytes(content)


async def save(request: Request, path: Path, limits: Limits) -> None:
    """A request's body into a file.

    Raises:
        Problem: Too large, too slow, empty, broken off, or no room; the file is gone then.
    """
    try:
        with path.open("xb") as file:
            async for chunk in _chunks(request, limits.job_bytes, limits.idle_s):
                file.write(chunk)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise Problem(507, "no room for the file; try again later, or send less") from error
        raise


async def _chunks(request: Request, most_bytes: int, idle_s: float) -> AsyncIterator[bytes]:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise Problem(413, f"more than {most_bytes // 1_000_000} MB; send less")
    stream, total = request.stream(), 0
    while True:
        try:
            chunk = await asyncio.wait_for(anext(stream), idle_s)
        except StopAsyncIteration:
            break
        except TimeoutError:
            raise Problem(408, "the upload stopped; send it again") from None
        except ClientDisconnect:
            raise Problem(400, "the upload broke off; send it again") from None
        total += len(chunk)
        if total > most_bytes:
            raise Problem(413, f"more than {most_bytes // 1_000_000} MB; send less")
        yield chunk
    if not total:
        raise Problem(400, "the body is empty; send the file as the request's body")


class PrivateFolder:
    """A folder that only this user can read; emptied at the end, or by the next server.

    Args:
        parent: Where it lies; None for the system's temporary folder.
    """

    def __init__(self, parent: Path | None = None) -> None:
        parent = Path(tempfile.gettempdir()) if parent is None else parent
        for left in parent.glob(f"{_PREFIX}*"):
            if not _is_running(left.name.removeprefix(_PREFIX).partition("-")[0]):
                shutil.rmtree(left, ignore_errors=True)  # of a server that crashed
        self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))

    def close(self) -> None:
        """Remove it and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def _is_running(process: str) -> bool:
    if not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
