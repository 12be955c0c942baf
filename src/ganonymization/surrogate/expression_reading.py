"""The reading of an expression: seven shares in steps of a quarter, which cross the wall.

Landmarks do not tell a furrowed brow from a low one. A small classifier looks at the face before
the wall and says how neutral, happy, sad, angry, fearful, disgusted and surprised it is; at most
14 bits of that, most often 3 or 4, are all that becomes of those pixels.
"""

from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .. import onnx_session
from ..geometry import topology
from ..types import Image

EXPRESSIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
LEVELS, LEVELS_OF_HIGH_PRIVACY = 4, 2
INPUT_PX = 112
_BOX = 1.1  # of the larger side of the box around jaw, brows and chin


class ExpressionReader:
    """Reads expressions with a network of (N, 3, 112, 112) RGB from 0 to 255 to (N, 7) shares.

    May be shared by threads.

    Args:
        session: On the network; None opens the shipped one.
    """

    def __init__(self, session: onnxruntime.InferenceSession | None = None) -> None:
        self._session = session or onnx_session.open_shipped("expression-reader", threads=1)
        self._input = self._session.get_inputs()[0].name

    def __call__(self, image: Image, landmarks_px: NDArray[Any]) -> NDArray[np.float32]:
        """Shares of the seven expressions, (7,), the mean of a face and its mirror image.

        Args:
            image: (H, W, 3) uint8 RGB.
            landmarks_px: (478, 3).
        """
        crop = _face(image, landmarks_px)
        both = np.stack([crop, crop[:, ::-1]]).transpose(0, 3, 1, 2).astype(np.float32)
        (shares,) = self._session.run(None, {self._input: both})
        mean: NDArray[np.float32] = np.asarray(shares, np.float32).mean(0)
        return mean


def coarse(reading: NDArray[np.floating], levels: int = LEVELS) -> NDArray[np.float32]:
    """A reading as it crosses the wall: in steps of a quarter, or of 1 / ``levels``."""
    return np.round(np.asarray(reading, np.float32) * levels) / np.float32(levels)


def reading_square(landmarks_px: NDArray[Any]) -> tuple[float, float, float]:
    """Where the reader looks: left, top and side of a square, in the landmarks' pixels.

    Args:
        landmarks_px: (478, 2 or 3).
    """
    outline = landmarks_px[[*topology.FACE_OVAL, *topology.EXPRESSIVE["brows"]], :2]
    low, high = outline.min(0), outline.max(0)
    side = _BOX * float((high - low).max())
    left, top = (low + high) / 2 - side / 2
    return float(left), float(top), side


def _face(image: Image, landmarks_px: NDArray[Any]) -> Image:
    """The square around a face, (112, 112, 3), without aliasing."""
    left, top, side = reading_square(landmarks_px)
    scale = INPUT_PX / side
    x, y = max(0, int(left) - 8), max(0, int(top) - 8)
    window = image[y : int(top + side) + 9, x : int(left + side) + 9]
    if window.size == 0:
        return np.zeros((INPUT_PX, INPUT_PX, 3), np.uint8)
    blurred = cv2.GaussianBlur(window, (0, 0), 0.4 / scale) if scale < 0.7 else window
    matrix = np.array([[scale, 0, (x - left) * scale], [0, scale, (y - top) * scale]])
    crop = cv2.warpAffine(np.ascontiguousarray(blurred), matrix, (INPUT_PX, INPUT_PX))
    return np.asarray(crop, np.uint8)
