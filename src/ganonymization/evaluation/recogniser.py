"""A face recogniser that works offline: dlib's network, 128 numbers a face.

King, "High quality face recognition with deep metric learning", 2017: two pictures of one person
lie nearer than 0.6 to one another.
"""

from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtraError
from ..types import Image, Reals

SAME_PERSON = 0.6
_NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
_EYES = "shape_predictor_5_face_landmarks.dat"


class DlibRecogniser:
    """Turns a face into 128 numbers. Not to be shared by threads.

    Raises:
        MissingExtraError: The extra ``eval`` is not installed.
    """

    def __init__(self) -> None:
        # The package itself asks for pkg_resources when it is imported; only its files are used.
        spec = util.find_spec("face_recognition_models")
        if spec is None or spec.origin is None or util.find_spec("dlib") is None:
            raise MissingExtraError("the face recogniser", "eval")
        import dlib

        folder = Path(spec.origin).parent / "models"
        self._dlib: Any = dlib
        self._predictor = dlib.shape_predictor(str(folder / _EYES))
        self._network = dlib.face_recognition_model_v1(str(folder / _NETWORK))

    def __call__(self, image: Image, landmarks_px: Reals) -> NDArray[np.float64]:
        """The face's numbers, (128,).

        Args:
            image: (H, W, 3) uint8 RGB.
            landmarks_px: (N, 2 or 3) points of the face; their extent is the box that dlib takes.
        """
        low, high = landmarks_px[:, :2].min(0), landmarks_px[:, :2].max(0)
        box = self._dlib.rectangle(*(round(float(v)) for v in (*low, *high)))
        pixels = np.ascontiguousarray(image)
        chip = self._dlib.get_face_chip(pixels, self._predictor(pixels, box), size=150)
        return np.asarray(self._network.compute_face_descriptor(chip), np.float64)
