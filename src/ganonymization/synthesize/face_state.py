"""A face on its way through the pipeline: what is known of it, and what has become of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import FaceError
from ..geometry.wall import GeneratorInput, Place
from ..types import Detection, Face, Image


@dataclass(frozen=True)
class Located:
    """A face that was looked for.

    Attributes:
        detection: Where it is.
        landmarks_px: (478, 3) in picture pixels, or None.
        seed: Who the new face is.
        problem: Why there are no landmarks, or None.
        landmarks_ms: Spent looking for them.
        settle: Changes what was drawn, (S, S, 3) uint8, before it is checked and put in, as a video
            does by the frame before, given what it was drawn from; or None.
        eyes_at_rest: (2,) how far this person's eyes usually are open, see
            :meth:`ganonymization.surrogate.shape_model.ShapeModel.surrogate`; or None.
    """

    detection: Detection
    landmarks_px: NDArray[np.float64] | None
    seed: int
    problem: str | None = None
    landmarks_ms: float = 0.0
    settle: Callable[[Image, GeneratorInput], Image] | None = None
    eyes_at_rest: NDArray[np.float64] | None = None


@dataclass
class FaceInWork:
    """A face on its way."""

    index: int
    detection: Detection
    seed: int
    settle: Callable[[Image, GeneratorInput], Image] | None = None
    surrogate_px: NDArray[np.float64] | None = None  # in crop pixels
    place: Place | None = None
    reason: str | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the milliseconds of a block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1e3
            self.timings_ms[stage] = self.timings_ms.get(stage, 0.0) + spent

    def give_up(self, error: Exception) -> None:
        """Remember why it is not redrawn."""
        self.reason = told(error)

    def face(self) -> Face:
        """What became of it."""
        d = self.detection
        outcome = "synthesized" if self.reason is None else f"filled: {self.reason}"
        return Face(self.index, d.box_xyxy, d.score, outcome, self.seed, d.merged, self.timings_ms)


def told(error: Exception) -> str:
    """Why a face is given up, in words."""
    return str(error) if isinstance(error, FaceError) else f"{type(error).__name__}: {error}"
