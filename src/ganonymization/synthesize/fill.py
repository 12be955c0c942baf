"""What covers a face that could not be redrawn. These read the original pixels; solid does not."""

import cv2
import numpy as np

from ..types import Image

SOLID_RGB = (127, 127, 127)
_BLOCKS = 6  # across the region: fewer than the features of a face


def solid(region: Image) -> Image:
    """One grey. The default, for nothing of the face is left.

    Args:
        region: (H, W, 3) uint8 RGB, the rectangle around the head.
    """
    return np.full_like(region, SOLID_RGB)


def blur(region: Image) -> Image:
    """The region as six by six smooth patches."""
    h, w = region.shape[:2]
    return np.asarray(cv2.resize(_patches(region), (w, h), interpolation=cv2.INTER_CUBIC), np.uint8)


def pixelate(region: Image) -> Image:
    """The region as six by six squares."""
    h, w = region.shape[:2]
    squares = cv2.resize(_patches(region), (w, h), interpolation=cv2.INTER_NEAREST)
    return np.asarray(squares, np.uint8)


def _patches(region: Image) -> Image:
    return np.asarray(
        cv2.resize(region, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA), np.uint8
    )
