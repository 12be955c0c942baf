"""BlazeFace on ONNX Runtime: MediaPipe's two networks, for near faces and for farther ones.

Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs", 2019. Anchors,
decoding and the weighted non-maximum suppression are those of MediaPipe's graphs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import onnx_session
from ..types import Detection, Image
from .base import DetectorOptions, large_enough, merge

_SAME_FACE_IOU = 0.3

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class _Range:
    """One of the two networks.

    Attributes:
        file: Its shipped file.
        size_px: Side of its input.
        grids: (side, anchors in each cell) of its feature maps.
        min_score: MediaPipe's own threshold.
    """

    file: str
    size_px: int
    grids: tuple[tuple[int, int], ...]
    min_score: float

    def anchors(self) -> Reals:
        """Centres of all anchors, (A, 2), as shares of the input's side."""
        centres = []
        for side, count in self.grids:
            axis = (np.arange(side) + 0.5) / side
            cells = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
            centres.append(np.repeat(cells, count, 0))
        return np.concatenate(centres)


NEAR = _Range("blazeface-near", 128, ((16, 2), (8, 6)), 0.5)
FAR = _Range("blazeface-far", 192, ((48, 1),), 0.6)


class BlazeFaceNetwork:
    """One network, on any number of pictures at once. May be shared by threads.

    Args:
        reach: ``NEAR`` or ``FAR``.
        min_score: Detections below are dropped; None is the network's own threshold.
        threads: Of one call; 0 takes every core.
    """

    def __init__(self, reach: _Range, min_score: float | None = None, threads: int = 0) -> None:
        self._session = onnx_session.open_shipped(reach.file, threads)
        self._reach, self._anchors = reach, reach.anchors()
        min_score = reach.min_score if min_score is None else min_score
        self._least_logit = float(np.log(max(min_score, 1e-9) / max(1 - min_score, 1e-9)))

    def __call__(self, images: Sequence[Image]) -> list[list[tuple[Reals, float]]]:
        """For each picture its faces, best first: (8, 2) corners and keypoints, and a score.

        The rows are the box's two corners and six keypoints, the eyes first, as shares of the
        picture's width and height, edges at 0 and 1.
        """
        blobs = np.stack([_letterboxed(image, self._reach.size_px) for image in images])
        boxes, logits = self._session.run(["boxes", "scores"], {"picture": blobs})
        return [
            self._faces(raw, scores, image.shape)
            for raw, scores, image in zip(boxes, logits[:, :, 0], images, strict=True)
        ]

    def _faces(
        self, raw: NDArray[np.float32], logits: NDArray[np.float32], shape: tuple[int, ...]
    ) -> list[tuple[Reals, float]]:
        found = np.nonzero(logits >= self._least_logit)[0]
        if len(found) == 0:
            return []
        pairs = raw[found].astype(np.float64).reshape(-1, 8, 2) / self._reach.size_px
        centre, half = pairs[:, 0] + self._anchors[found], pairs[:, 1] / 2
        points = np.concatenate(
            [np.stack([centre - half, centre + half], 1),
             pairs[:, 2:] + self._anchors[found][:, None]], 1
        )  # fmt: skip
        scores = 1 / (1 + np.exp(-logits[found].astype(np.float64)))
        side, size_wh = max(shape[:2]), np.array([shape[1], shape[0]])
        return [
            ((face - 0.5) * side / size_wh + 0.5, score)
            for face, score in _weighted_suppression(points, scores)
        ]


class BlazeFace:
    """Fast, for faces within some metres of the camera. May be shared by threads.

    Args:
        options: See :class:`DetectorOptions`; the default threshold is 0.5 for near faces and
            0.6 for farther ones. The networks' input is small and fixed, so ``max_side_px`` changes
            nothing here.
    """

    def __init__(self, options: DetectorOptions | None = None) -> None:
        self._options = options or DetectorOptions()
        self._networks = [
            BlazeFaceNetwork(reach, self._options.min_score, self._options.threads)
            for reach in (NEAR, FAR)
        ]

    def __call__(self, image: Image) -> list[Detection]:
        """Every face in an RGB uint8 (H, W, 3) picture."""
        found = [
            detection
            for network in self._networks
            for detection in as_detections(network([image])[0], image.shape)
        ]
        return merge(large_enough(found, self._options.min_face_px))


def as_detections(faces: list[tuple[Reals, float]], shape: tuple[int, ...]) -> list[Detection]:
    """A network's faces in pixels of the picture of this shape."""
    found = []
    for points, score in faces:
        px = points * [shape[1], shape[0]] - 0.5
        (left, top), (right, bottom), (x0, y0), (x1, y1) = px[:4].tolist()
        if left < right and top < bottom:
            eyes = ((x0, y0), (x1, y1))
            found.append(Detection((left, top, right, bottom), min(1.0, score), eyes))
    return found


def _letterboxed(image: Image, size_px: int) -> NDArray[np.float32]:
    """The picture on a black square, (3, size_px, size_px) in [-1, 1]."""
    height, width = image.shape[:2]
    scale = size_px / max(height, width)
    matrix = np.array([[scale, 0, (size_px - width * scale) / 2],
                       [0, scale, (size_px - height * scale) / 2]])  # fmt: skip
    square = cv2.warpAffine(
        np.ascontiguousarray(image), matrix, (size_px, size_px), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )  # fmt: skip
    blob = cv2.dnn.blobFromImage(square, 1 / 127.5, mean=(127.5, 127.5, 127.5))
    return np.asarray(blob[0], np.float32)


def _weighted_suppression(points: Reals, scores: Reals) -> list[tuple[Reals, float]]:
    """Boxes that overlap become one, their mean by score, scored as the best of them."""
    rest, kept = np.argsort(-scores, kind="stable"), []
    while len(rest):
        same = _iou(points[rest[0]], points[rest]) > _SAME_FACE_IOU
        same[0] = True
        share = scores[rest[same]] / scores[rest[same]].sum()
        kept.append((np.tensordot(share, points[rest[same]], 1), float(scores[rest[0]])))
        rest = rest[~same]
    return kept


def _iou(face: Reals, faces: Reals) -> Reals:
    low, high = np.maximum(face[0], faces[:, 0]), np.minimum(face[1], faces[:, 1])
    common = np.clip(high - low, 0, None).prod(1)
    union = (face[1] - face[0]).prod() + (faces[:, 1] - faces[:, 0]).prod(1) - common
    iou: Reals = common / np.maximum(union, 1e-12)
    return iou
