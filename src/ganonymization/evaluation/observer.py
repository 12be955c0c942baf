"""Looks at one picture: which faces, where their landmarks are, and what a recogniser reads."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .. import registry
from ..detect.base import Detector, DetectorOptions, detect_turned
from ..errors import FaceError
from ..landmarks.base import Landmarker
from ..landmarks.search import find_landmarks
from ..options import DetectorName
from ..recognize.recogniser import Recogniser, load_recogniser
from ..types import Image
from . import appearance
from .arrays import Values
from .store import Arrays

VERSION = 1  # of what is measured; another one measures anew
_HULL_GROWTH = 1.25  # what is painted over to see what hair and surroundings reveal alone
_PAINT = (127, 127, 127)


@dataclass(frozen=True)
class ObserverSpec:
    """Who looks, in words: what a process of its own needs to load an observer.

    Attributes:
        recogniser: An ONNX file; None for dlib's.
        detector: Name of what finds faces.
    """

    recogniser: Path | None = None
    detector: DetectorName = "centerface"

    def load(self) -> "Observer":
        """Load the networks.

        Raises:
            MissingExtraError: The extra ``eval`` is not installed.
            ModelError: The recogniser's file cannot be used.
        """
        detect = registry.load(registry.DETECTORS, self.detector)(DetectorOptions())
        landmarker = registry.load(registry.LANDMARKERS, "facemesh")()
        return Observer(detect, landmarker, load_recogniser(self.recogniser))


@dataclass(frozen=True)
class Observer:
    """Sees everything that the families measure, on the largest face.

    Attributes:
        detect: Finds faces.
        landmarker: Finds landmarks in a crop.
        recogniser: Reads who somebody is.
    """

    detect: Detector
    landmarker: Landmarker
    recogniser: Recogniser

    def __call__(self, image: Image, surroundings: bool) -> Arrays:
        """What is seen in a picture, (H, W, 3) uint8 RGB.

        ``boxes`` (F, 4) in pixels, and of the largest face that has landmarks: ``landmarks_px``
        (478, 3), ``embedding`` (D,), ``gradients`` (1568,), ``skin_tone_deg`` and ``sharpness``
        (1,), and if asked for ``context`` (D,), what the recogniser reads of the surroundings.
        """
        detections = detect_turned(self.detect, image)
        boxes = np.array([d.box_xyxy for d in detections], np.float32).reshape(-1, 4)
        seen = {"boxes": boxes, "size_hw": np.array(image.shape[:2], np.float32)}
        for detection in detections:
            try:
                points = find_landmarks(image, detection, self.landmarker)
            except FaceError:
                continue
            if surroundings:
                covered = painted_over(image, points)
                seen["context"] = self.recogniser(covered, points).astype(np.float32)
            return {**seen, **self._face(image, points)}
        return seen

    def marked(self, image: Image, landmarks_px: Values) -> Arrays:
        """What the recogniser reads where a face (478, 3) is marked: ``embedding`` (D,).

        A blurred face is found by no detector; whoever wants to know who it is marks it by hand.
        """
        return {"embedding": self.recogniser(image, landmarks_px).astype(np.float32)}

    def _face(self, image: Image, points: Values) -> Arrays:
        tone, sharp = appearance.skin_tone_deg(image, points), appearance.sharpness(image, points)
        return {
            "landmarks_px": points.astype(np.float32),
            "embedding": self.recogniser(image, points).astype(np.float32),
            "gradients": appearance.gradients(appearance.face_chip(image, points)),
            "skin_tone_deg": np.array([tone], np.float32),
            "sharpness": np.array([sharp], np.float32),
        }


def painted_over(image: Image, landmarks_px: Values) -> Image:
    """The picture with the face, and somewhat more, in one grey."""
    # the hull of all landmarks: in profile the oval lies within the face
    hull = cv2.convexHull(landmarks_px[:, :2].astype(np.float32))[:, 0]
    grown = hull.mean(0) + _HULL_GROWTH * (hull - hull.mean(0))
    covered = np.ascontiguousarray(image).copy()
    cv2.fillConvexPoly(covered, np.round(grown).astype(np.int32), _PAINT)
    return covered
