"""The tone of a face's skin."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Image, Mask, Reals
from . import topology

PLACES = (50, 101, 280, 330, 151, 199)
"""Landmarks of cheeks, forehead and chin."""

SPREAD_LAB = np.array([45, 13, 13], np.float32)
"""How far skin of one person differs from its median, in CIELAB."""

HUE_RAD = 0.95
"""Of skin, in CIELAB's plane of a and b."""

_HUE_RANGE_RAD = 0.5
_CHROMAS, _LIGHTNESSES = (8.0, 45.0), (10.0, 97.0)
_PATCH_EYES = 0.04  # half a side, in outer-eye distances


def skin_lab(image: Image, landmarks_px: Reals) -> NDArray[np.float32]:
    """Median CIELAB of cheeks, forehead and chin, (3,).

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks_px: (478, 3) in its pixels.
    """
    p = np.asarray(landmarks_px, np.float64)
    half = max(1, round(_PATCH_EYES * topology.outer_eyes_px(p)))
    last = np.array(image.shape[1::-1]) - 1
    patches = [
        image[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1].reshape(-1, 3)
        for x, y in np.clip(np.round(p[list(PLACES), :2]), 0, last).astype(int)
    ]
    pixels = np.concatenate(patches)[None].astype(np.float32) / 255
    tone: NDArray[np.float32] = np.median(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)[0], 0)
    return tone


def likeness(picture: Image, tone_lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each pixel has the colour of a skin, (H, W) from 0 to 1.

    Args:
        picture: (H, W, 3) uint8 RGB.
        tone_lab: (3,) CIELAB of the skin.
    """
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    far = (lab - tone_lab) / SPREAD_LAB
    return np.asarray(cv2.exp(np.einsum("hwc,hwc->hw", far, far) * np.float32(-0.5)), np.float32)


def looks_like_skin(lab: NDArray[np.float32]) -> Mask:
    """Which CIELAB colours, (..., 3), skin may have in usual light: (...) bool."""
    lightness, red, yellow = np.moveaxis(lab, -1, 0)
    hue = np.abs(np.arctan2(yellow, red) - HUE_RAD) < _HUE_RANGE_RAD
    lit = (lightness > _LIGHTNESSES[0]) & (lightness < _LIGHTNESSES[1])
    chroma = np.hypot(red, yellow)
    return np.asarray(hue & lit & (chroma > _CHROMAS[0]) & (chroma < _CHROMAS[1]))
