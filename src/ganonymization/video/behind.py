"""Frames on their way: what is known of them waits while they are drawn, and so does writing."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from ..types import Image
from .container import Timed

_FRAMES_BEHIND = 4  # that wait to be coded
_NO_PIXELS = np.zeros((0, 0, 3), np.uint8)


def remembered(frames: Iterator[Timed], waiting: dict[int, Timed]) -> Iterator[tuple[Image, int]]:
    """Frames and their times, while what else is known of them is put aside."""
    for timed in frames:
        # pixels are wanted again for high range alone
        waiting[timed.pts] = timed if timed.source else replace(timed, image=_NO_PIXELS)
        yield timed.image, timed.pts


class Behind:
    """Calls a function in a thread of its own, in order, and at most a few calls behind.

    Args:
        function: Its errors come with a later call, or at the end.
    """

    def __init__(self, function: Callable[[Timed], None]) -> None:
        self._function, self._waiting = function, deque[Future[None]]()
        self._thread = ThreadPoolExecutor(1)

    def __enter__(self) -> Callable[[Timed], None]:
        return self._call

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            while kind is None and self._waiting:
                self._waiting.popleft().result()
        finally:
            self._thread.shutdown(cancel_futures=True)

    def _call(self, timed: Timed) -> None:
        while len(self._waiting) > _FRAMES_BEHIND:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._function, timed))
