"""Clear eyes: whites, irises, pupils and their reflections, as sharp as the picture.

Eyes are what people look at first, and the part of a face that is known best: two circles and a
highlight on a ball, behind a lid that casts a shadow. A network at its own resolution draws them
blurred and often unlike each other. Where the surrogate's landmarks put them they are drawn by
rule; lids and lashes stay the network's. Brightnesses are shares of the luma of the cheek below and
follow AI-generated faces' eyes; the irises' colours are chosen.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import seeds
from ..geometry import topology
from ..types import Image, Reals

_STREAM = 0x65796573  # another stream than the style's
_EYES = (
    (topology.EYE_RIGHT, topology.IRIS_RIGHT, (50, 101)),
    (topology.EYE_LEFT, topology.IRIS_LEFT, (280, 330)),
)
"""Rings of the lids, irises, and landmarks of the cheek below."""

_FAIR_IRISES = np.array(
    [(0.33, 0.43, 0.52), (0.42, 0.45, 0.48), (0.37, 0.42, 0.33), (0.44, 0.37, 0.26),
     (0.42, 0.30, 0.21), (0.36, 0.25, 0.19)], np.float32
)  # fmt: skip
_DARK_IRISES = np.array([(0.36, 0.25, 0.19), (0.31, 0.22, 0.18), (0.28, 0.21, 0.18)], np.float32)
_PUPIL = np.array([0.17, 0.15, 0.15], np.float32)
_PUPIL_RADIUS, _RIM_RADIUS = (0.34, 0.46), 0.8  # of the iris's; the rim is darker outside of it
_RIM = 0.62  # its brightness, of the iris's
_SOFT, _SOFT_PX = 0.1, 0.8  # edges' width, in iris radii and at least in pixels
_FIBRES, _FIBRE_STRENGTH = (7, 11, 17, 23), 0.11
_WHITE, _WHITE_BY_LUMA = 1.07, -0.48  # the white's brightness, of the cheek's luma
_WHITE_TINT = 0.55  # how much of the cheek's colour it has: light is on both, and veins are red
_CORNER = 0.28  # darker by so much for each iris radius beyond the iris
_SHADE, _SHADE_DEEP = 0.62, 0.75  # brightness under the lids; iris radii to where there is none
_HIGHLIGHT_RADIUS, _HIGHLIGHT = 0.17, (0.5, 0.95)  # in iris radii; of the luma
_OPEN = (0.7, 1.3)  # iris radii that the lids are apart: drawn not at all, and wholly
_LEAST_RADIUS_PX = (1.2, 2.2)  # likewise
_STRENGTH = 0.92
_GREY_CHROMA = 12.0  # of CIELAB; a face with less is in a grey picture
_CHEEK_PX = 2
Plane = NDArray[np.float32]


def with_clear_eyes(face: Image, landmarks_px: Reals, seed: int, fair: float) -> Image:
    """A drawn face with clear eyes, (S, S, 3) uint8 RGB.

    Args:
        face: (S, S, 3) uint8 RGB.
        landmarks_px: (478, 3) in its pixels.
        seed: Of the face: it decides the irises' colour, the same for both.
        fair: How far irises other than brown ones go with the skin, from 0 to 1; a share, lest
            they change from one frame to the next.
    """
    numbers = np.array(seeds.uniform(seed ^ _STREAM, 8))
    dark, light = (i[int(numbers[0] * len(i))] for i in (_DARK_IRISES, _FAIR_IRISES))
    tint = np.asarray(dark + fair * (light - dark), np.float32)
    points = np.asarray(landmarks_px, np.float64)[:, :2]
    out = face.copy()
    for lids, iris, cheek in _EYES:
        _draw(out, points[list(lids)], points[list(iris)], _colour(face, points[list(cheek)]),
              tint, numbers)  # fmt: skip
    return out


def _draw(out: Image, lids: Reals, iris: Reals, cheek: Plane, tint: Plane, numbers: Reals) -> None:
    """Draw one eye into a face."""
    size = out.shape[0]
    centre, radius_px = iris[0], float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
    strength = _STRENGTH * _ramp(radius_px, *_LEAST_RADIUS_PX)
    strength *= _ramp(_apart(lids) / max(radius_px, 1e-6), *_OPEN)
    low = np.clip(np.floor(lids.min(0)) - 3, 0, size).astype(int)
    high = np.clip(np.ceil(lids.max(0)) + 4, 0, size).astype(int)
    if strength == 0 or (high <= low).any():
        return
    here = slice(low[1], high[1]), slice(low[0], high[0])
    inside = _inside(lids - low, (high[1] - low[1], high[0] - low[0]))
    x = (np.arange(low[0], high[0], dtype=np.float32) - np.float32(centre[0])) / radius_px
    y = (np.arange(low[1], high[1], dtype=np.float32)[:, None] - np.float32(centre[1])) / radius_px
    soft = max(_SOFT, _SOFT_PX / radius_px)
    radius = np.hypot(x, y).astype(np.float32)
    ball = _white(cheek, radius)
    within = _edge(1 - radius, soft)
    ball += within[..., None] * (_iris(x, y, radius, cheek, tint, numbers, soft) - ball)
    deep = cv2.distanceTransform((inside > 0.5).view(np.uint8), cv2.DIST_L2, 3) / radius_px
    ball *= (_SHADE + (1 - _SHADE) * np.clip(deep / _SHADE_DEEP, 0, 1))[..., None]
    ball += (_highlight(x, y, numbers, soft) * _luma(cheek))[..., None]
    share = (strength * cv2.GaussianBlur(inside, (0, 0), max(0.6, 0.06 * radius_px)))[..., None]
    share *= inside[..., None]
    old = out[here].astype(np.float32)
    out[here] = np.clip(np.round(old + share * (255 * ball - old)), 0, 255)


def _white(cheek: Plane, radius: Plane) -> Plane:
    luma = _luma(cheek)
    tinted = _WHITE_TINT * cheek + (1 - _WHITE_TINT) * luma
    bright = (_WHITE + _WHITE_BY_LUMA * luma) * (1 - _CORNER * np.clip(radius - 1.3, 0, 1.5))
    return np.asarray(bright[..., None] * tinted, np.float32)


def _iris(
    x: Plane, y: Plane, radius: Plane, cheek: Plane, tint: Plane, numbers: Reals, soft: float
) -> Plane:
    """Pupil, fibres and the dark rim."""
    luma = _luma(cheek)
    colour = tint if _chroma(cheek) > _GREY_CHROMA else np.full(3, _luma(tint), np.float32)
    angle = np.arctan2(y, x)
    fibres = sum(
        np.sin(k * angle + 6.28 * float(n)) for k, n in zip(_FIBRES, numbers[1:5], strict=True)
    )
    bright = 1 + _FIBRE_STRENGTH * np.asarray(fibres, np.float32) * np.clip(radius, 0, 1)
    bright = bright * (1 - (1 - _RIM) * np.clip((radius - _RIM_RADIUS) / (1 - _RIM_RADIUS), 0, 1))
    bright = bright * (1 + 0.2 * np.clip(y, -1, 1))  # light from above falls through, onto below
    pupil = _PUPIL_RADIUS[0] + float(numbers[5]) * (_PUPIL_RADIUS[1] - _PUPIL_RADIUS[0])
    inner = _edge(pupil - radius, soft)[..., None]
    drawn = luma * (inner * _PUPIL + (1 - inner) * bright[..., None] * colour)
    return np.asarray(drawn, np.float32)


def _highlight(x: Plane, y: Plane, numbers: Reals, soft: float) -> Plane:
    """The reflection of what lights the scene, at one place in both eyes."""
    at_x, radius = 0.6 * float(numbers[6]) - 0.3, max(_HIGHLIGHT_RADIUS, soft)
    bright = _HIGHLIGHT[0] + float(numbers[7]) * (_HIGHLIGHT[1] - _HIGHLIGHT[0])
    bright *= (_HIGHLIGHT_RADIUS / radius) ** 2  # a small eye's is less than a pixel
    squared = ((x - at_x) ** 2 + (y + 0.32) ** 2) / radius**2
    return np.asarray(bright * np.exp(-squared), np.float32)


def _inside(lids: Reals, shape: tuple[int, int]) -> Plane:
    """Share of each pixel between the lids."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(lids * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    return np.asarray(mask / np.float32(255), np.float32)


def _apart(lids: Reals) -> float:
    """How far the lids are apart in the middle, in pixels: ring points 3 to 5 are above."""
    return float(np.linalg.norm(lids[[3, 4, 5]].mean(0) - lids[[11, 12, 13]].mean(0)))


def _colour(face: Image, points: Reals) -> Plane:
    """Mean RGB about points, (3,), from 0 to 1."""
    x, y = np.clip(np.round(points), 0, face.shape[0] - 1).astype(int).mean(0).astype(int)
    near = face[
        max(0, y - _CHEEK_PX) : y + _CHEEK_PX + 1, max(0, x - _CHEEK_PX) : x + _CHEEK_PX + 1
    ]
    return np.asarray(near.reshape(-1, 3).mean(0) / 255, np.float32)


def _luma(rgb: Plane) -> float:
    return float(rgb @ np.array([0.299, 0.587, 0.114], np.float32))


def _chroma(rgb: Plane) -> float:
    lab = cv2.cvtColor(np.asarray(rgb, np.float32)[None, None], cv2.COLOR_RGB2LAB)[0, 0]
    return float(np.hypot(lab[1], lab[2]))


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1))


def _edge(depth: Plane, soft: float) -> Plane:
    """0 outside of an edge, 1 inside, smoothly so far on both sides."""
    t = np.clip(depth / (2 * soft) + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
