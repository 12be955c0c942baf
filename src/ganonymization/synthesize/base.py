"""What a synthesizer is."""

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import SynthesisError
from ..geometry.wall import GeneratorInput
from ..types import Image


class Synthesizer(Protocol):
    """Draws a new face from what crosses the wall.

    Attributes:
        size_px: Side of the crops it reads and draws.
        crop_side_eyes: The same side in outer-eye distances of the face.
        draws_scenes: Whether it can continue a context; else it draws portraits only.
    """

    size_px: int
    crop_side_eyes: float
    draws_scenes: bool

    def __call__(self, inputs: GeneratorInput) -> Image:
        """A (size_px, size_px, 3) uint8 RGB crop with a new face in the inputs' context.

        Raises:
            SynthesisError: Nothing was drawn; the pipeline then covers the face.
        """
        ...


def pixels(picture: NDArray[np.float32]) -> Image:
    """(1, 3, S, S) in [-1, 1] to (S, S, 3) uint8.

    Raises:
        SynthesisError: Some numbers are none.
    """
    if not np.isfinite(picture).all():
        raise SynthesisError("the generator's output is not finite")
    image = cv2.merge(list(picture[0]))
    levels = cv2.addWeighted(image, 127.5, image, 0, 127.5, dtype=cv2.CV_8U)  # rounds, saturates
    return np.asarray(levels, np.uint8)
