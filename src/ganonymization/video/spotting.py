"""A face that was lost, looked for near where it should be: enlarged, and level."""

import numpy as np

from ..geometry import transforms
from ..types import Box, Detection, Image
from .sightings import Motion, Sighting, centre_gap, may_have_come_to, roll_rad
from .watching import Look

_FACE_PX, _SMALLEST_PX, _LARGEST_PX = 96.0, 160, 512  # of a face in the crop; of the crop
_SIDES = 2.6  # of the crop, in sides of the face, where nothing moves
_MULTIPLE_PX = 32


def look_near(look: Look, image: Image, expected: Sighting, reach_px: float) -> Detection | None:
    """The face nearest to where one is expected, of about its size, or None.

    Args:
        look: Finds faces in a picture.
        image: (H, W, 3) uint8 RGB.
        expected: Where it should be; its landmarks, if any, level the crop.
        reach_px: How far from there it may be.
    """
    side_px = _SIDES * expected.side_px + 2 * reach_px
    size_px = side_px * _FACE_PX / expected.side_px
    size_px = int(np.clip(-(-size_px // _MULTIPLE_PX) * _MULTIPLE_PX, _SMALLEST_PX, _LARGEST_PX))
    points = expected.landmarks_px
    turn_rad = 0.0 if points is None else roll_rad(points)
    x, y = expected.centre_px.tolist()
    crop_from_image = transforms.similarity((x, y), side_px, turn_rad, size_px)
    found = look(transforms.warp(image, crop_from_image, size_px))
    image_from_crop = transforms.inverse(crop_from_image)
    seen = [_moved(detection, image_from_crop) for detection in found]
    limit_px = reach_px + 0.75 * expected.side_px
    here = [d for d in seen if may_have_come_to(expected.box_xyxy, d.box_xyxy, limit_px)]
    return min(here, key=lambda d: centre_gap(d.box_xyxy, expected.box_xyxy), default=None)


def _moved(detection: Detection, image_from_crop: transforms.Matrix) -> Detection:
    """A detection in a crop, in picture pixels: an upright box with the centre and sides it had."""
    eyes = None
    if detection.eyes_px is not None:
        (x0, y0), (x1, y1) = transforms.apply(image_from_crop, np.array(detection.eyes_px)).tolist()
        eyes = ((x0, y0), (x1, y1))
    return Detection(_box(detection.box_xyxy, image_from_crop), detection.score, eyes)


def _box(box: Box, image_from_crop: transforms.Matrix) -> Box:
    """The upright box around the ellipse within a turned one."""
    left, top, right, bottom = box
    half = np.array([right - left, bottom - top]) / 2
    ((x, y),) = transforms.apply(image_from_crop, np.array([[left + right, top + bottom]]) / 2)
    w, h = np.sqrt((image_from_crop[:, :2] ** 2 * half**2).sum(1))
    return float(x - w), float(y - h), float(x + w), float(y + h)


def expected_next(sighting: Sighting, motion: Motion) -> Sighting:
    """Where a face should be a frame later, if all goes on."""
    if sighting.landmarks_px is not None:
        return Sighting.of(motion.applied(sighting.landmarks_px), sighting.score)
    dx, dy = motion.step_px.tolist()
    left, top, right, bottom = sighting.box_xyxy
    return Sighting((left + dx, top + dy, right + dx, bottom + dy), None, sighting.score)
