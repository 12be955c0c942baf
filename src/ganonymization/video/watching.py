"""Where to look in a frame: a face can be new only where the picture has changed since a look.

So the detector looks where something has changed, at regular times, and in the first frame of every
shot. A glance at the parts that have changed tells whether all of a frame is to be looked at. A
frame that is large is looked at as a whole and, for small faces, in overlapping tiles.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..detect.base import area, merge, moved
from ..geometry import transforms
from ..types import Box, Detection, Image
from .sightings import Sighting, Values, roll_rad

Look = Callable[[Image], list[Detection]]
Window = tuple[slice, slice]
"""Rows and columns of a frame."""
Glance = Callable[[Image, Sequence[Window], Callable[[Detection], bool]], bool]
"""Whether a face shows in some parts of a frame that is not known, as another function tells."""

_SMALL_PX = 320  # longer side of the pictures that are compared
_CHANGED_LEVELS = 12  # of 255: less is noise
_SMALLEST_CELLS, _SHARE = 5, 0.6  # side of the smallest face, and how much of it has changed
_AROUND_CELLS, _AROUND = 12, 0.25  # of what has changed, and of its longer side: looked at as well
_MUCH = 0.4  # of a frame: parts of it that take longer than all of it
_HEAD = 0.3  # of a box's side: hair moves with the face
_STAYS_IOU = 0.3  # a followed face still lies about where it was at the last look
TILE_PX, _OVERLAP_PX = 640, 128
_PATCH_PX, _HIDDEN_LEVELS = 12, 12.0  # of a face; mean difference of one that is not hidden
_TILE_EVERY = 12  # frames, while somebody is followed


class Watch:
    """Remembers what was looked at, and tells what has changed since."""

    def __init__(self) -> None:
        self._looked: NDArray[np.uint8] | None = None
        self._boxes: tuple[Box, ...] = ()
        self._patches: dict[int, NDArray[np.int16]] = {}

    def news(
        self, small: NDArray[np.uint8], scale: float, seen: dict[int, Sighting]
    ) -> list[Window] | None:
        """Parts of a frame in which something is new beside the faces that are followed.

        Args:
            small: (h, w) grey, see :func:`small_grey`.
            scale: Pixels of it per pixel of the frame.
            seen: The faces that are followed, by track.

        Returns:
            None where that is much of the frame.
        """
        if self._looked is None or self._looked.shape != small.shape:
            return None
        changed = changes(small, self._looked)
        for box in (sighting.box_xyxy for sighting in seen.values()):
            before = [b for b in self._boxes if _iou(b, box) > _STAYS_IOU]
            for each in (box, *before):
                changed[_window(each, scale)] = 0
        cells = (_SMALLEST_CELLS, _SMALLEST_CELLS)
        boxes = _around(np.asarray(cv2.boxFilter(changed, cv2.CV_32F, cells) > _SHARE))
        if sum(area(box) for box in boxes) > _MUCH * small.size:
            return None
        return [_scaled(box, 1 / scale) for box in boxes]

    def hidden(self, image: Image, seen: dict[int, Sighting]) -> set[int]:
        """Tracks whose faces do not look as they did, as when something hides them.

        Args:
            image: (H, W, 3) uint8 RGB.
            seen: The faces that are followed, by track.
        """
        return {
            track
            for track, sighting in seen.items()
            if sighting.landmarks_px is not None and track in self._patches
            and np.abs(_face_patch(image, sighting.landmarks_px) - self._patches[track]).mean()
            > _HIDDEN_LEVELS
        }  # fmt: skip

    def looked_at(self, image: Image, small: NDArray[np.uint8], seen: dict[int, Sighting]) -> None:
        """A whole frame was looked at.

        Args:
            image: (H, W, 3) uint8 RGB.
            small: See :func:`small_grey`.
            seen: All faces that are known in it now, by track.
        """
        self._looked = small.copy()
        self._boxes = tuple(sighting.box_xyxy for sighting in seen.values())
        self._patches = {
            track: _face_patch(image, sighting.landmarks_px)
            for track, sighting in seen.items()
            if sighting.landmarks_px is not None
        }

    def glanced_at(self, small: NDArray[np.uint8], scale: float, windows: Sequence[Window]) -> None:
        """Parts of a frame were looked at, and nobody is new in them.

        Args:
            small: See :func:`small_grey`.
            scale: Pixels of it per pixel of the frame.
            windows: See :meth:`news`.
        """
        assert self._looked is not None
        for rows, columns in windows:
            part = tuple(
                slice(round(s.start * scale), round(s.stop * scale)) for s in (rows, columns)
            )
            self._looked[part] = small[part]


def _face_patch(image: Image, landmarks_px: Values) -> NDArray[np.int16]:
    """A face, level and small, (12, 12) grey without its mean."""
    low, high = landmarks_px[:, :2].min(0), landmarks_px[:, :2].max(0)
    x, y = ((low + high) / 2).tolist()
    side_px = float((high - low).max())
    crop_from_image = transforms.similarity((x, y), side_px, roll_rad(landmarks_px), _PATCH_PX)
    patch = cv2.cvtColor(transforms.warp(image, crop_from_image, _PATCH_PX), cv2.COLOR_RGB2GRAY)
    return patch.astype(np.int16) - round(float(patch.mean()))


def small_grey(image: Image) -> tuple[NDArray[np.uint8], float]:
    """A frame's small picture, (h, w) grey, and its pixels per pixel of the frame."""
    scale = min(1.0, _SMALL_PX / max(image.shape[:2]))
    size_wh = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8), scale


def changes(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """1 where two small pictures differ by more than noise, else 0."""
    return np.asarray(cv2.absdiff(a, b) > _CHANGED_LEVELS).view(np.uint8)


def _around(changed: NDArray[np.bool_]) -> list[Box]:
    """Boxes around what has changed, (h, w), with what is near; ends are exclusive."""
    side = 2 * _AROUND_CELLS + 1
    near = cv2.dilate(changed.view(np.uint8), np.ones((side, side), np.uint8))
    _, _, parts, _ = cv2.connectedComponentsWithStats(near)
    height, width = changed.shape
    boxes = []
    for x, y, w, h in parts[1:, :4].tolist():  # the first is what is not near
        rim = round(_AROUND * max(w, h))
        box = max(0, x - rim), max(0, y - rim), min(width, x + w + rim), min(height, y + h + rim)
        boxes.append(box)
    return boxes


def _scaled(box: Box, scale: float) -> Window:
    left, top, right, bottom = (round(v * scale) for v in box)
    return slice(top, bottom), slice(left, right)


def _window(box: Box, scale: float) -> tuple[slice, slice]:
    rim = _HEAD * max(box[2] - box[0], box[3] - box[1])
    low = [max(0, int((v - rim) * scale)) for v in box[:2]]
    high = [max(0, int(np.ceil((v + rim) * scale)) + 1) for v in box[2:]]
    return slice(low[1], high[1]), slice(low[0], high[0])


def _iou(a: Box, b: Box) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0.0) * max(height, 0.0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return common / (areas - common)


@dataclass
class _Tile:
    """A part of the frame.

    Attributes:
        window: Its rows and columns.
        looked: The frame's small picture when it was looked at last, or None.
        number: Of that frame.
    """

    window: tuple[slice, slice]
    looked: NDArray[np.uint8] | None = None
    number: int = -1


class Tiles:
    """Looks at a large frame in full resolution, a tile at a time.

    Args:
        look: Finds faces in a part of a frame.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._tiles: list[_Tile] = []
        self._shape: tuple[int, ...] = ()

    def __call__(
        self, image: Image, small: NDArray[np.uint8], number: int, everywhere: bool, idle: bool
    ) -> list[Detection]:
        """Faces in the tiles whose turn it is.

        Args:
            image: (H, W, 3) uint8 RGB.
            small: See :func:`small_grey`.
            number: Of the frame.
            everywhere: It is the turn of all.
            idle: Nobody is followed, so there is time for one in every frame.
        """
        if image.shape != self._shape:
            self._shape = image.shape
            self._tiles = [_Tile(window) for window in tiles(image.shape)]
        turn = self._tiles if everywhere else []
        if not everywhere and self._tiles and (idle or number % _TILE_EVERY == 0):
            turn = [max(self._tiles, key=lambda tile: self._urgency(tile, small, number))]
        found = []
        for tile in turn:
            tile.looked, tile.number = small, number
            found += look_into(self._look, image, tile.window)
        return found

    def _urgency(self, tile: _Tile, small: NDArray[np.uint8], number: int) -> tuple[float, int]:
        """How much has changed in a tile since it was looked at, then for how long it was not."""
        if tile.looked is None or tile.looked.shape != small.shape:
            return 1.0, number - tile.number
        scale = small.shape[0] / self._shape[0]
        part = tuple(slice(int(s.start * scale), int(s.stop * scale) + 1) for s in tile.window)
        changed = changes(small[part], tile.looked[part])
        return round(float(changed.mean()), 2), number - tile.number


def tiles(shape_hw: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Windows that overlap and hold a whole frame; none where it is no larger than one."""
    if max(shape_hw[:2]) <= TILE_PX:
        return []
    rows, columns = (_spans(length) for length in shape_hw[:2])
    return [(row, column) for row in rows for column in columns]


def _spans(length: int) -> list[slice]:
    count = max(1, -(-(length - _OVERLAP_PX) // (TILE_PX - _OVERLAP_PX)))
    side = -(-(length + (count - 1) * _OVERLAP_PX) // count)
    starts = [i * (length - side) // max(count - 1, 1) for i in range(count)]
    return [slice(start, start + side) for start in starts]


def look_into(look: Look, image: Image, window: tuple[slice, slice]) -> list[Detection]:
    """Faces in a part of a frame, in its pixels, but for those that the part's edge cuts."""
    rows, columns = window
    part = np.ascontiguousarray(image[window])
    edges = [
        (columns.start > 0, rows.start > 0),
        (columns.stop < image.shape[1], rows.stop < image.shape[0]),
    ]
    found = []
    for detection in look(part):
        left, top, right, bottom = detection.box_xyxy
        cut = (left < 2 and edges[0][0]) or (top < 2 and edges[0][1])
        cut = cut or (right > part.shape[1] - 3 and edges[1][0])
        if not cut and not (bottom > part.shape[0] - 3 and edges[1][1]):
            found.append(moved(detection, columns.start, rows.start))
    return found


def joined(whole: Sequence[Detection], parts: Sequence[Detection]) -> list[Detection]:
    """What was seen in the whole frame and in its tiles, each face once."""
    return merge([*whole, *parts]) if parts else list(whole)
