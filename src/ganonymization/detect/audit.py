"""A search of what is written, by other means than found the faces: does one still show?"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from ..types import Box, Detection, Image, Mask
from .base import DetectorOptions, large_enough, merge, mirrored_back
from .blazeface import NEAR, BlazeFaceNetwork, as_detections
from .finder import Finder
from .multi_scale import TILE_PX, Look, looks, tiles

_SMALL_PX, _SCALE = 256, 0.7  # another scale than the detector's
_LEAST, _LEAST_BLAZEFACE = 0.3, 0.6
_DOUBTFUL = 0.2  # BlazeFace likes prints on shirts: CenterFace has to see a face there as well
_MIN_CHANGED = 0.3  # of the middle of a box: a new face or a cover lies there
_MIDDLE = 0.7  # of a box's sides


class Audit:
    """Finds faces in an output whose pixels did not change. May be shared by threads.

    CenterFace looks at the mirrored picture at another scale, BlazeFace at the whole; what either
    sees where nothing was changed gets a second opinion.

    Args:
        finder: Whose networks are used; None loads them.
        options: Of the detector that found the faces.
    """

    def __init__(
        self, finder: Finder | None = None, options: DetectorOptions | None = None
    ) -> None:
        self._options = options or DetectorOptions()
        self._finder = finder or Finder(self._options)
        self._other = BlazeFaceNetwork(NEAR, _LEAST_BLAZEFACE, self._options.threads)

    def missed(
        self,
        output: Image,
        changed: Mask,
        spared: Sequence[Box] = (),
        some: Sequence[Look] | None = None,
    ) -> list[Detection]:
        """Faces in the output that are as they were; largest first.

        Args:
            output: (H, W, 3) uint8 RGB, as it is to be written.
            changed: (H, W) bool, where it differs from the original.
            spared: Boxes of faces that are to stay.
            some: Those of :func:`looks_of_audit` to take; None for all.
        """
        shape = output.shape[0], output.shape[1]
        if some is None:
            some = looks_of_audit(shape, self._options.max_side_px)
        seen = self._mirrored(output, some)
        faces = as_detections(self._other([output])[0], output.shape)
        seen += [replace(d, score=_DOUBTFUL * d.score) for d in faces]
        seen = large_enough(seen, self._options.min_face_px)
        left = [d for d in seen if not is_changed(d.box_xyxy, changed)]
        left = [d for d in left if not any(_within(d, box) for box in spared)]
        return self._finder.second_opinion.confirmed(output, merge(left), ())

    def _mirrored(self, output: Image, some: Iterable[Look]) -> list[Detection]:
        width = output.shape[1]
        mirrored = np.asarray(cv2.flip(output, 1), np.uint8)
        found = self._finder.scales.candidates(mirrored, list(some), _LEAST)
        return [mirrored_back(d, width) for d in found]


def looks_of_audit(
    shape_hw: tuple[int, int], max_side_px: int | None = None, tile_px: int = TILE_PX
) -> list[Look]:
    """What :class:`Audit` looks at: all that a detector does, each part smaller.

    Args:
        shape_hw: Of the picture.
        max_side_px: Of the detector that found the faces.
        tile_px: Side of the largest part as the network sees it, which needs memory.
    """
    whole, *parts = looks(shape_hw, max_side_px)
    small = min(whole.scale, _SMALL_PX / max(shape_hw))
    scales = sorted({part.scale * _SCALE for part in parts})
    smaller = [tile for scale in scales for tile in tiles(shape_hw, scale, tile_px)]
    return [Look(whole.window, small, is_whole=True), *smaller]


def is_changed(box: Box, changed: Mask) -> bool:
    """Whether new pixels lie over the middle of a box, or none of the picture.

    Args:
        box: In picture pixels.
        changed: (H, W) bool.
    """
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    across, down = (box[2] - box[0]) * _MIDDLE / 2, (box[3] - box[1]) * _MIDDLE / 2
    rows = slice(max(0, round(y - down)), max(0, round(y + down) + 1))
    columns = slice(max(0, round(x - across)), max(0, round(x + across) + 1))
    middle = changed[rows, columns]
    return middle.size == 0 or float(middle.mean()) >= _MIN_CHANGED


def _within(detection: Detection, box: Box) -> bool:
    x, y = detection.centre_px
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]
