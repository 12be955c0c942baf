"""A second opinion on what a detector is unsure of: the place alone, enlarged, mirrored, blurred.

A face stays a face when it is looked at otherwise; a fold, a lamp or a label mostly does not.
"""

from collections.abc import Iterable

import cv2
import numpy as np

from ..types import Detection, Image
from .blazeface import FAR, BlazeFaceNetwork, as_detections
from .centerface import CenterFace

_FACE_PX, _CROP_PX = 80, 160  # of the candidate in its crop
_GREY = (128, 128, 128)
_LEAST_MEAN, _PER_SCORE = 0.3, 0.4  # of the two best looks of CenterFace: less of a good candidate
_LEAST_BLAZEFACE = 0.5
_HOPELESS = 0.04  # of the first look: no second one is taken


class SecondOpinion:
    """Confirms candidates. May be shared by threads.

    Args:
        network: That looks again.
        threads: Of one call of the other network; 0 takes every core.
    """

    def __init__(self, network: CenterFace, threads: int = 0) -> None:
        self._network = network
        self._other = BlazeFaceNetwork(FAR, _HOPELESS, threads)

    def confirms(self, image: Image, candidate: Detection) -> bool:
        """Whether a face is seen in a candidate's place in other ways, too.

        Args:
            image: (H, W, 3) uint8 RGB.
            candidate: Of the picture.
        """
        crop = enlarged(image, candidate)
        other = _best(as_detections(self._other([crop])[0], crop.shape))
        if other >= _LEAST_BLAZEFACE:
            return True
        first = self._score(crop)
        if max(first, other) < _HOPELESS:
            return False
        least = 2 * (_LEAST_MEAN - _PER_SCORE * candidate.score)
        mirrored = self._score(np.ascontiguousarray(crop[:, ::-1]))
        if first + mirrored >= least:
            return True
        blurred = self._score(np.asarray(cv2.GaussianBlur(crop, (0, 0), 1.2), np.uint8))
        return first + mirrored + blurred - min(first, mirrored, blurred) >= least

    def _score(self, crop: Image) -> float:
        return _best(self._network.peaks(crop, 1.0, _HOPELESS / 2))


def enlarged(image: Image, candidate: Detection) -> Image:
    """A candidate in the middle of a crop, 80 of 160 pixels; grey where the picture ends."""
    x, y = candidate.centre_px
    reach = candidate.side_px * _CROP_PX / _FACE_PX / 2
    height, width = image.shape[:2]
    x0, y0 = max(0, int(x - reach)), max(0, int(y - reach))
    part = image[y0 : min(height, int(y + reach) + 2), x0 : min(width, int(x + reach) + 2)]
    scale = _CROP_PX / (2 * reach)
    if scale < 1 and part.size:  # without aliasing
        size_wh = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
        small = cv2.resize(part, size_wh, interpolation=cv2.INTER_AREA)
        across, down = small.shape[1] / part.shape[1], small.shape[0] / part.shape[0]
        part = np.asarray(small, np.uint8)
    else:
        across = down = 1.0
    middle = (_CROP_PX - 1) / 2
    matrix = np.array([[scale / across, 0, middle - scale * (x - x0)],
                       [0, scale / down, middle - scale * (y - y0)]])  # fmt: skip
    crop = cv2.warpAffine(part, matrix, (_CROP_PX, _CROP_PX), flags=cv2.INTER_CUBIC,
                          borderMode=cv2.BORDER_CONSTANT, borderValue=_GREY)  # fmt: skip
    return np.asarray(crop, np.uint8)


def _best(found: Iterable[Detection]) -> float:
    """Score of the best box where the candidate is, and of about its size."""
    middle = (_CROP_PX - 1) / 2
    return max(
        (d.score for d in found
         if max(abs(v - middle) for v in d.centre_px) < 0.35 * _FACE_PX
         and 0.5 < d.side_px / _FACE_PX < 1.8),
        default=0.0,
    )  # fmt: skip
