"""A face on its way through the pipeline: what is known of it, and what became of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import FaceError
from ..geometry.wall import GeneratorInput, Place
from ..types import COVERED_BY_AUDIT, Detection, Face, Image


@dataclass(frozen=True)
class LocatedFace:
    """A face that was looked for.

    Attributes:
        detection: Where it is.
        landmarks_px: (478, 3) in picture pixels, or None.
        seed: Who the new face is.
        problem: Why there are no landmarks, or None.
        landmarks_ms: Spent looking for them.
        eyes_at_rest: (2,) how far this person's eyes usually are open, see
            :meth:`ganonymization.surrogate.shape_model.ShapeModel.surrogate`; or None.
        reading: (7,) what of the expression crosses the wall beside the landmarks, see
            :mod:`ganonymization.surrogate.expression_reading`; or None.
    """

    detection: Detection
    landmarks_px: NDArray[np.float64] | None
    seed: int
    problem: str | None = None
    landmarks_ms: float = 0.0
    eyes_at_rest: NDArray[np.float64] | None = None
    reading: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class DrawnFace:
    """A new face before it is in the picture.

    Attributes:
        inputs: What it was drawn from.
        crop: (S, S, 3) uint8 RGB.
    """

    inputs: GeneratorInput
    crop: Image


@dataclass
class FaceState:
    """A face on its way.

    Attributes:
        index: 0 is the largest.
        detection: Where it is.
        seed: Who the new face is.
        surrogate_px: (478, 3) of the new face in crop pixels; None before it has a shape.
        place: Of its wall; None where there is none.
        reason: Why it cannot be redrawn, or None.
        covered: A fill lies over it.
        by_audit: No detector found it, but the audit did.
        timings_ms: Milliseconds by stage.
        reading: (7,), see :class:`LocatedFace`.
    """

    index: int
    detection: Detection
    seed: int
    surrogate_px: NDArray[np.float64] | None = None
    place: Place | None = None
    reason: str | None = None
    covered: bool = False
    by_audit: bool = False
    timings_ms: dict[str, float] = field(default_factory=dict)
    reading: NDArray[np.float32] | None = None

    @property
    def wall(self) -> Place:
        """Its place, where it has one."""
        assert self.place is not None
        return self.place

    @property
    def surrogate(self) -> NDArray[np.float64]:
        """Its landmarks, where it has a shape."""
        assert self.surrogate_px is not None
        return self.surrogate_px

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the milliseconds of a block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1e3
            self.timings_ms[stage] = self.timings_ms.get(stage, 0.0) + spent

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Fail closed: whatever a stage raises in the block is the reason for a cover."""
        try:
            yield
        except Exception as error:
            self.reason = reason_of(error)

    def face(self) -> Face:
        """What became of it."""
        d = self.detection
        outcome = "synthesized" if self.reason is None else f"filled: {self.reason}"
        outcome = COVERED_BY_AUDIT if self.by_audit else outcome
        return Face(self.index, d.box_xyxy, d.score, outcome, self.seed, d.merged, self.timings_ms)


def reason_of(error: Exception) -> str:
    """Why a face is given up, in words."""
    return str(error) if isinstance(error, FaceError) else f"{type(error).__name__}: {error}"
