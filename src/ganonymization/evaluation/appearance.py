"""What a face looks like, for classifiers: gradients of a levelled, cut-out grey face.

Neither hair nor background enters, so that portraits on black and pictures of scenes compare.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import topology, transforms
from ..types import Image, Reals
from .arrays import Values

_CHIP_PX = 96
_CHIP_EYES = 2.2  # side in outer-eye distances
_BELOW = 0.35  # how far the face's middle lies below the eyes, in outer-eye distances
_CHEEKS = (50, 280, 101, 330)


def face_crop(image: Image, landmarks_px: Reals, size_px: int = 224) -> Image:
    """The face upright in a square of 2.2 outer-eye distances, (size_px, size_px, 3) uint8 RGB."""
    return transforms.warp(image, _chip_from_image(landmarks_px, size_px), size_px)


def face_chip(image: Image, landmarks_px: Reals) -> NDArray[np.uint8]:
    """The face alone, upright, grey, its contrast evened out: (96, 96), 127 outside its oval."""
    grey = cv2.cvtColor(face_crop(image, landmarks_px, _CHIP_PX), cv2.COLOR_RGB2GRAY)
    chip_from_image = _chip_from_image(landmarks_px, _CHIP_PX)
    oval = transforms.apply(chip_from_image, landmarks_px)[list(topology.FACE_OVAL), :2]
    inside = np.zeros((_CHIP_PX, _CHIP_PX), np.uint8)
    cv2.fillPoly(inside, [np.round(oval).astype(np.int32)], (1,))
    alone = np.where(inside > 0, grey, 127).astype(
        np.uint8
    )  # first: surroundings sway the contrast
    even = cv2.createCLAHE(2.0, (4, 4)).apply(alone)
    return np.where(inside > 0, even, 127).astype(np.uint8)


def _chip_from_image(landmarks_px: Reals, size_px: int) -> Values:
    eyes = landmarks_px[[topology.OUTER_EYE_RIGHT, topology.OUTER_EYE_LEFT], :2]
    across = eyes[1] - eyes[0]
    middle_x, middle_y = eyes.mean(0) + _BELOW * np.array([-across[1], across[0]])
    side = _CHIP_EYES * max(float(np.linalg.norm(across)), 1e-6)
    angle_rad = float(np.arctan2(across[1], across[0]))
    return transforms.similarity((float(middle_x), float(middle_y)), side, angle_rad, size_px)


def gradients(chip: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Histograms of oriented gradients (Dalal and Triggs, CVPR 2005) of a chip, (1568,)."""
    from skimage.feature import hog

    return np.asarray(
        hog(chip, orientations=8, pixels_per_cell=(12, 12), cells_per_block=(2, 2)), np.float32
    )


def skin_tone_deg(image: Image, landmarks_px: Reals) -> float:
    """Individual typology angle of the cheeks in degrees, high for light skin.

    atan2(L - 50, b) of the median cheek (Chardon et al. 1991). NaN for grey pictures, which have
    no tone, and for cheeks outside the picture.
    """
    places = np.round(landmarks_px[list(_CHEEKS), :2]).astype(int)
    inside = places[(places >= 0).all(1) & (places < image.shape[1::-1]).all(1)]
    if not len(inside):
        return float("nan")
    patches = [image[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] for x, y in inside]
    pixels = np.concatenate([p.reshape(-1, 3) for p in patches])[None].astype(np.float32) / 255
    if np.ptp(pixels, axis=2).mean() < 0.03:
        return float("nan")
    light, _, yellow = np.median(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)[0], axis=0)
    return float(np.degrees(np.arctan2(light - 50, yellow)))


def sharpness(image: Image, landmarks_px: Reals) -> float:
    """Deviation of the Laplacian over the levelled face, in grey levels (Pech-Pacheco 2000)."""
    eyes = landmarks_px[[topology.OUTER_EYE_RIGHT, topology.OUTER_EYE_LEFT], :2]
    low, high = (np.maximum(v, 0).astype(int) for v in
                 (landmarks_px[:, :2].min(0), landmarks_px[:, :2].max(0)))  # fmt: skip
    face = image[low[1] : high[1], low[0] : high[0]]
    if min(face.shape[:2]) < 8:
        return float("nan")
    scale = 60 / max(float(np.linalg.norm(eyes[1] - eyes[0])), 1.0)
    grey = cv2.cvtColor(np.ascontiguousarray(face), cv2.COLOR_RGB2GRAY)
    sized = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(sized, cv2.CV_64F).std())
