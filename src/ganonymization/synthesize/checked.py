"""What a synthesizer draws, and whether it is what it should be."""

from collections.abc import Callable

import numpy as np

from ..errors import LandmarksError, SynthesisError
from ..geometry.wall import GeneratorInput
from ..types import Image, Reals
from .base import Synthesizer

_MAX_REDRAWN_ERROR_EYES = 0.12


def draw(synthesizer: Synthesizer, inputs: GeneratorInput) -> Image:
    """A new face, (S, S, 3) uint8 RGB.

    Raises:
        SynthesisError: What was drawn is no such picture.
    """
    drawn: object = synthesizer(inputs)
    size = len(inputs.context)
    if not isinstance(drawn, np.ndarray) or drawn.dtype != np.uint8:
        raise SynthesisError("synthesis gave no uint8 picture")
    if drawn.shape != (size, size, 3):
        raise SynthesisError(f"synthesis gave a picture of shape {drawn.shape}")
    return drawn


def check_redrawn(
    crop: Image,
    inputs: GeneratorInput,
    synthesizer: Synthesizer,
    landmarker: Callable[[Image], Reals],
) -> None:
    """Find the landmarks in a new face again: they must lie where they should.

    Raises:
        SynthesisError: They are not found or far off.
    """
    try:
        found = landmarker(crop)
    except LandmarksError as error:
        raise SynthesisError("no face is seen in what was drawn") from error
    gap = np.linalg.norm(found[:, :2] - inputs.surrogate_px[:, :2], axis=1).mean()
    eyes_px = len(crop) / synthesizer.crop_side_eyes
    if not gap / eyes_px <= _MAX_REDRAWN_ERROR_EYES:
        raise SynthesisError(f"the new face is {gap / eyes_px:.2f} eye distances off")
