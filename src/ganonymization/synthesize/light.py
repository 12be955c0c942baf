"""The light on a new face and the tone of its skin, made what they can be in one scene.

What a network draws of light is mostly right, and wrong in streaks: hair that bleeds into a cheek,
shadows without a cause. Light on a surface as smooth as skin is nearly linear in the surface's
normals (Basri and Jacobs, PAMI 2003), so what is far from that is toned down.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import transforms
from ..geometry.rasterisation import DARKEST, LIGHT_EYES, filled_triangles, triangle_map
from ..geometry.skin import SPREAD_LAB, skin_lab
from ..types import Image, Reals

_CELLS = 64  # along a side: light is smooth
_FIT_ROUNDS = 5
_LEAST_WEIGHT = 0.05  # of a cell that takes part
_STIFF = 0.01  # ridge on the normals' part of light, of all weights
_DARK_WEIGHT = 0.6  # of what is darker than the fit: hair and shadows rather than skin
_KEPT = 0.15  # of a logarithm: lips and lids differ from skin by about so much
_KEPT_COLOUR = 0.04  # likewise, of a channel against the mean of all: one skin has one colour
_SKIN_HUE_RAD, _HUE_RANGE_RAD = 0.95, 0.45  # of CIELAB's a and b
_LEAST_CHROMA = 16.0
_SHARE_CELLS = 128  # along a side, where skin is told by its colour
_LEAST, _MOST = 0.02, 0.98  # of white


def evened(drawn: Image, landmarks_px: Reals, skin: NDArray[np.uint8]) -> Image:
    """A drawn face without streaks in its light, (S, S, 3) uint8 RGB.

    The logarithm of the skin is fitted as a constant and a linear function of the normals, by
    iteratively reweighted least squares (Huber's weights); what is smooth of the rest is kept where
    it is small, and squashed by a hyperbolic tangent where it is large.

    Args:
        drawn: (S, S, 3) uint8 RGB.
        landmarks_px: (478, 3) in its pixels.
        skin: (S, S) uint8, 255 where skin is, fading out.
    """
    size = drawn.shape[0]
    weight = cv2.resize(skin, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA) / np.float32(255)
    normals, faced = _normals(np.asarray(landmarks_px) * (_CELLS / size))
    weight = weight * faced
    if not (weight > _LEAST_WEIGHT).any():
        return drawn
    small = cv2.resize(drawn, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA).astype(np.float32)
    log = np.log(small / 255 + np.float32(DARKEST))
    rest = log - _fitted(log, normals, weight)
    known = np.dstack([rest * weight[..., None], weight]).astype(np.float32)
    deviation = LIGHT_EYES * _CELLS / transforms.CROP_SIDE_EYES
    sums = cv2.GaussianBlur(known, (0, 0), deviation, borderType=cv2.BORDER_CONSTANT)
    smooth = sums[..., :3] / np.maximum(sums[..., 3:], 1e-4)
    grey = smooth.mean(2, keepdims=True)
    kept = _squashed(grey, _KEPT) + _squashed(smooth - grey, _KEPT_COLOUR)
    change = kept - smooth
    change *= np.minimum(2 * sums[..., 3:], 1)
    whole = cv2.resize(change.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
    gain = np.exp(whole * (skin[..., None] / np.float32(255)))
    lit = (drawn / np.float32(255) + np.float32(DARKEST)) * gain - np.float32(DARKEST)
    return np.clip(np.round(255 * lit), 0, 255).astype(np.uint8)


def _squashed(x: NDArray[np.float32], most: float) -> NDArray[np.float32]:
    return np.asarray(most * np.tanh(x / most), np.float32)


def _fitted(
    log: NDArray[np.float32], normals: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What of an (S, S, 3) logarithm normals explain, by robust regression, and one colour."""
    basis = np.dstack([np.ones_like(weight), normals])
    seen = weight > _LEAST_WEIGHT
    x, y, w = basis[seen], log[seen].mean(1), weight[seen]
    ridge = np.diag([1e-6, 1, 1, 1]) * (_STIFF * w.sum())
    scale = np.ones_like(w)
    solved = np.zeros(4, np.float32)
    for _ in range(_FIT_ROUNDS):
        rows = x * (w * scale)[:, None]
        solved = np.linalg.solve(rows.T @ x + ridge, rows.T @ y)
        gap = y - x @ solved
        usual = 1.5 * float(np.median(np.abs(gap))) + 1e-3
        scale = np.minimum(1, usual / np.maximum(np.abs(gap), 1e-6))
        scale = scale * np.where(gap < 0, _DARK_WEIGHT, 1)
    share = (w * scale)[:, None] / (w * scale).sum()
    colour = ((log[seen] - y[:, None]) * share).sum(0)
    return np.asarray((basis @ solved)[..., None] + colour, np.float32)


def _normals(landmarks: Reals) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Unit normals of the mesh, (64, 64, 3), towards the camera (z < 0), and where there are some.

    Args:
        landmarks: (478, 3) in cells.
    """
    triangles, points = filled_triangles(), np.asarray(landmarks, np.float64)
    corners = points[triangles]
    of_triangle = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    of_triangle *= np.where(of_triangle[:, 2:] > 0, -1, 1)
    of_triangle /= np.linalg.norm(of_triangle, axis=1, keepdims=True) + 1e-9
    numbers = triangle_map(points, _CELLS)
    faced = numbers >= 0
    found = of_triangle[np.maximum(numbers, 0)] * faced[..., None]
    smooth = cv2.GaussianBlur(found.astype(np.float32), (0, 0), 1.5)
    return smooth / (np.linalg.norm(smooth, axis=2, keepdims=True) + np.float32(1e-6)), faced


def toned(
    face: Image, landmarks_px: Reals, skin: NDArray[np.uint8], wanted_lab: NDArray[np.float32],
    belief: float = 1.0,
) -> Image:  # fmt: skip
    """A face whose skin has another tone, ears and neck likewise, (S, S, 3) uint8 RGB.

    Each channel is scaled up to its skin's level, and stretched to white above it: light on skin is
    a product, and eyes and teeth stay white.

    Args:
        face: (S, S, 3) uint8 RGB.
        landmarks_px: (478, 3) in its pixels.
        skin: (S, S) uint8, 255 where the face's skin is; what is coloured alike is skin too.
        wanted_lab: (3,) CIELAB, of cheeks, forehead and chin; what is no colour of skin, as of a
            scarf, changes nothing.
        belief: How far the tone goes from what it is to what is wanted; a hue that no skin has
            goes all the way.
    """
    size = face.shape[0]
    has_lab = skin_lab(face, landmarks_px)
    hue = max(belief, _unlike_skin(has_lab))
    goes = np.array([belief, hue, hue], np.float32) * (1 - _unlike_skin(wanted_lab))
    has, wants = _rgb(has_lab), _rgb(has_lab + goes * (wanted_lab - has_lab))
    levels = np.arange(256, dtype=np.float32)[:, None] / 255
    above = wants + (1 - wants) * (levels - has) / (1 - has)
    table = np.where(levels <= has, levels * (wants / has), above)
    shifted = cv2.LUT(face, np.round(255 * table).astype(np.uint8)[None])
    cells = (_SHARE_CELLS, _SHARE_CELLS)
    small = cv2.resize(face, cells, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    alike = np.exp(-(((lab - has_lab) / SPREAD_LAB) ** 2).sum(2) / 2)
    share = np.maximum(alike, cv2.resize(skin, cells, interpolation=cv2.INTER_AREA) / 255)
    share = cv2.GaussianBlur(share.astype(np.float32), (0, 0), _SHARE_CELLS / 128)
    share = cv2.resize(share, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.blendLinear(shifted, face, share, 1 - share), np.uint8)


def _unlike_skin(lab: NDArray[np.float32]) -> float:
    """0 for a colour that skin has in usual light, towards 1 for a greyer or another one."""
    chroma, hue = float(np.hypot(lab[1], lab[2])), float(np.arctan2(lab[2], lab[1]))
    grey = (_LEAST_CHROMA - chroma) / _LEAST_CHROMA * 2
    off = (abs(hue - _SKIN_HUE_RAD) - _HUE_RANGE_RAD) / _HUE_RANGE_RAD
    return float(np.clip(max(grey, off), 0, 1))


def _rgb(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    rgb = cv2.cvtColor(np.asarray(lab, np.float32)[None, None], cv2.COLOR_LAB2RGB)[0, 0]
    return np.asarray(np.clip(rgb, _LEAST, _MOST), np.float32)
