"""CenterFace at several scales: the whole picture small, and parts of it in full resolution.

CenterFace sees faces of about 20 to 640 pixels of its input; larger ones it takes for something
else. So every picture is seen whole at 640 pixels, where no face is larger, and its parts, *tiles*,
finer and finer, each level for the faces that the one above shrinks too far.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ..types import Box, Detection, Image
from .base import DetectorOptions, large_enough, merge, moved
from .centerface import DEFAULT_MIN_SCORE, CenterFace

WHOLE_PX = 640
_WHOLE_AT_MOST_PX = 704  # a picture that is hardly larger needs no second look
TILE_PX, _OVERLAP_PX = 1280, 256
_LARGEST_IN_TILE_PX = 0.75 * _OVERLAP_PX  # with its margin it lies wholly within one of two tiles
_MARGIN = 0.12  # of a box, to a tile's edge: of what is cut off, part is seen beyond the edge
_MAX_PIXELS = 40e6  # of the finest level; larger pictures are shrunk
_STEP = 4.0  # between levels: the largest face in a tile has 48 pixels in the next


@dataclass(frozen=True)
class Look:
    """A part of a picture, and how large it is seen.

    Attributes:
        window: Left, top, right, bottom in whole picture pixels, the last two exclusive.
        scale: The network's pixels per picture pixel.
        is_whole: All of the picture, at the scale for its largest faces.
    """

    window: tuple[int, int, int, int]
    scale: float
    is_whole: bool = False

    def shows(self, box: Box, shape_hw: tuple[int, int]) -> bool:
        """Whether a box within belongs to this look: not too large, nor cut off by a tile's edge.

        Args:
            box: In picture pixels.
            shape_hw: Of the picture.
        """
        if self.is_whole:
            return True
        side = max(box[2] - box[0], box[3] - box[1])
        if side * self.scale > _LARGEST_IN_TILE_PX and not self._is_picture(shape_hw):
            return False
        margin, (x0, y0, x1, y1) = _MARGIN * side, self.window
        return (
            (x0 == 0 or box[0] - margin > x0)
            and (y0 == 0 or box[1] - margin > y0)
            and (x1 == shape_hw[1] or box[2] + margin < x1)
            and (y1 == shape_hw[0] or box[3] + margin < y1)
        )

    def _is_picture(self, shape_hw: tuple[int, int]) -> bool:
        return self.window == (0, 0, shape_hw[1], shape_hw[0])


def looks(shape_hw: tuple[int, int], max_side_px: int | None = None) -> list[Look]:
    """All looks that a picture needs, coarsest first; the first is at the whole of it.

    Their cost is bounded: the finest level has at most 40 megapixels, all tiles together at most
    about twice that.

    Args:
        shape_hw: Of the picture.
        max_side_px: The finest level's longer side; None for full resolution.
    """
    height, width = shape_hw
    longest = max(shape_hw)
    finest = min(1.0, (_MAX_PIXELS / (height * width)) ** 0.5, (max_side_px or longest) / longest)
    whole = Look((0, 0, width, height), min(finest, WHOLE_PX / longest), is_whole=True)
    if finest * longest <= _WHOLE_AT_MOST_PX:
        return [replace(whole, scale=finest)]
    scales = [finest]
    while scales[-1] / whole.scale > _STEP * 1.75:
        scales.append(scales[-1] / _STEP)
    return [whole, *(tile for scale in reversed(scales) for tile in tiles(shape_hw, scale))]


def tiles(shape_hw: tuple[int, int], scale: float, tile_px: int = TILE_PX) -> list[Look]:
    """All tiles of a picture at one scale, row by row, each with so long sides to the network."""
    across = _spans(shape_hw[1], scale, tile_px)
    down = _spans(shape_hw[0], scale, tile_px)
    return [Look((x0, y0, x1, y1), scale) for (y0, y1), (x0, x1) in product(down, across)]


def _spans(length: int, scale: float, tile_px: int) -> list[tuple[int, int]]:
    """Equal stretches of a picture's side that overlap enough."""
    tile, overlap = tile_px / scale, _OVERLAP_PX / scale
    count = max(1, int(np.ceil((length - overlap) / (tile - overlap))))
    size = (length + (count - 1) * overlap) / count
    starts = [round(i * (size - overlap)) for i in range(count)]
    return [(start, min(length, int(np.ceil(start + size)))) for start in starts]


class MultiScale:
    """Finds faces from about 16 pixels up to the whole picture. May be shared by threads.

    Args:
        options: See :class:`DetectorOptions`; the default threshold is 0.2, and ``max_side_px`` the
            longer side of the finest level.

    Raises:
        ModelError: The file is missing or damaged; reinstall the package.
        OptionError: The device does not work here; the message has the remedy.
    """

    def __init__(self, options: DetectorOptions | None = None) -> None:
        self.options = options or DetectorOptions()
        self.network = CenterFace(self.options)

    def looks(self, shape_hw: tuple[int, int]) -> list[Look]:
        """All looks at a picture of this shape; see :func:`looks`."""
        return looks(shape_hw, self.options.max_side_px)

    def __call__(self, image: Image, some: Sequence[Look] | None = None) -> list[Detection]:
        """Every face in an RGB uint8 (H, W, 3) picture, largest first.

        Args:
            image: The picture.
            some: Those of :meth:`looks` to take, as where tiles are spread over frames; None for
                all of them.
        """
        least = self.options.min_score
        least = DEFAULT_MIN_SCORE if least is None else least
        found = self.candidates(image, self.looks(_shape(image)) if some is None else some, least)
        return merge(large_enough(found, self.options.min_face_px))

    def candidates(self, image: Image, some: Sequence[Look], min_score: float) -> list[Detection]:
        """What the network sees in some looks, several boxes a face among it."""
        shape = _shape(image)
        found: list[Detection] = []
        for look in some:
            x0, y0, x1, y1 = look.window
            seen = self.network.peaks(image[y0:y1, x0:x1], look.scale, min_score)
            here = (moved(detection, x0, y0) for detection in seen)
            found += [d for d in here if look.shows(d.box_xyxy, shape)]
        return found


def _shape(image: Image) -> tuple[int, int]:
    return image.shape[0], image.shape[1]
