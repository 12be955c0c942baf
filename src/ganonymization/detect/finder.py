"""The detector that is used unless another is named: many looks, and a second one at the doubtful.

CenterFace at several scales gives candidates; BlazeFace and a small look those of a face that is
larger than the picture; what is dark, flat or made of dots is made easier first. Candidates that
are sure are kept, the others are asked again.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from ..types import Detection, Image
from . import legible
from .base import DetectorOptions, large_enough, merge, mirrored_back, moved, scaled, turned_back
from .blazeface import NEAR, BlazeFaceNetwork, as_detections
from .centerface import MULTIPLE_PX
from .multi_scale import WHOLE_PX, Look, MultiScale, tiles
from .second_opinion import SecondOpinion

_SURE = 0.5
_FAINT = 0.06
_SAME_AS_BEFORE = 0.2  # boxes below this say nothing about how far a face reaches
_MOST_ASKED = 64  # candidates of one picture; of the others those above the old threshold stay
_CLOSE_UP_PX, _BORDER = 160, 0.3
_CLOSE_UP_SCORES = (0.14, 0.55)  # of CenterFace and BlazeFace, where both see a face
_CLOSE_UP_SIDE = 0.4  # of the picture's shorter side
_ENLARGED_PIXELS = 40e6
_DOT_PX = (1.5, 3.0)


class Finder:
    """Finds faces, and asks again where it is not sure. May be shared by threads.

    Args:
        options: See :class:`DetectorOptions`. With ``min_score`` every detection above it counts
            and no other does, so nothing is asked again; the looks are the same.

    Raises:
        ModelError: The file is missing or damaged; reinstall the package.
        OptionError: The device does not work here; the message has the remedy.
    """

    def __init__(self, options: DetectorOptions | None = None) -> None:
        self.options = options or DetectorOptions()
        self.scales = MultiScale(self.options)
        self.second_opinion = SecondOpinion(self.scales.network, self.options.threads)
        self._near = BlazeFaceNetwork(NEAR, _FAINT, self.options.threads)

    def using(self, thorough: bool) -> "Finder":
        """The same networks, looking in more ways or not."""
        other = copy.copy(self)
        other.options = replace(self.options, thorough=thorough)
        return other

    def looks(self, shape_hw: tuple[int, int]) -> list[Look]:
        """All looks at a picture of this shape, the whole of it first."""
        return self.scales.looks(shape_hw)

    def __call__(self, image: Image, some: Sequence[Look] | None = None) -> list[Detection]:
        """Every face in an RGB uint8 (H, W, 3) picture, largest first.

        Args:
            image: The picture.
            some: Those of :meth:`looks` to take, as where tiles are spread over frames; None for
                all of them.
        """
        some = self.looks((image.shape[0], image.shape[1])) if some is None else some
        found = self._seen(image, some)
        stretched = legible.stretched(image)
        if stretched is not image:  # its few bright spots, such as faces, may have been clipped
            found += self._seen(stretched, some)
        least = self.options.min_score
        return merge(d for d in found if least is None or d.score >= least)

    def whole(self, image: Image) -> list[Detection]:
        """Faces in a look at the whole of a picture, whose tiles are looked at some other time."""
        return self(image, self.looks((image.shape[0], image.shape[1]))[:1])

    def quick(self, image: Image) -> list[Detection]:
        """Faces in one look at a part of a picture, none of which fills it."""
        height, width = image.shape[:2]
        return self(image, [Look((0, 0, width, height), min(1.0, WHOLE_PX / max(height, width)))])

    def glance(
        self,
        image: Image,
        windows: Sequence[tuple[slice, slice]],
        is_known: Callable[[Detection], bool],
    ) -> bool:
        """Whether a face that is not known shows in parts of a picture, as in a look at the whole.

        Args:
            image: (H, W, 3) uint8 RGB.
            windows: Rows and columns.
            is_known: Tells it of a detection.
        """
        height, width = image.shape[:2]
        scale = self.looks((height, width))[0].scale
        size_wh = max(1, round(width * scale)), max(1, round(height * scale))
        small = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
        parts = [
            (_widened(rows, scale, small.shape[0]), _widened(columns, scale, small.shape[1]))
            for rows, columns in windows
        ]
        stretched = legible.stretched(small)
        for shown in (small,) if stretched is small else (small, stretched):
            candidates: list[Detection] = []
            for rows, columns in parts:
                seen = self.scales.network.peaks(shown[rows, columns], 1.0, self._faintest)
                here = (moved(d, columns.start, rows.start) for d in seen)
                candidates += [d for d in here if not is_known(scaled(d, 1 / scale))]
            if self._decided(shown, candidates):
                return True
        return False

    @property
    def _faintest(self) -> float:
        """Score of what is a candidate."""
        least = self.options.min_score
        return _FAINT if least is None else min(_FAINT, least)

    def _seen(self, image: Image, some: Sequence[Look]) -> list[Detection]:
        found = self._decided(image, self.scales.candidates(image, some, self._faintest))
        if some and some[0].is_whole:
            found += self._close_up(image, found)
            if legible.is_dotted(image):
                found += self._behind_dots(image, some)
            if self.options.thorough:
                found += self._thorough(image, some)
        return found

    def _decided(self, image: Image, candidates: list[Detection]) -> list[Detection]:
        """Those that are faces: sure, or confirmed; with the boxes that were merged into them.

        Where somebody set a threshold, that decides.
        """
        candidates = large_enough(candidates, self.options.min_face_px)
        least = self.options.min_score
        if least is not None:
            return merge(d for d in candidates if d.score >= least)
        firm = merge(d for d in candidates if d.score >= _SAME_AS_BEFORE)
        faint = merge(d for d in candidates if d.score < _SAME_AS_BEFORE)
        alone = [d for d in faint if len(merge([d, *firm])) > len(firm)]
        kept = [d for d in firm if d.score >= _SURE]
        doubtful = [d for d in firm if d.score < _SURE] + alone
        doubtful.sort(key=lambda d: -d.score)
        asked, rest = doubtful[:_MOST_ASKED], doubtful[_MOST_ASKED:]
        kept += self.second_opinion.confirmed(image, asked, kept)
        return kept + [d for d in rest if d.score >= _SAME_AS_BEFORE]

    def _close_up(self, image: Image, found: list[Detection]) -> list[Detection]:
        """A face that fills the picture, or is larger: seen small, with a border around it."""
        least_px = _CLOSE_UP_SIDE * min(image.shape[:2])
        if any(d.side_px >= least_px and d.score >= _SURE for d in found):
            return []
        small, scale = bordered(image)
        large = [
            d for d in self.scales.network.peaks(small, 1.0, _CLOSE_UP_SCORES[0])
            if d.side_px >= _CLOSE_UP_SIDE * min(image.shape[:2]) * scale
        ]  # fmt: skip
        other = [
            d for d in as_detections(self._near([small])[0], small.shape)
            if d.side_px >= _CLOSE_UP_SIDE * min(image.shape[:2]) * scale
        ]  # fmt: skip
        seen = [d for d in large if d.score >= _SURE] + [d for d in other if d.score >= 0.7]
        if large and other and max(d.score for d in other) >= _CLOSE_UP_SCORES[1]:
            seen += large + other[:1]
        return [_unbordered(d, scale, image) for d in merge(seen)]

    def _thorough(self, image: Image, some: Sequence[Look]) -> list[Detection]:
        """Enlarged, mirrored, and turned by quarters."""
        shape = image.shape[0], image.shape[1]
        finest = max(look.scale for look in some)
        larger = tiles(shape, min(2 * finest, (_ENLARGED_PIXELS / (shape[0] * shape[1])) ** 0.5))
        found = self.scales.candidates(image, larger, self._faintest)
        mirrored = np.ascontiguousarray(image[:, ::-1])
        for each in (some, larger):
            seen = self.scales.candidates(mirrored, each, self._faintest)
            found += [mirrored_back(d, shape[1]) for d in seen]
        kept = self._decided(image, found)
        for quarters in (1, 2, 3):
            turned = np.ascontiguousarray(np.rot90(image, quarters))
            seen = self.scales.candidates(
                turned, self.looks((turned.shape[0], turned.shape[1])), self._faintest
            )
            kept += [turned_back(d, quarters, shape) for d in self._decided(turned, seen)]
        return kept

    def _behind_dots(self, image: Image, some: Sequence[Look]) -> list[Detection]:
        found: list[Detection] = []
        for dot_px in _DOT_PX:
            smooth = legible.without_dots(image, dot_px)
            found += self._decided(smooth, self.scales.candidates(smooth, some, _SAME_AS_BEFORE))
            found += self._close_up(smooth, found)
        return found


def _widened(side: slice, scale: float, length: int) -> slice:
    """A window's side in a picture of another scale, so long that the network takes it as it is."""
    start, stop = side.start * scale, side.stop * scale
    size = min(length, int(np.ceil((stop - start) / MULTIPLE_PX)) * MULTIPLE_PX)
    first = min(max(0, round((start + stop - size) / 2)), length - size)
    return slice(first, first + size)


def bordered(image: Image) -> tuple[Image, float]:
    """A picture at 160 pixels with grey around it, and the scale."""
    scale = _CLOSE_UP_PX / max(image.shape[:2])
    size_wh = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    border = round(_BORDER * _CLOSE_UP_PX)
    framed = cv2.copyMakeBorder(
        small, border, border, border, border, cv2.BORDER_CONSTANT, value=(128, 128, 128)
    )
    return np.asarray(framed, np.uint8), scale


def _unbordered(detection: Detection, scale: float, image: Image) -> Detection:
    """A detection in :func:`bordered`'s picture in pixels of the picture itself, no farther out."""
    border = round(_BORDER * _CLOSE_UP_PX)
    height, width = image.shape[:2]
    left, top, right, bottom = ((v - border) / scale for v in detection.box_xyxy)
    box = (max(-width / 4, left), max(-height / 4, top),
           min(width * 1.25, right), min(height * 1.25, bottom))  # fmt: skip
    eyes = detection.eyes_px
    if eyes is not None:
        (ax, ay), (bx, by) = eyes
        eyes = (
            ((ax - border) / scale, (ay - border) / scale),
            ((bx - border) / scale, (by - border) / scale),
        )
    return Detection(box, detection.score, eyes)
