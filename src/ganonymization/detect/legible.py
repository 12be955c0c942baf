"""Pictures that a detector reads badly, made easier: dark or flat ones, and prints made of dots."""

import cv2
import numpy as np

from ..types import Image

_MIN_RANGE = 90.0  # levels between the darkest and the lightest hundredth
_DOTS = 32.0  # levels from a pixel to the next, in prints of dots; 10 in photographs
_PATCHES, _EVERY_ROW = 4, 4


def stretched(image: Image) -> Image:
    """A dark or flat picture with its tones stretched over the whole range; others as they are.

    Args:
        image: (H, W, 3) uint8 RGB.
    """
    sparse = image[:: max(1, image.shape[0] // 96), :: max(1, image.shape[1] // 96)]
    low, high = np.percentile(sparse, (1, 99))
    if high - low >= _MIN_RANGE:
        return image
    levels = (np.arange(256) - low) * (220 / max(high - low, 4.0)) + 16
    bright = cv2.LUT(image, np.clip(levels, 0, 255).astype(np.uint8))
    if high - low < 32:  # its few levels stand apart by now, as steps and noise
        bright = cv2.GaussianBlur(bright, (0, 0), 1.0)
    return np.asarray(bright, np.uint8)


def is_dotted(image: Image) -> bool:
    """Whether a picture is made of black and white dots: one bit, halftone, a scanned print.

    Args:
        image: (H, W, 3) uint8 RGB.
    """
    steps = []
    for rows in np.array_split(image[::_EVERY_ROW, :, 1], _PATCHES):
        for patch in np.array_split(rows, _PATCHES, axis=1):
            if patch.shape[1] > 1 and len(patch):
                left, right = (
                    np.ascontiguousarray(patch[:, :-1]),
                    np.ascontiguousarray(patch[:, 1:]),
                )
                steps.append(float(cv2.mean(cv2.absdiff(left, right))[0]))
    return bool(steps) and float(np.median(steps)) > _DOTS


def without_dots(image: Image, dot_px: float) -> Image:
    """Dots of about this size melted into tones."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), dot_px), np.uint8)
