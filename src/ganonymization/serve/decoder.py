"""Strangers' pictures, decoded by processes that can be ended, with a deadline and a bound."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from ..errors import UnreadableError
from ..io.images import Picture
from .budget import Budget
from .model_pool import BusyError

_MAIN = "from ganonymization.serve.decode_worker import main; main()"
_START_S = 30.0  # for a process to begin, on a machine that has much to do
_ALONE = {"PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Decoder:
    """Processes that decode, as many as are asked at once; they stay for the next pictures.

    Args:
        deadline_s: For a picture; then its process is ended.
        memory_bytes: Of a process's address space.
    """

    def __init__(self, deadline_s: float = 10.0, memory_bytes: int = 2_000_000_000) -> None:
        self._deadline_s, self._memory_bytes = deadline_s, memory_bytes
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, *_: object) -> None:
        while self._idle:
            self._idle.pop().end()

    @contextmanager
    def decoded(
        self, content: bytes, name: str, max_pixels: int, pixels: Budget, patient: bool = False
    ) -> Iterator[Picture]:
        """A picture, whose pixels are reserved before they are decoded, until the block ends.

        Args:
            content: Of the file.
            name: For messages.
            max_pixels: Larger pictures are refused.
            pixels: Of all pictures that are in work.
            patient: Wait for others to end, as jobs do.

        Raises:
            BusyError: Others hold too many pixels now.
            UnreadableError: As of :func:`ganonymization.io.images.decode`; or it takes too long or
                too much memory.
        """
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        try:
            worker = worker or _Worker(self._memory_bytes)
        except OSError as error:
            raise UnreadableError(f"{name}: nothing could be started to decode it") from error
        with ExitStack() as held:

            def admit(count: int) -> None:
                held.enter_context(pixels.reserved(count, patient))

            try:
                picture = worker.decode(content, name, max_pixels, admit, self._deadline_s)
            except (EOFError, OSError) as error:
                raise UnreadableError(f"{name}: needs too much memory; shrink it first") from error
            finally:
                self._take_back(worker)
            yield picture

    def _take_back(self, worker: "_Worker") -> None:
        if not worker.fit:
            worker.end()
            return
        with self._lock:
            self._idle.append(worker)


@dataclass(frozen=True)
class Decoding:
    """A server's way to decode; called with a file's content, a name for messages, and ``patient``.

    Attributes:
        decoder: Its processes.
        max_pixels: Of a picture.
        pixels: Of all that are in work.
    """

    decoder: Decoder
    max_pixels: int
    pixels: Budget

    def __call__(
        self, content: bytes, name: str, patient: bool = False
    ) -> AbstractContextManager[Picture]:
        """See :meth:`Decoder.decoded`."""
        return self.decoder.decoded(content, name, self.max_pixels, self.pixels, patient)


class _Worker:
    """A process, seen from the server.

    Attributes:
        fit: Whether it waits for the next picture.
    """

    def __init__(self, memory_bytes: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _MAIN, str(theirs.fileno()), str(memory_bytes)],
                pass_fds=[theirs.fileno()], start_new_session=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | _ALONE,
            )  # fmt: skip
        self._pipe, self.fit = Connection(ours.detach()), True
        if not self._began():
            self.end()
            raise OSError("a decoding process did not begin")

    def _began(self) -> bool:
        try:
            return self._pipe.poll(_START_S) and self._pipe.recv() is None
        except EOFError:
            return False

    def decode(
        self, content: bytes, name: str, max_pixels: int, admit: Callable[[int], None],
        deadline_s: float,
    ) -> Picture:  # fmt: skip
        """See :meth:`Decoder.decoded`; ``admit`` gets the number of pixels, or raises."""
        self.fit = False
        self._pipe.send((name, max_pixels))
        self._pipe.send_bytes(content)
        answer = self._next(name, deadline_s)
        if isinstance(answer, int):
            try:
                admit(answer)
            except BusyError:
                self._pipe.send(False)
                self._next(name, deadline_s)
                self.fit = True
                raise
            self._pipe.send(True)
            answer = self._next(name, deadline_s)
        first, second = answer
        if isinstance(first, str):
            self.fit = True
            raise UnreadableError(first, second)
        arrays = [np.empty(shape, np.uint8) for shape in second]
        for array in arrays:
            self._pipe.recv_bytes_into(array.reshape(-1))
        self.fit = True
        picture: Picture = replace(
            first, pixels=arrays[0], alpha=arrays[1] if len(arrays) > 1 else None
        )
        return picture

    def _next(self, name: str, deadline_s: float) -> Any:
        if not self._pipe.poll(deadline_s):
            raise UnreadableError(f"{name}: takes too long to decode; save it anew")
        return self._pipe.recv()

    def end(self) -> None:
        """Whatever it does."""
        self._process.kill()
        self._process.wait()
        self._pipe.close()
