"""The landmarks of a detected face, found on its own crop, whichever way it is turned."""

import math

import numpy as np
from numpy.typing import NDArray

from . import align
from .errors import LandmarksError
from .landmarks.base import Landmarker
from .landmarks.plausibility import check_plausible
from .types import Detection, Image

_CROP_SIZE_PX = 384
_TURNS_RAD = (None, 0.0, math.pi / 2, -math.pi / 2, math.pi)


def find_landmarks(
    image: Image, detection: Detection, landmarker: Landmarker
) -> NDArray[np.float64]:
    """Look with the detector's eyes level first, then in the four upright directions.

    Args:
        image: (H, W, 3) uint8 RGB.
        detection: The face.
        landmarker: Reads a square crop.

    Returns:
        (478, 3) landmarks in picture pixels.

    Raises:
        LandmarksError: In no direction there are plausible ones; says what was wrong last.
    """
    problem = LandmarksError("no landmarks found")
    for turn in _TURNS_RAD:
        crop_from_image = align.detection_crop(detection, _CROP_SIZE_PX, turn)
        crop = align.warp(image, crop_from_image, _CROP_SIZE_PX)
        try:
            found = landmarker(crop)
            check_plausible(found)
            landmarks_px = align.apply(align.inverse(crop_from_image), found)
            _check_same_face(landmarks_px, detection)
        except LandmarksError as error:
            problem = error
        else:
            return landmarks_px
    raise problem


def _check_same_face(landmarks_px: NDArray[np.float64], detection: Detection) -> None:
    """Refuse landmarks of a neighbour in the same crop.

    Raises:
        LandmarksError: They lie beside the box or are of quite another size.
    """
    low, high = landmarks_px[:, :2].min(0), landmarks_px[:, :2].max(0)
    centre = (low + high) / 2
    gap = np.abs(centre - detection.centre_px).max() / detection.side_px
    ratio = float((high - low).max()) / detection.side_px
    if gap > 0.4 or not 0.5 < ratio < 1.8:
        raise LandmarksError("the landmarks found are not of the detected face")
