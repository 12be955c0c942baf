"""What the generator sees of the geometry: the filled mesh (ours) or dots (the paper's).

Both functions are used in training and at run time alike, on landmarks in crop pixels. At run time
a mesh may be taken from a map of triangles, which differs at a few rims.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Image, Reals, Values
from . import topology

_SHIFT = 4  # OpenCV's fixed-point bits: polygons are placed to 1/16 pixel
_MOUTH = (40, 0, 0)
_SCLERA = (190, 190, 190)
_INSIDE = (255,)
_DOT = (224, 224, 224)
_MOST_TRIANGLES = 1024  # with those that fill eyes and mouth


def mesh(landmarks_px: Reals, size_px: int, triangles: NDArray[np.int32] | None = None) -> Image:
    """Draw the face as a surface coloured by where on the canonical face each triangle lies.

    The 852 triangles are painted far to near. Over them the mouth opening is dark, the eye openings
    are grey with a black iris inside (so a closed eye shows none), and lips, eyelids and brows
    are white lines.

    Args:
        landmarks_px: (478, 3) in crop pixels; z in the same scale, smaller is nearer.
        size_px: Side of the square crop.
        triangles: What :func:`ganonymization.geometry.rasterisation.triangle_map` found of the same
            mesh, (size_px, size_px), where it is known; else they are painted here.

    Returns:
        (size_px, size_px, 3) uint8, black where there is no face.
    """
    points = np.asarray(landmarks_px, np.float64)
    fixed = np.round(points[:, :2] * (1 << _SHIFT)).astype(np.int32)
    if triangles is None:
        canvas = _painted(points, fixed, size_px)
    else:
        canvas = np.take(_colours_of_numbers(), triangles, axis=0)
    _draw_openings(canvas, points, fixed)
    width = max(1, round(size_px / 256))
    closed = (topology.LIPS_OUTER, topology.LIPS_INNER, topology.EYE_LEFT, topology.EYE_RIGHT)
    for path, is_closed in [(ring, True) for ring in closed] + [(p, False) for p in topology.BROWS]:
        line = fixed[list(path)].reshape(-1, 1, 2)
        cv2.polylines(canvas, [line], is_closed, (255, 255, 255), width, cv2.LINE_AA, _SHIFT)
    return canvas


def dots(landmarks_px: Reals, size_px: int) -> Image:
    """Draw the paper's condition: a light dot per landmark on black.

    Hellmann et al., "GANonymization", TOMM 2024, section 3.2, as MediaPipe draws a landmark of
    radius 0: a circle of radius 1 around one pixel, grey value 224.

    Args:
        landmarks_px: (478, 2 or 3) in crop pixels.
        size_px: Side of the square crop.

    Returns:
        (size_px, size_px, 3) uint8.
    """
    canvas = np.zeros((size_px, size_px, 3), np.uint8)
    places = np.floor(np.asarray(landmarks_px)[:, :2] + 0.5).astype(int)
    inside = ((places >= 0) & (places < size_px)).all(1)
    for place in places[inside].tolist():
        cv2.circle(canvas, place, 1, _DOT, 1)
        cv2.circle(canvas, place, 0, _DOT, 1)
    return canvas


def _painted(points: Values, fixed: NDArray[np.int32], size_px: int) -> Image:
    """The triangles in their colours, far to near."""
    canvas = np.zeros((size_px, size_px, 3), np.uint8)
    triangles = topology.triangles()
    order = np.argsort(-points[triangles, 2].sum(1), kind="stable")
    corners = fixed[triangles[order]]
    for triangle, colour in zip(corners, _triangle_colours()[order].tolist(), strict=True):
        cv2.fillConvexPoly(canvas, triangle, colour, cv2.LINE_8, _SHIFT)
    return canvas


@cache
def _colours_of_numbers() -> Image:
    """The triangles' colours by number, and black for what fills eyes and mouth, and for -1."""
    colours = np.zeros((_MOST_TRIANGLES, 3), np.uint8)
    own = _triangle_colours()
    colours[: len(own)] = own
    return colours


def _triangle_colours() -> Values:
    """RGB of each triangle: its canonical x, y, z, each spread over 60..255, (852, 3)."""
    face = topology.canonical_face()[: topology.SURFACE_COUNT].astype(np.float64)
    low, high = face.min(0), face.max(0)
    vertex = 60 + 195 * (face - low) / (high - low)
    colours: Values = np.round(vertex[topology.triangles()].mean(1))
    return colours


def _draw_openings(canvas: Image, points: Values, fixed: NDArray[np.int32]) -> None:
    """Fill the mouth and eye openings, and the irises where the eyelids leave them free."""
    cv2.fillPoly(canvas, [fixed[list(topology.LIPS_INNER)]], _MOUTH, cv2.LINE_8, _SHIFT)
    eyes = ((topology.EYE_LEFT, topology.IRIS_LEFT), (topology.EYE_RIGHT, topology.IRIS_RIGHT))
    for eye, (centre, *rim) in eyes:
        lids = fixed[list(eye)]
        (left, top), (right, bottom) = np.clip(
            [(lids.min(0) >> _SHIFT) - 1, (lids.max(0) >> _SHIFT) + 2], 0, canvas.shape[0]
        )
        if left >= right or top >= bottom:
            continue
        window, origin = canvas[top:bottom, left:right], np.array([left, top]) << _SHIFT
        opening = np.zeros(window.shape[:2], np.uint8)
        cv2.fillPoly(opening, [lids - origin], _INSIDE, cv2.LINE_8, _SHIFT)
        radius = np.linalg.norm(points[rim, :2] - points[centre, :2], axis=1).mean()
        iris = np.zeros_like(opening)
        fixed_radius = max(1, round(radius * (1 << _SHIFT)))
        middle = (fixed[centre] - origin).tolist()
        cv2.circle(iris, middle, fixed_radius, _INSIDE, -1, cv2.LINE_8, _SHIFT)
        window[opening > 0] = _SCLERA
        window[(opening > 0) & (iris > 0)] = 0
