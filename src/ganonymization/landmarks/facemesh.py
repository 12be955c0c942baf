"""FaceMesh with refined eyes and lips, from the ``mediapipe`` package.

Kartynnik et al., "Real-time facial surface geometry from monocular video on mobile GPUs", 2019;
Grishchenko et al., "Attention mesh", 2020.
"""

import threading

import mediapipe as mp
import numpy as np
from numpy.typing import NDArray

from ..errors import LandmarksError
from ..types import Image


class FaceMesh:
    """478 landmarks of the face in a crop. May be shared by threads: calls queue up."""

    def __init__(self) -> None:
        self._network = mp.solutions.face_mesh.FaceMesh(
            static_image_mode=True, refine_landmarks=True, max_num_faces=1
        )
        self._lock = threading.Lock()  # a MediaPipe graph takes one picture at a time

    def __call__(self, crop: Image) -> NDArray[np.float64]:
        """(478, 3) landmarks in pixels of an RGB uint8 (S, S, 3) crop.

        Raises:
            LandmarksError: FaceMesh sees no face in the crop.
        """
        with self._lock:
            faces = self._network.process(np.ascontiguousarray(crop)).multi_face_landmarks
        if not faces:
            raise LandmarksError("no landmarks found")
        h, w = crop.shape[:2]
        points = np.array([(p.x, p.y, p.z) for p in faces[0].landmark])
        return points * [w, h, w] - [0.5, 0.5, 0]  # relative edges to pixel centres
