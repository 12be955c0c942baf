"""FaceMesh with refined eyes and lips, on ONNX Runtime.

Kartynnik et al., "Real-time facial surface geometry from monocular video on mobile GPUs", 2019;
Grishchenko et al., "Attention mesh", 2020. As in MediaPipe's graph, a BlazeFace finds the face in
the crop, and the network looks at a square of one and a half times its box, eyes level.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import onnx_session
from ..detect.blazeface import NEAR, BlazeFaceNetwork
from ..errors import LandmarksError
from ..types import Image

INPUT_PX = 192
_MIN_SCORE = 0.5
_SIDE_BOXES = 1.5  # side of the square that is looked at, in longer sides of the box
_RIGHT_EYE, _LEFT_EYE = 2, 3  # rows of a BlazeFace

Points = NDArray[np.float64]


class FaceMesh:
    """478 landmarks of the face in a crop. May be shared by threads.

    Args:
        threads: Of one call; 0 takes every core.
    """

    def __init__(self, threads: int = 1) -> None:
        self._find = BlazeFaceNetwork(NEAR, _MIN_SCORE, threads)
        self._session = onnx_session.open_shipped("facemesh", threads)

    def __call__(self, crop: Image) -> Points:
        """(478, 3) landmarks in pixels of an RGB uint8 (S, S, 3) crop.

        Raises:
            LandmarksError: FaceMesh sees no face in the crop.
        """
        (points,) = self.many([crop])
        if points is None:
            raise LandmarksError("no landmarks found")
        return points

    def many(self, crops: Sequence[Image]) -> list[Points | None]:
        """Landmarks of several crops at once; None where no face is seen."""
        answers: list[Points | None] = [None] * len(crops)
        if not crops:
            return answers
        looks = [
            (number, _square(faces[0][0], crop.shape))
            for number, (crop, faces) in enumerate(zip(crops, self._find(crops), strict=True))
            if faces
        ]
        if not looks:
            return answers
        blobs = np.stack([_cut(crops[number], square) for number, square in looks])
        landmarks, scores = self._session.run(["landmarks", "score"], {"picture": blobs})
        for (number, square), points, score in zip(looks, landmarks, scores, strict=True):
            if score >= _MIN_SCORE:
                answers[number] = _in_crop(points.astype(np.float64), square)
        return answers


def _square(face: Points, shape: tuple[int, ...]) -> Points:
    """From the network's input to edge-based pixels of the crop, (2, 3)."""
    px = face * [shape[1], shape[0]]
    centre, (width, height) = (px[0] + px[1]) / 2, px[1] - px[0]
    scale = _SIDE_BOXES * max(width, height) / INPUT_PX
    right, down = px[_LEFT_EYE] - px[_RIGHT_EYE]
    angle = np.arctan2(down, right)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, centre - turn @ np.full(2, INPUT_PX / 2)])


def _cut(crop: Image, square: Points) -> NDArray[np.float32]:
    """What the network looks at, (3, 192, 192) in [0, 1]."""
    seen = cv2.warpAffine(
        np.ascontiguousarray(crop), square, (INPUT_PX, INPUT_PX),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(cv2.dnn.blobFromImage(seen, 1 / 255)[0], np.float32)


def _in_crop(points: Points, square: Points) -> Points:
    """Landmarks in the crop's pixels, their centres at whole numbers."""
    plane = points[:, :2] @ square[:, :2].T + square[:, 2] - 0.5
    depth = points[:, 2:] * float(np.hypot(square[0, 0], square[1, 0]))
    return np.concatenate([plane, depth], 1)
