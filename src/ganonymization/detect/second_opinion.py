"""A second opinion on what a detector is unsure of: the place alone, at other sizes, mirrored.

A face stays a face when it is looked at otherwise; a fold, a lamp or a label mostly does not.
"""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from ..types import Detection, Image
from .blazeface import FAR, BlazeFaceNetwork, as_detections
from .centerface import CenterFace

_LOOKS = ((24, 144), (40, 160))  # sides of the candidate and of its crop, in pixels
_BLAZEFACE_PX = (64, 192)
_GREY = (128, 128, 128)
_FIRM = 0.2  # score of a candidate that has only to be seen again
_LEAST_FIRM, _LEAST_FAINT = 0.06, 0.25  # mean score of the looks
_LEAST_BLAZEFACE = 0.5
_HOPELESS = 0.03  # of the first look, or two at what is firm: no more are taken
_SURE = 0.5


class SecondOpinion:
    """Confirms candidates. May be shared by threads.

    Args:
        network: That looks again.
        threads: Of one call of the other network; 0 takes every core.
    """

    def __init__(self, network: CenterFace, threads: int = 0) -> None:
        self._network = network
        self._other = BlazeFaceNetwork(FAR, _LEAST_BLAZEFACE, threads)

    def confirmed(
        self, image: Image, candidates: Iterable[Detection], sure: Sequence[Detection] = ()
    ) -> list[Detection]:
        """Those candidates in whose place a face is seen in other ways, too.

        Args:
            image: (H, W, 3) uint8 RGB.
            candidates: Of the picture.
            sure: Faces of the picture: what is seen on a chest must be more than a fold.
        """
        faces = [d for d in sure if d.score >= _SURE]

        def is_firm(candidate: Detection) -> bool:
            return candidate.score >= _FIRM and not any(_on_chest(candidate, f) for f in faces)

        return [d for d in candidates if self._confirms(image, d, is_firm(d))]

    def _confirms(self, image: Image, candidate: Detection, firm: bool) -> bool:
        least = _LEAST_FIRM if firm else _LEAST_FAINT
        scores: list[float] = []
        for look in _LOOKS:
            crop = enlarged(image, candidate, *look)
            for shown in (crop, np.ascontiguousarray(crop[:, ::-1])):
                found = self._network.peaks(shown, 1.0, _HOPELESS)
                scores.append(_best(found, *look))
                if not firm and scores[0] < _HOPELESS:
                    return False
            if max(scores) < _HOPELESS:
                break
        if sum(scores) >= least * 2 * len(_LOOKS):
            return True
        crop = enlarged(image, candidate, *_BLAZEFACE_PX)
        return _best(as_detections(self._other([crop])[0], crop.shape), *_BLAZEFACE_PX) > 0


def enlarged(image: Image, candidate: Detection, face_px: int, crop_px: int) -> Image:
    """A candidate in the middle of a crop, grey where the picture ends.

    Args:
        image: (H, W, 3) uint8 RGB.
        candidate: Of the picture.
        face_px: Its side in the crop.
        crop_px: The crop's side.
    """
    (x, y), reach = candidate.centre_px, candidate.side_px * crop_px / face_px / 2
    height, width = image.shape[:2]
    x0, y0 = max(0, int(x - reach)), max(0, int(y - reach))
    part = image[y0 : min(height, int(y + reach) + 2), x0 : min(width, int(x + reach) + 2)]
    scale, across, down = crop_px / (2 * reach), 1.0, 1.0
    if part.size == 0:
        return np.full((crop_px, crop_px, 3), _GREY, np.uint8)
    if scale < 1:  # without aliasing
        size_wh = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
        small = cv2.resize(part, size_wh, interpolation=cv2.INTER_AREA)
        across, down = small.shape[1] / part.shape[1], small.shape[0] / part.shape[0]
        part = np.asarray(small, np.uint8)
    middle = (crop_px - 1) / 2
    matrix = np.array([[scale / across, 0, middle - scale * (x - x0)],
                       [0, scale / down, middle - scale * (y - y0)]])  # fmt: skip
    crop = cv2.warpAffine(part, matrix, (crop_px, crop_px), flags=cv2.INTER_CUBIC,
                          borderMode=cv2.BORDER_CONSTANT, borderValue=_GREY)  # fmt: skip
    return np.asarray(crop, np.uint8)


def _best(found: Iterable[Detection], face_px: int, crop_px: int) -> float:
    """Score of the best box where the candidate is, and of about its size."""
    middle = (crop_px - 1) / 2
    return max(
        (d.score for d in found
         if max(abs(v - middle) for v in d.centre_px) < 0.4 * face_px
         and 0.5 < d.side_px / face_px < 1.9),
        default=0.0,
    )  # fmt: skip


def _on_chest(candidate: Detection, face: Detection) -> bool:
    """Whether a candidate lies right below a face and is no larger."""
    (x, y), (face_x, face_y), side = candidate.centre_px, face.centre_px, face.side_px
    return (
        candidate.side_px < 1.2 * side
        and abs(x - face_x) < 0.6 * side
        and 0.8 * side < y - face_y < 2.2 * side
    )
