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
_COARSE_PX = 256  # a crop of so many shows all that is smooth
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
    low = np.floor(p.min(0) - reach).astype(int).clip(0, size)
    high = np.ceil(p.max(0) + reach).astype(int).clip(0, size)
    low[1] = np.clip(p[list(_EYES), 1].min() - reach, 0, size)
    here = slice(low[1], high[1]), slice(low[0], high[0])
    inside = np.ascontiguousarray(mesh[here]).view(np.uint8)
    if inside.size == 0 or not inside.any() or inside.all():
        return drawn
    outer, inner = (cv2.distanceTransform(each, cv2.DIST_L2, 5) for each in (1 - inside, inside))
    away = np.asarray(cv2.GaussianBlur(outer - inner, (0, 0), _ALIASED_PX / 2), np.float32)
    right, below = _outwards(away, p - low, reach, max(1, size // _COARSE_PX))
    window = np.ascontiguousarray(drawn[here])
    within, beyond = (
        _moved(window, side * _looked_at(side * away, reach) - away, right, below)
        for side in (-1, 1)
    )
    covers = np.clip(0.5 - away / np.float32(_ALIASED_PX), 0, 1)
    out = drawn.copy()
    out[here] = cv2.blendLinear(within, beyond, covers, 1 - covers)
    return out


def _outwards(away: Plane, points: Reals, reach: np.float32, step: int) -> tuple[Plane, Plane]:
    """Which way leads away from the face, times how far that way is to be gone, from 0 to 1.

    Args:
        away: (H, W) pixels beyond the edge.
        points: (N, 2) landmarks in its pixels.
        reach: In its pixels.
        step: Its pixels for one of the smaller planes at which this is found.

    Returns:
        To the right and below, (H, W) both.
    """
    height, width = away.shape
    coarse = cv2.resize(away, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(coarse / np.float32(step), (0, 0), float(reach) / 4 / step)
    right, below = (cv2.Sobel(smooth, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    down = points[_CHIN] - points[_BROW]
    down /= max(float(np.linalg.norm(down)), 1e-6)
    begins = points[list(_EYES)].mean(0)
    y, x = (
        (np.arange(cells, dtype=np.float32) + 0.5) * (side / cells) - 0.5
        for cells, side in zip(coarse.shape, away.shape, strict=True)
    )
    under = (x[None, :] - begins[0]) * down[0] + (y[:, None] - begins[1]) * down[1]
    steep = np.maximum(cv2.magnitude(right, below), 1e-3)
    share = np.clip(under / (_RISE_EYES / _REACH_EYES * reach), 0, 1) / steep
    aside = np.abs(right * down[1] - below * down[0]) / steep
    share = share * np.clip((aside - _ASIDE[0]) / (_ASIDE[1] - _ASIDE[0]), 0, 1)
    both = cv2.merge([right * share, below * share]).astype(np.float32)
    right, below = cv2.split(cv2.resize(both, (width, height), interpolation=cv2.INTER_LINEAR))
    return np.asarray(right, np.float32), np.asarray(below, np.float32)


def _looked_at(away: Plane, reach: np.float32) -> Plane:
    """How far from the edge is looked for what is so far beyond it on a side, in pixels."""
    near = cv2.pow(np.clip(away / reach, 0, 1), _POWER)
    return np.asarray(np.maximum(reach * np.maximum(near, _LEAST), away), np.float32)


def _moved(drawn: Image, steps: Plane, right: Plane, below: Plane) -> Image:
    """What lies so many steps along a direction."""
    y, x = (np.arange(side, dtype=np.float32) for side in steps.shape)
    moved = cv2.remap(
        drawn, steps * right + x[None, :], steps * below + y[:, None],
        cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(moved, np.uint8)
