"""Strangers' pictures, decoded by processes that can be ended, with a deadline and a bound."""

import base64
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UnreadableError
from ..io.images import WRITERS, Picture
from .budget import Budget
from .child import Child, Told
from .model_pool import BusyError

_KINDS = set(WRITERS.values())


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

    def prepare(self, count: int) -> None:
        """Start so many processes, for the first pictures not to wait for them."""
        with ThreadPoolExecutor(count) as starting, suppress(OSError):
            self._idle += starting.map(lambda _: _Worker(self._memory_bytes), range(count))

    @contextmanager
    def decoded(
        self,
        content: bytes | bytearray,
        name: str,
        max_pixels: int,
        pixels: Budget,
        patient: bool = False,
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
        self, content: bytes | bytearray, name: str, patient: bool = False
    ) -> AbstractContextManager[Picture]:
        """See :meth:`Decoder.decoded`."""
        return self.decoder.decoded(content, name, self.max_pixels, self.pixels, patient)


class _Worker:
    """A process, seen from the server.

    Attributes:
        fit: Whether it waits for the next picture.
        pid: Of the process.
    """

    def __init__(self, memory_bytes: int) -> None:
        self._child = Child("decode_worker", memory_bytes, file_bytes=0)
        self.fit, self.pid = True, self._child.pid

    def decode(
        self, content: bytes | bytearray, name: str, max_pixels: int, admit: Callable[[int], None],
        deadline_s: float,
    ) -> Picture:  # fmt: skip
        """See :meth:`Decoder.decoded`; ``admit`` gets the number of pixels, or raises."""
        self.fit, channel = False, self._child.channel
        asked = {"name": name, "max_pixels": max_pixels, "bytes": len(content)}
        try:
            channel.send(asked, content)
            told = channel.receive(deadline_s)
            pixels = 0
            if "pixels" in told:
                pixels = min(max_pixels, int(told["pixels"]))
                try:
                    admit(pixels)
                except BusyError:
                    channel.send({"go": False})
                    channel.receive(deadline_s)
                    self.fit = True
                    raise
                channel.send({"go": True})
                told = channel.receive(deadline_s)
            if "error" in told:
                refused = UnreadableError(str(told["error"]), str(told["remedy"]))
                self.fit = True
                raise refused
            picture = _picture(told, pixels)
            for array in (picture.pixels, picture.alpha):
                if array is not None:
                    channel.receive_into(array.reshape(-1).data, deadline_s)
        except TimeoutError as error:
            raise UnreadableError(f"{name}: takes too long to decode; save it anew") from error
        except (KeyError, TypeError, ValueError) as error:  # a process that was taken over
            raise UnreadableError(f"{name}: damaged; save it anew") from error
        self.fit = True
        return picture

    def end(self) -> None:
        """Whatever it does."""
        self._child.end()


def _picture(told: Told, pixels: int) -> Picture:
    """A picture of so many pixels, which are still to come.

    Raises:
        KeyError, TypeError, ValueError: It is another one.
    """
    shape = int(told["height"]), int(told["width"])
    if min(shape) < 1 or shape[0] * shape[1] > pixels or told["kind"] not in _KINDS:
        raise ValueError("not the picture that was admitted")
    jpeg: dict[str, Any] = {}
    if told["subsampling"] is not None:
        tables = {int(key): [int(n) for n in values] for key, values in told["qtables"]}
        jpeg = {"qtables": tables, "subsampling": int(told["subsampling"])}
    return Picture(
        np.empty((*shape, 3), np.uint8), np.empty(shape, np.uint8) if told["alpha"] else None,
        bool(told["grey"]), None if told["icc"] is None else base64.b64decode(told["icc"]), jpeg,
        told["kind"], tuple(str(words) for words in told["dropped"]),
    )  # fmt: skip
