"""Looks at one picture: which faces, where their landmarks are, and what a recogniser reads."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import registry, topology
from ..detect.base import DetectorOptions, detect_turned
from ..errors import FaceError
from ..landmarks.base import Landmarker
from ..locate import find_landmarks
from ..options import DetectorName
from ..types import Detection, Image
from . import appearance
from .recogniser import Recogniser
from .store import Values

VERSION = 1  # of what is measured; another one measures anew
_HULL_GROWTH = 1.25  # what is painted over to see what hair and surroundings tell alone
_PAINT = (127, 127, 127)


class Detect(Protocol):
    """Faces in a picture."""

    def __call__(self, image: Image) -> list[Detection]:
        """Every face in an RGB uint8 (H, W, 3) picture."""
        ...


@dataclass(frozen=True)
class Observer:
    """Sees everything that the families measure, on the largest face.

    Attributes:
        detector: Name of what finds faces.
        detect: Finds faces.
        landmarker: Finds landmarks in a crop.
        recogniser: Reads who somebody is.
    """

    detector: str
    detect: Detect
    landmarker: Landmarker
    recogniser: Recogniser

    @classmethod
    def load(cls, recogniser: Recogniser, detector: DetectorName) -> "Observer":
        """With a detector by its name."""
        detect = registry.load(registry.DETECTORS, detector)(DetectorOptions())
        landmarker = registry.load(registry.LANDMARKERS, "facemesh")()
        return cls(detector, detect, landmarker, recogniser)

    @property
    def version(self) -> str:
        """Names whatever decides the measurements."""
        return f"{VERSION} {self.detector} {self.recogniser.name}"

    def __call__(self, image: Image) -> Values:
        """What is seen in a picture.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            ``boxes`` (F, 4) in pixels, and of the largest face that has landmarks: ``landmarks_px``
            (478, 3), ``embedding`` (D,), ``context`` (D,), ``gradients`` (1568,), ``skin_tone_deg``
            and ``sharpness`` (1,). Without a face there are the boxes alone.
        """
        detections = detect_turned(self.detect, image)
        boxes = np.array([d.box_xyxy for d in detections], np.float32).reshape(-1, 4)
        size_hw = np.array(image.shape[:2], np.float32)
        for detection in detections:
            try:
                points = find_landmarks(image, detection, self.landmarker)
            except FaceError:
                continue
            covered = painted_over(image, points)
            return {
                "boxes": boxes,
                "size_hw": size_hw,
                "landmarks_px": points.astype(np.float32),
                "embedding": self.recogniser(image, points).astype(np.float32),
                "context": self.recogniser(covered, points).astype(np.float32),
                "gradients": appearance.gradients(appearance.face_chip(image, points)),
                "skin_tone_deg": np.array([appearance.skin_tone_deg(image, points)], np.float32),
                "sharpness": np.array([appearance.sharpness(image, points)], np.float32),
            }
        return {"boxes": boxes, "size_hw": size_hw}


def painted_over(image: Image, landmarks_px: NDArray[np.float64]) -> Image:
    """The picture with the face's oval, and somewhat more, in one grey."""
    oval = landmarks_px[list(topology.FACE_OVAL), :2]
    grown = oval.mean(0) + _HULL_GROWTH * (oval - oval.mean(0))
    covered = np.ascontiguousarray(image).copy()
    cv2.fillConvexPoly(covered, np.round(grown).astype(np.int32), _PAINT)
    return covered
