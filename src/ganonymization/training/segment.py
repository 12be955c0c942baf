"""Heads cut out of their background."""

from typing import Protocol

import mediapipe as mp
import numpy as np
from numpy.typing import NDArray

from ..types import Image
from ..wall import Wall

_BOUND_WH = (1.8, 1.5)  # of the wall: hair on both sides, the neck, no chest
_BOUND_UP = 0.17  # of the wall's half height
_SOFT = 0.04


class PersonSegmenter(Protocol):
    """Tells the person from the background."""

    def __call__(self, crop: Image) -> NDArray[np.float32]:
        """Probability of the person at each pixel of an RGB uint8 (S, S, 3) crop, (S, S)."""
        ...


class SelfieSegmentation:
    """MediaPipe's selfie segmentation. Not to be shared by threads."""

    def __init__(self) -> None:
        self._network = mp.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)

    def __call__(self, crop: Image) -> NDArray[np.float32]:
        """Probability of the person at each pixel of an RGB uint8 (S, S, 3) crop, (S, S)."""
        return np.asarray(self._network.process(crop).segmentation_mask, np.float32)


def head_mask(person: NDArray[np.float32], wall: Wall) -> NDArray[np.uint8]:
    """The person's pixels within a soft superellipse around the head, (S, S) uint8, 0 to 255.

    Args:
        person: (S, S) probabilities.
        wall: The face's, in pixels of the same crop.
    """
    size = person.shape[0]
    (x, y), (w, h) = wall.centre_xy, wall.half_wh
    bound = Wall((x, y - _BOUND_UP * h), (w * _BOUND_WH[0], h * _BOUND_WH[1]))
    within = np.clip((1 + _SOFT - bound.radius_map(size)) / (2 * _SOFT), 0, 1)
    opacity = np.clip((person - 0.3) / 0.5, 0, 1) * within
    face = wall.radius_map(size) < 0.8  # the face itself has no holes
    opacity[face & (person > 0.05)] = 1
    return np.asarray(np.round(opacity * 255), np.uint8)
