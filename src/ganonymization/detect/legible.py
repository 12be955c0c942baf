"""Pictures that a detector reads badly, made easier: dark or flat ones, and prints made of dots."""

import cv2
import numpy as np

from ..types import Image

_MIN_RANGE = 90.0  # levels between the darkest and the lightest hundredth
_DOTS = 40.0  # levels by which pixels differ from their surroundings, in prints of dots
_PATCH_PX, _PATCHES = 256, 4  # a side


def stretched(image: Image) -> Image:
    """A dark or flat picture with its tones stretched over the whole range; others as they are.

    Args:
        image: (H, W, 3) uint8 RGB.
    """
    sparse = image[:: max(1, image.shape[0] // 512), :: max(1, image.shape[1] // 512)]
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
    spreads = []
    for rows in np.array_split(np.arange(image.shape[0]), _PATCHES):
        for columns in np.array_split(np.arange(image.shape[1]), _PATCHES):
            if len(rows) < 16 or len(columns) < 16:
                continue
            top, left = rows[0], columns[0]
            patch = image[top : top + min(len(rows), _PATCH_PX),
                          left : left + min(len(columns), _PATCH_PX), 1]  # fmt: skip
            fine = cv2.absdiff(patch, cv2.GaussianBlur(patch, (0, 0), 2.0))
            spreads.append(float(fine.mean()))
    return bool(spreads) and float(np.median(spreads)) > _DOTS


def without_dots(image: Image, dot_px: float) -> Image:
    """Dots of about this size melted into tones."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), dot_px), np.uint8)
