"""A face in single frames: seen again beside where it was, and told from other faces."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import LandmarksError
from ..geometry import topology, transforms
from ..landmarks.base import Landmarker
from ..landmarks.plausibility import check_plausible
from ..types import Box, Image

Values = NDArray[np.float64]

_CROP_PX, _CROP_EYES = 256, 3.0
_MAX_STEP_EYES = 0.7  # how far a face may move between two frames
_MAX_GROWTH = 1.25
_SAME_FACE_IOU, _SAME_CENTRE = 0.25, 0.35
_ONE_FACE_EYES = 0.4  # two tracks nearer than this are on one face


@dataclass(frozen=True)
class Sighting:
    """A face in one frame.

    Attributes:
        box_xyxy: Around it, in pixels.
        landmarks_px: (478, 3), or None where it is known to be there and not seen well enough.
        score: The detector's, last.
    """

    box_xyxy: Box
    landmarks_px: Values | None
    score: float

    @classmethod
    def of(cls, landmarks_px: Values, score: float) -> "Sighting":
        """Seen by its landmarks."""
        low, high = landmarks_px[:, :2].min(0), landmarks_px[:, :2].max(0)
        box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        return cls(box, landmarks_px, score)


def follow(
    image: Image, landmarks_px: Values, step_px: Values, landmarker: Landmarker
) -> Values | None:
    """The landmarks of a face in a frame beside the one where it was seen, or None.

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks_px: (478, 3) in the other frame.
        step_px: (2,) how far it is expected to have moved.
        landmarker: Finds landmarks in a crop.
    """
    expected = landmarks_px + np.array([*step_px, 0.0])
    crop_from_image = transforms.generator_crop(expected, _CROP_PX, _CROP_EYES)
    eyes_px = _CROP_PX / _CROP_EYES
    try:
        crop = landmarker(transforms.warp(image, crop_from_image, _CROP_PX))
        check_plausible(crop)
    except LandmarksError:
        return None
    was = transforms.apply(crop_from_image, expected)
    moved = float(np.linalg.norm(crop[:, :2].mean(0) - was[:, :2].mean(0))) / eyes_px
    growth = float(np.ptp(crop[:, :2], axis=0).max() / np.ptp(was[:, :2], axis=0).max())
    if moved > _MAX_STEP_EYES or not 1 / _MAX_GROWTH < growth < _MAX_GROWTH:
        return None
    return transforms.apply(transforms.inverse(crop_from_image), crop)


def one_face(a: Sighting, b: Sighting) -> bool:
    """Whether two sightings in one frame lie on one face."""
    if a.landmarks_px is None or b.landmarks_px is None:
        return False
    gap = np.linalg.norm(a.landmarks_px[:, :2].mean(0) - b.landmarks_px[:, :2].mean(0))
    corners = a.landmarks_px[[topology.OUTER_EYE_RIGHT, topology.OUTER_EYE_LEFT], :2]
    return bool(gap < _ONE_FACE_EYES * np.linalg.norm(corners[0] - corners[1]))


def centre_gap(a: Box, b: Box) -> float:
    """Distance of two boxes' centres in pixels."""
    return float(np.hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3]) / 2)


def same_face(a: Box, b: Box) -> bool:
    """Whether two boxes of neighbouring frames are of one face: they overlap, or share a centre."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return False
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    if width * height >= _SAME_FACE_IOU * (sum(areas) - width * height):
        return True
    return bool(centre_gap(a, b) < _SAME_CENTRE * np.sqrt(max(areas)))
