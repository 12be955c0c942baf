"""The landmarks of a detected face, found on its own crop, whichever way it is turned."""

import math

import numpy as np
from numpy.typing import NDArray

from ..errors import LandmarksError
from ..geometry import topology, transforms
from ..types import Detection, Image
from .base import Landmarker
from .plausibility import check_plausible

_CROP_SIZE_PX = 384
_EYES_NEAR = 0.15  # of the box's longer side
# Direction of the face's upper edge (None: the detector's eyes are level) and the crop's side in
# sides of the box: a face that FaceMesh misses at one scale it often sees at another.
_ATTEMPTS: tuple[tuple[float | None, float], ...] = (
    (None, 2.0), (None, 1.4), (None, 2.6), (0.0, 2.0), (math.pi / 2, 2.0), (-math.pi / 2, 2.0),
    (math.pi, 2.0),
)  # fmt: skip


def find_landmarks(
    image: Image, detection: Detection, landmarker: Landmarker
) -> NDArray[np.float64]:
    """Look with the detector's eyes level; unless they are confirmed, in other crops too.

    A network made for upright faces sees some face in one that stands on its head as well. So what
    it finds is taken at once only where the detector saw the eyes too; otherwise every crop is
    tried and the most face-like points win.

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
    best, least = None, math.inf
    for turn, sides in _ATTEMPTS:
        crop_from_image = transforms.detection_crop(detection, _CROP_SIZE_PX, turn, sides)
        crop = transforms.warp(image, crop_from_image, _CROP_SIZE_PX)
        try:
            found = landmarker(crop)
            residual = check_plausible(found)
            landmarks_px = transforms.apply(transforms.inverse(crop_from_image), found)
            _check_same_face(landmarks_px, detection)
        except LandmarksError as error:
            problem = error
            continue
        if _eyes_agree(landmarks_px, detection):
            return landmarks_px
        if residual < least:
            best, least = landmarks_px, residual
    if best is None:
        raise problem
    return best


def _eyes_agree(landmarks_px: NDArray[np.float64], detection: Detection) -> bool:
    """Whether the irises lie near the detector's eyes, each at its own."""
    if detection.eyes_px is None:
        return False
    irises = landmarks_px[[topology.IRIS_RIGHT[0], topology.IRIS_LEFT[0]], :2]
    gaps = np.linalg.norm(irises - np.array(detection.eyes_px), axis=1)
    return bool(gaps.max() < _EYES_NEAR * detection.side_px)


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
