"""A track's expression: the reading of a frame, steadied by those around it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Image, Values
from .waiting import Frame

Reading = NDArray[np.float32]
ReadExpression = Callable[[Image, Values], Reading | None]
_SIGMA_FRAMES = 1.5


class Readings:
    """Reads each face of each frame once, and forgets frames that have passed.

    Args:
        read: Reads the expression of a face, by its landmarks.
    """

    def __init__(self, read: ReadExpression) -> None:
        self._read = read
        self._known: dict[tuple[int, int], Reading | None] = {}

    def around(self, frames: Sequence[Frame[Any]], centre: int) -> dict[int, Reading]:
        """The reading of each face of a frame, by track: a mean, weighted by nearness in time.

        Args:
            frames: Consecutive ones of one shot.
            centre: Which of them is asked for.
        """
        self._known = {
            key: reading for key, reading in self._known.items() if key[0] >= frames[0].number
        }
        gaps = np.arange(len(frames)) - centre
        weights = np.exp(-0.5 * (gaps / _SIGMA_FRAMES) ** 2)
        found = {}
        for track in frames[centre].seen:
            each = [self._of(frame, track) for frame in frames]
            seen = [(w, r) for w, r in zip(weights, each, strict=True) if r is not None]
            if seen:
                total = sum(w for w, _ in seen)
                found[track] = np.asarray(sum(w * r for w, r in seen) / total, np.float32)
        return found

    def _of(self, frame: Frame[Any], track: int) -> Reading | None:
        key = frame.number, track
        if key not in self._known:
            sighting = frame.seen.get(track)
            points = None if sighting is None else sighting.landmarks_px
            self._known[key] = None if points is None else self._read(frame.image, points)
        return self._known[key]
