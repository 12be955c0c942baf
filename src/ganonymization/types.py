"""What the stages hand on, and what a caller gets back.

Convention:
    Pictures are RGB uint8 (H, W, 3). Points and boxes are in pixels of the picture that they belong
    to, (0, 0) at the centre of the upper left pixel, x to the right, y down. ``left`` and ``right``
    name sides of the person.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

Image = NDArray[np.uint8]
Reals = NDArray[np.floating[Any]]
Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
COVERED_BY_AUDIT = "covered by the audit"
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class DonorPair:
    """Two donors by number, of a bank.

    Attributes:
        upper: Forehead, brows, eyes.
        lower: From the nose's tip down.
    """

    upper: int
    lower: int


def check_image(image: object) -> Image:
    """Return ``image`` if it is an RGB picture.

    Raises:
        InputError: It is not a (H, W, 3) uint8 array; convert it first.
    """
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
        got = getattr(image, "shape", type(image).__name__)
        raise InputError(f"a picture must be an array of shape (H, W, 3), RGB; this is {got}")
    if image.dtype != np.uint8:
        raise InputError(f"a picture must be uint8, 0 to 255; this is {image.dtype}: convert it")
    if 0 in image.shape:
        raise InputError(f"a picture must have pixels; this one's shape is {image.shape}")
    return image


@dataclass(frozen=True)
class Detection:
    """A face as a detector saw it.

    Attributes:
        box_xyxy: Left, top, right, bottom in picture pixels.
        score: 0 to 1.
        eyes_px: (x, y) of the eye on the left of an upright picture, and of the other; or None.
        merged: Boxes of the same face that were merged into this one, looser ones cut.
    """

    box_xyxy: Box
    score: float
    eyes_px: tuple[tuple[float, float], tuple[float, float]] | None = None
    merged: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box_xyxy
        if not (left < right and top < bottom):
            raise ValueError(f"a box must run from left to right and top to bottom: {self}")

    @property
    def centre_px(self) -> tuple[float, float]:
        """Centre of the box."""
        left, top, right, bottom = self.box_xyxy
        return (left + right) / 2, (top + bottom) / 2

    @property
    def side_px(self) -> float:
        """The longer side of the box."""
        left, top, right, bottom = self.box_xyxy
        return max(right - left, bottom - top)


@dataclass(frozen=True)
class Face:
    """What became of one detected face.

    Attributes:
        index: Its place in the result, 0 the largest.
        box_xyxy: Left, top, right, bottom in picture pixels.
        score: The detector's, 0 to 1.
        outcome: ``"synthesized"``, ``"filled: <reason>"``, or ``"covered by the audit"``: no
            detector found it, but a search of the finished picture did.
        seed: That its style was drawn from.
        merged: Boxes of the same face that were merged into this one, looser ones cut.
        timings_ms: Milliseconds by stage.

    Example:
        >>> face = anonymize("portrait.jpg", seed=7).faces[0]
        >>> face.index, face.outcome, face.synthesized
        (0, 'synthesized', True)
        >>> [round(edge / 10) for edge in face.box_xyxy]
        [18, 6, 27, 18]
    """

    index: int
    box_xyxy: Box
    score: float
    outcome: str
    seed: int
    merged: tuple[Box, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def synthesized(self) -> bool:
        """Whether a new face was drawn, rather than the old one covered."""
        return self.outcome == "synthesized"


class Skipped(NamedTuple):
    """A picture that gave no face.

    Attributes:
        path: The picture.
        reason: What was wrong.
        unreadable: It could not even be read.
    """

    path: Path
    reason: str
    unreadable: bool
