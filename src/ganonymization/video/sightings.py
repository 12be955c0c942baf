"""A face in single frames: seen again beside where it was, and told from other faces."""

from dataclasses import dataclass, replace

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
_RIM, _MOST = 0.15, 0.75  # of a side; of the box
_HEAD_RIM, _WHOLE = 0.2, 0.97  # what a new head covers around the landmarks
_HIDDEN_RIM = 0.35
_MOST_RESIZED = 1.7
_ROLLS_RAD = 0.12  # between two frames: less may be the landmarks' own jitter
_ONE_FACE_EYES = 0.4  # two tracks nearer than this are on one face


@dataclass(frozen=True)
class Sighting:
    """A face in one frame.

    Attributes:
        box_xyxy: Around it, in pixels.
        landmarks_px: (478, 3), or None where it is known to be there and not seen well enough.
        score: The detector's, last.
        merged: Boxes of detections of it that stick out, which are covered, too.
    """

    box_xyxy: Box
    landmarks_px: Values | None
    score: float
    merged: tuple[Box, ...] = ()

    @classmethod
    def of(cls, landmarks_px: Values, score: float) -> "Sighting":
        """Seen by its landmarks."""
        low, high = landmarks_px[:, :2].min(0), landmarks_px[:, :2].max(0)
        box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        return cls(box, landmarks_px, score)

    def with_box(self, box: Box) -> "Sighting":
        """The same with a detection of it, which is remembered where it sticks out."""
        if _share_within(self.box_xyxy, box, _HEAD_RIM) >= _WHOLE:
            return self
        return replace(self, merged=(*self.merged, box))

    def half_hidden(self) -> "Sighting":
        """The same where landmarks tell less of how far a face reaches."""
        rim_px = _HIDDEN_RIM * self.side_px
        left, top, right, bottom = self.box_xyxy
        wide = (left - rim_px, top - rim_px, right + rim_px, bottom + rim_px)
        return replace(self, merged=(*self.merged, wide))

    @property
    def centre_px(self) -> Values:
        """(2,) of the box."""
        left, top, right, bottom = self.box_xyxy
        return np.array([left + right, top + bottom]) / 2

    @property
    def side_px(self) -> float:
        """The longer side of the box."""
        left, top, right, bottom = self.box_xyxy
        return max(right - left, bottom - top)


@dataclass(frozen=True)
class Motion:
    """What a face does from one frame to the next.

    Attributes:
        step_px: (2,) how far it moves.
        turn_rad: How far it rolls, clockwise.
    """

    step_px: Values
    turn_rad: float = 0.0

    @classmethod
    def none(cls) -> "Motion":
        """It stays."""
        return cls(np.zeros(2))

    @classmethod
    def between(cls, before: Sighting, after: Sighting) -> "Motion":
        """From one sighting to the next."""
        if before.landmarks_px is None or after.landmarks_px is None:
            return cls(after.centre_px - before.centre_px)
        step = (after.landmarks_px - before.landmarks_px)[:, :2].mean(0)
        turn = roll_rad(after.landmarks_px) - roll_rad(before.landmarks_px)
        turn = (turn + np.pi) % (2 * np.pi) - np.pi
        return cls(step, float(turn) if abs(turn) > _ROLLS_RAD else 0.0)

    def applied(self, landmarks_px: Values) -> Values:
        """Landmarks where they are expected next, (478, 3)."""
        cos, sin = np.cos(self.turn_rad), np.sin(self.turn_rad)
        middle = landmarks_px[:, :2].mean(0)
        turned = (landmarks_px[:, :2] - middle) @ np.array([[cos, sin], [-sin, cos]])
        return np.column_stack([turned + middle + self.step_px, landmarks_px[:, 2]])


def roll_rad(landmarks_px: Values) -> float:
    """Direction from the right eye to the left in the picture, clockwise."""
    right, left = landmarks_px[[topology.OUTER_EYE_RIGHT, topology.OUTER_EYE_LEFT], :2]
    return float(np.arctan2(left[1] - right[1], left[0] - right[0]))


def follow(
    image: Image, landmarks_px: Values, motion: Motion, landmarker: Landmarker
) -> Values | None:
    """The landmarks of a face in a frame beside the one where it was seen, or None.

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks_px: (478, 3) in the other frame.
        motion: What it is expected to have done since.
        landmarker: Finds landmarks in a crop.
    """
    expected = motion.applied(landmarks_px)
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


def holds(a: Box, b: Box) -> bool:
    """Whether a face's box, with some of its rim, has most of another box in it."""
    return _share_within(a, b, _RIM) >= _MOST


def _share_within(a: Box, b: Box, rim: float) -> float:
    """Share of a box that lies in another with a rim, in its longer sides."""
    rim_px = rim * max(a[2] - a[0], a[3] - a[1])
    width = min(a[2] + rim_px, b[2]) - max(a[0] - rim_px, b[0])
    height = min(a[3] + rim_px, b[3]) - max(a[1] - rim_px, b[1])
    return max(width, 0.0) * max(height, 0.0) / ((b[2] - b[0]) * (b[3] - b[1]))


def may_have_come_to(a: Box, b: Box, reach_px: float) -> bool:
    """Whether a lost face may be that in another box: of like size, and not too far away."""
    sides = [max(box[2] - box[0], box[3] - box[1]) for box in (a, b)]
    alike = 1 / _MOST_RESIZED < sides[0] / sides[1] < _MOST_RESIZED
    return alike and centre_gap(a, b) < reach_px


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
