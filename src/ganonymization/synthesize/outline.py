"""A crisp outline of the jaw, where a network draws a soft one.

What a network is unsure of it blurs: at the jaw, face and background run into each other. The mesh
says where the edge is, so what is drawn beside it is moved towards it from both sides, which makes
the step steeper and adds no colour (Arad and Gotsman, "Enhancement by image-dependent warping",
IEEE Transactions on Image Processing, 1999). What is drawn on the very edge, a line darker than
both sides, is left out.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import topology
from ..types import Image, Mask, Reals

Plane = NDArray[np.float32]

_EYES, _CHIN, _BROW = (topology.OUTER_EYE_RIGHT, topology.OUTER_EYE_LEFT), 152, 10
_REACH_EYES = 0.16  # on both sides of the edge
_POWER = 0.45  # of the distance from the edge, of the reach, at which is looked
_LEAST = 0.35  # of the reach: nothing nearer to the edge is looked at
_ASIDE = (0.35, 0.75)  # sines from where on an edge faces a side: below a chin is a neck, and shade
_ALIASED_PX = 1.5  # the very edge is between the two
_RISE_EYES = 0.25  # from the eyes down, over which it begins


def with_crisp_jaw(drawn: Image, mesh: Mask, landmarks_px: Reals) -> Image:
    """A drawn face whose jaw has an edge, (S, S, 3) uint8 RGB.

    Args:
        drawn: (S, S, 3) uint8 RGB.
        mesh: (S, S) bool, where the face is, eyes and mouth with it.
        landmarks_px: (478, 3) in its pixels.
    """
    size = len(drawn)
    p = np.asarray(landmarks_px, np.float64)[:, :2]
    reach = np.float32(_REACH_EYES * topology.outer_eyes_px(landmarks_px))
    down = p[_CHIN] - p[_BROW]
    down /= max(float(np.linalg.norm(down)), 1e-6)
    begins = p[list(_EYES)].mean(0)
    low = np.floor(p.min(0) - reach).astype(int).clip(0, size)
    high = np.ceil(p.max(0) + reach).astype(int).clip(0, size)
    low[1] = np.clip(p[list(_EYES), 1].min() - reach, 0, size)
    rows, columns = slice(low[1], high[1]), slice(low[0], high[0])
    inside = np.ascontiguousarray(mesh[rows, columns]).view(np.uint8)
    if inside.size == 0 or not inside.any() or inside.all():
        return drawn
    outer, inner = (cv2.distanceTransform(each, cv2.DIST_L2, 5) for each in (1 - inside, inside))
    away = np.asarray(cv2.GaussianBlur(outer - inner, (0, 0), _ALIASED_PX / 2), np.float32)
    across = cv2.GaussianBlur(away, (0, 0), float(reach) / 4)
    right, below = (
        np.asarray(cv2.Sobel(across, cv2.CV_32F, *order), np.float32) for order in ((1, 0), (0, 1))
    )
    steep = np.maximum(cv2.magnitude(right, below), 1e-3)
    y, x = np.mgrid[rows, columns].astype(np.float32)
    under = (x - begins[0]) * down[0] + (y - begins[1]) * down[1]
    share = np.clip(under / np.float32(_RISE_EYES / _REACH_EYES * reach), 0, 1) / steep
    aside = np.abs(right * down[1] - below * down[0]).astype(np.float32) / steep
    share *= np.clip((aside - _ASIDE[0]) / (_ASIDE[1] - _ASIDE[0]), 0, 1)
    window = np.ascontiguousarray(drawn[rows, columns])
    within, beyond = (
        _moved(window, side * (_looked_at(side * away, reach) - side * away) * share, right, below)
        for side in (-1, 1)
    )
    covers = np.clip(0.5 - away / np.float32(_ALIASED_PX), 0, 1)
    moved = cv2.blendLinear(within, beyond, covers, 1 - covers)
    out = drawn.copy()
    out[rows, columns] = moved
    return out


def _looked_at(away: Plane, reach: np.float32) -> Plane:
    """How far from the edge is looked for what is so far beyond it on a side, in pixels."""
    near = np.clip(away / reach, 0, 1)
    return np.asarray(np.maximum(reach * np.maximum(near**_POWER, _LEAST), away), np.float32)


def _moved(drawn: Image, step: Plane, right: Plane, below: Plane) -> Image:
    """What lies so many steps along a direction."""
    y, x = np.mgrid[: len(drawn), : len(drawn[0])].astype(np.float32)
    moved = cv2.remap(
        drawn, (x + step * right).astype(np.float32), (y + step * below).astype(np.float32),
        cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(moved, np.uint8)
