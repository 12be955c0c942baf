"""Pictures to the landmarks of their faces, for whatever learns from folders of pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import registry
from ..detect.base import DetectorOptions, detect_turned
from ..errors import FaceError, LandmarksError, UnreadableError
from ..io import images
from ..types import Image, Skipped
from .search import find_landmarks


class FoundFace(NamedTuple):
    """A face and the picture that it is in.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        landmarks_px: (478, 3) in picture pixels.
    """

    image: Image
    landmarks_px: NDArray[np.float64]


class FaceFinder:
    """A detector and a landmarker. May be shared by threads.

    Args:
        detector: A name in ``registry.DETECTORS``.
    """

    def __init__(self, detector: str = "centerface") -> None:
        self._detect = registry.load(registry.DETECTORS, detector)(DetectorOptions())
        self._landmarker = registry.load(registry.LANDMARKERS, "facemesh")()

    def largest(self, path: Path) -> FoundFace | Skipped:
        """The largest face of a picture file, or why there is none."""
        try:
            image = images.read(path).pixels
            found = next(self.each(image))
            if isinstance(found, FaceError):
                raise found
        except (FaceError, UnreadableError) as error:
            return Skipped(path, str(error), isinstance(error, UnreadableError))
        return FoundFace(image, found)

    def each(self, image: Image) -> Iterator[NDArray[np.float64] | FaceError]:
        """Of every detected face, largest first, the landmarks in pixels or what is wrong with it.

        Without any detection there is one error.

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        detections = detect_turned(self._detect, image)
        if not detections:
            yield LandmarksError("no face found")
        for detection in detections:
            try:
                yield find_landmarks(image, detection, self._landmarker)
            except FaceError as error:
                yield error
