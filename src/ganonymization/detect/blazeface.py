"""BlazeFace from the ``mediapipe`` package, short and full range together.

Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs", 2019.
"""

import threading

import mediapipe as mp
import numpy as np

from ..types import Detection, Image
from .base import DetectorOptions, large_enough, merge

_SHORT_RANGE, _FULL_RANGE = 0, 1
_DEFAULT_MIN_SCORE = 0.5


class BlazeFace:
    """Fast, for faces within some metres of the camera. May be shared by threads: calls queue up.

    Args:
        options: See :class:`DetectorOptions`; the default threshold is 0.5. The network has a small
            fixed input, so ``max_side_px`` changes nothing here.
    """

    def __init__(self, options: DetectorOptions | None = None) -> None:
        self._options = options or DetectorOptions()
        least = self._options.min_score
        self._networks = [
            mp.solutions.face_detection.FaceDetection(
                model_selection=model,
                min_detection_confidence=_DEFAULT_MIN_SCORE if least is None else least,
            )
            for model in (_SHORT_RANGE, _FULL_RANGE)
        ]
        self._lock = threading.Lock()  # a MediaPipe graph takes one picture at a time

    def __call__(self, image: Image) -> list[Detection]:
        """Every face in an RGB uint8 (H, W, 3) picture."""
        h, w = image.shape[:2]
        contiguous = np.ascontiguousarray(image)
        found = []
        with self._lock:
            answers = [network.process(contiguous).detections for network in self._networks]
        for detection in [d for answer in answers for d in answer or ()]:
            location = detection.location_data
            box, eyes = location.relative_bounding_box, location.relative_keypoints[:2]
            left, top = box.xmin * w - 0.5, box.ymin * h - 0.5
            (x0, y0), (x1, y1) = [(p.x * w - 0.5, p.y * h - 0.5) for p in eyes]
            found.append(
                Detection(
                    (left, top, left + box.width * w, top + box.height * h),
                    min(1.0, float(detection.score[0])),
                    ((x0, y0), (x1, y1)),
                )
            )
        return merge(large_enough(found, self._options.min_face_px))
