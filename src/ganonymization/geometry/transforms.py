"""Similarity transforms between the picture and upright square crops, and warping along them.

Convention:
    A transform is a (2, 3) float64 matrix; ``crop_from_image`` takes picture pixels to crop pixels.
    Pixel (0, 0) is a point at the *centre* of the first pixel, as OpenCV has it.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Detection, Image, Reals, Values
from .topology import RIGID, canonical_face

Matrix = NDArray[np.float64]
Points = NDArray[np.float64]

_MOST_ENLARGED = 8
CROP_SIDE_EYES = 3.4
"""Side of the generator's crop in outer-eye distances: a head with its hair."""

PAPER_CROP_SIDE_EYES = 2.0
"""Side of the paper's crop, the face's box padded to a square, in outer-eye distances."""

CROP_CENTRE_CANONICAL = (0.0, 0.3, 0.3)
"""The crop's centre in the canonical face's frame: behind the nose, so that a turned head stays."""


def fit_similarity_3d(source: Points, target: Points) -> tuple[Values, Values, Points]:
    """Least-squares similarity of source onto target: target ~ scale * R @ source + t.

    Umeyama, "Least-squares estimation of transformation parameters", TPAMI 1991.

    Args:
        source: (N, 3).
        target: (..., N, 3); each set is fitted by itself.

    Returns:
        scale (...,), rotation (..., 3, 3), translation (..., 3).
    """
    source_mean, target_mean = source.mean(0), target.mean(-2)
    a, b = source - source_mean, target - target_mean[..., None, :]
    u, singular, vt = np.linalg.svd(np.swapaxes(b, -1, -2) @ a)
    signs = np.ones(singular.shape)
    signs[..., 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * signs[..., None, :]) @ vt
    scale = (singular * signs).sum(-1) / (a**2).sum()
    return scale, rotation, target_mean - scale[..., None] * (rotation @ source_mean)


def similarity(
    centre_xy: tuple[float, float], side: float, angle_rad: float, size_px: int
) -> Matrix:
    """``crop_from_image`` of the square with this centre and side, turned upright.

    Args:
        centre_xy: Centre of the square in picture pixels.
        side: Its side in picture pixels.
        angle_rad: Direction of its upper edge in the picture, clockwise from the x axis.
        size_px: Side of the crop in crop pixels.
    """
    scale = size_px / side
    cos, sin = scale * np.cos(angle_rad), scale * np.sin(angle_rad)
    linear = np.array([[cos, sin], [-sin, cos]])
    middle = np.full(2, (size_px - 1) / 2)
    return np.column_stack([linear, middle - linear @ np.asarray(centre_xy)])


def detection_crop(
    detection: Detection, size_px: int, turn_rad: float | None = None, sides: float = 2.0
) -> Matrix:
    """``crop_from_image`` of a square around a detected face, where landmarks are looked for.

    Args:
        detection: A detector's box and eyes.
        size_px: Side of the crop in crop pixels.
        turn_rad: Direction of the face's upper edge; None levels the detector's eyes, if any.
        sides: The square's side, in longer sides of the box.
    """
    if turn_rad is None:
        turn_rad = 0.0
        if detection.eyes_px is not None:
            (x0, y0), (x1, y1) = detection.eyes_px
            turn_rad = float(np.arctan2(y1 - y0, x1 - x0))
    return similarity(detection.centre_px, sides * detection.side_px, turn_rad, size_px)


def generator_crop(landmarks_px: Reals, size_px: int, side_eyes: float = CROP_SIDE_EYES) -> Matrix:
    """``crop_from_image`` of the upright square that the generator draws.

    The head's pose is fitted to the rigid landmarks in 3D, so neither an open mouth nor a turned
    head changes the scale.

    Args:
        landmarks_px: (478, 3) in picture pixels.
        size_px: Side of the crop in crop pixels.
        side_eyes: The same side in outer-eye distances.
    """
    rigid = list(RIGID)
    points = np.asarray(landmarks_px, np.float64)
    scale, rotation, shift = fit_similarity_3d(canonical_face()[rigid].astype(float), points[rigid])
    centre = scale * rotation @ np.array(CROP_CENTRE_CANONICAL) + shift
    # The eye axis as seen; a profile foreshortens it, so the in-plane angle of R itself is taken.
    angle = float(np.arctan2(rotation[1, 0] - rotation[0, 1], rotation[0, 0] + rotation[1, 1]))
    return similarity((centre[0], centre[1]), side_eyes * float(scale), angle, size_px)


def inverse(transform: Matrix) -> Matrix:
    """The transform back."""
    linear = np.linalg.inv(transform[:, :2])
    return np.column_stack([linear, -linear @ transform[:, 2]])


def scale_of(transform: Matrix) -> float:
    """Target pixels per source pixel."""
    return float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))


def angle_of(transform: Matrix) -> float:
    """How far the transform turns, in radians, clockwise in the picture."""
    return float(np.arctan2(transform[1, 0], transform[0, 0]))


def apply(transform: Matrix, points: Reals) -> Points:
    """Move (N, 2) or (N, 3) points; the third coordinate, a depth, is scaled along."""
    points = np.asarray(points, np.float64)
    moved: Points = points[:, :2] @ transform[:, :2].T + transform[:, 2]
    if points.shape[1] == 2:
        return moved
    return np.column_stack([moved, points[:, 2] * scale_of(transform)])


def warp(
    image: Image, crop_from_image: Matrix, size_px: int, border: int = cv2.BORDER_REPLICATE
) -> Image:
    """Resample (H, W, C) or (H, W) uint8 into a square crop, without aliasing when it shrinks.

    Args:
        image: The picture.
        crop_from_image: Picture pixels to crop pixels.
        size_px: Side of the crop.
        border: What OpenCV puts outside the picture.
    """
    image, crop_from_image = _seen(image, crop_from_image, size_px)
    scale = scale_of(crop_from_image)
    if scale < 0.7:  # average first: a bilinear warp alone would skip pixels
        shrink = max(scale, 0.01)
        h, w = image.shape[:2]
        small_wh = max(1, round(w * shrink)), max(1, round(h * shrink))
        small = cv2.resize(image, small_wh, interpolation=cv2.INTER_AREA)
        sx, sy = small_wh[0] / w, small_wh[1] / h
        image_from_small = np.array([[1 / sx, 0, 0.5 / sx - 0.5], [0, 1 / sy, 0.5 / sy - 0.5]])
        crop_from_image = compose(crop_from_image, image_from_small)
        image = small.astype(np.uint8, copy=False)
    elif scale >= 1.5:
        image, crop_from_image = enlarged(image, crop_from_image)
    warped = cv2.warpAffine(
        image, crop_from_image, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=border
    )
    return np.asarray(warped, np.uint8)


def enlarged(image: Image, target_from_image: Matrix) -> tuple[Image, Matrix]:
    """An image as large as its target shows it, or larger, and the transform from there.

    Cubic, by a whole factor, which is four times as fast as a cubic warp; what is left to do is
    done well by a linear one.
    """
    factor = min(_MOST_ENLARGED, max(1, math.ceil(scale_of(target_from_image))))
    large = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    shift = 0.5 / factor - 0.5
    image_from_large = np.array([[1 / factor, 0, shift], [0, 1 / factor, shift]])
    return np.asarray(large, np.uint8), compose(target_from_image, image_from_large)


def _seen(image: Image, crop_from_image: Matrix, size_px: int) -> tuple[Image, Matrix]:
    """The part of the picture that a crop shows, with what the resampling reads around it."""
    last = size_px - 1
    corners = apply(
        inverse(crop_from_image), np.array([[0, 0], [last, 0], [last, last], [0, last]])
    )
    around = 4 / min(1.0, scale_of(crop_from_image))
    h, w = image.shape[:2]
    low = np.clip(np.floor(corners.min(0) - around), 0, [w - 1, h - 1]).astype(int)
    high = np.clip(np.ceil(corners.max(0) + around) + 1, low + 1, [w, h]).astype(int)
    shift = np.array([[1.0, 0, low[0]], [0, 1.0, low[1]]])
    return image[low[1] : high[1], low[0] : high[0]], compose(crop_from_image, shift)


def compose(second: Matrix, first: Matrix) -> Matrix:
    """The transform that does ``first``, then ``second``."""
    linear = second[:, :2] @ first[:, :2]
    return np.column_stack([linear, second[:, :2] @ first[:, 2] + second[:, 2]])
