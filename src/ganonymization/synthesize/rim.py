"""Detail and colour around a new face, as its surroundings have them.

Between the face and the wall the network draws hair and background at its own resolution, which
leaves a soft halo in a sharp picture. What the network cannot draw is borrowed: the finest detail
of what lies as far beyond the wall's edge, as in a mirror, where it has nearly the same colour, and
that colour itself. So strands, leaves and plain walls go on, and skin borrows nothing from hair.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry.rasterisation import hull
from ..geometry.wall import GeneratorInput, Wall
from ..types import Image, Mask

_FINEST = 1 / 36  # of the crop's side: what is smooth over so much is the network's
_REACH = 1 / 9  # of the crop's side: farther behind the wall, nothing is borrowed
_MOST_LEVELS = 14.0  # that are borrowed: no edges, of a collar, say
_UNLIKE_LEVELS = 25.0  # colours that differ by twice as much are another thing's: no detail
_SAME_LEVELS = 12.0  # likewise, of which even the colour is borrowed
_KNOWN = 0.25  # of the pixels that a colour is a mean of must be seen
_COARSE_PX = 256  # a crop of so many shows all that is smooth
_CELL_PX = 4  # of the crop: the mirror is known for each
_LEAST_RADIUS = 0.3  # of the wall's: nearer to its centre, nothing is borrowed
Plane = NDArray[np.float32]


def with_borrowed_detail(face: Image, inputs: GeneratorInput, wall: Wall) -> Image:
    """A drawn face whose surroundings have the picture's detail, (S, S, 3) uint8 RGB.

    Before the wall the detail is the picture's own there.

    Args:
        face: (S, S, 3) uint8 RGB, in the tone of its surroundings.
        inputs: Of the face; only what is not behind the wall is read. Within the new face nothing
            is borrowed.
        wall: Of the face, in crop pixels.
    """
    if inputs.wall_mask.all() or not inputs.wall_mask.any():
        return face
    size = len(face)
    step = 1 << max(0, (size // _COARSE_PX).bit_length() - 1)
    here = _window(inputs.wall_mask, size, max(step, _CELL_PX))
    context, own = (each[here].copy() for each in (inputs.context, face))
    visible = (~inputs.wall_mask[here]).view(np.uint8)
    uncovered = (hull(inputs.surrogate_px, size)[here] == 0).view(np.uint8)
    span = 2 * round(size / step * _FINEST / 2) + 1
    seen = _Nearby.of(context, visible, step, span)
    smooth = _Nearby.of(own, uncovered, step, span).mean()
    places, away_px = _mirror(wall, here)
    colour, share = _lent(seen, smooth, places, away_px / (size * _REACH), step)
    mean, whole_wh = seen.mean(), context.shape[1::-1]
    fine = cv2.subtract(context, _resized(mean, whole_wh), dtype=cv2.CV_32F)
    fine = cv2.bitwise_and(fine, fine, mask=visible)
    borrowed = np.clip(_at(_resized(places, whole_wh), fine), -_MOST_LEVELS, _MOST_LEVELS)
    more = _each(_resized(share, whole_wh)) * borrowed + _resized(colour, whole_wh)
    behind = cv2.add(own, more, dtype=cv2.CV_8U)
    met = _resized(smooth + _missed(smooth, mean), whole_wh)
    before = cv2.add(fine, met, dtype=cv2.CV_8U)
    out = face.copy()
    cv2.copyTo(behind, uncovered, own)
    cv2.copyTo(before, visible, own)
    out[here] = own
    return out


def _window(wall_mask: Mask, size: int, cell_px: int) -> tuple[slice, slice]:
    """Rows and columns of whole cells that hold the wall and as much beyond as is borrowed from."""
    left, top, width, height = cv2.boundingRect(wall_mask.view(np.uint8))
    margin, last = int(np.ceil(size * _REACH)), size // cell_px * cell_px

    def cells(start: int, stop: int) -> slice:
        low, high = max(0, start - margin), min(last, stop + margin)
        return slice(low // cell_px * cell_px, -(-high // cell_px) * cell_px)

    return cells(top, top + height), cells(left, left + width)


@dataclass(frozen=True)
class _Nearby:
    """Colours of the shown pixels nearby.

    Attributes:
        sums: (h, w, 3) their sum, of all pixels nearby that there are.
        known: (h, w) how many they are, likewise.
    """

    sums: Plane
    known: Plane

    @classmethod
    def of(cls, image: Image, shown: NDArray[np.uint8], step: int, span: int) -> "_Nearby":
        """Of an image, (H, W, 3), where (H, W) is 1; at every ``step``, over ``span`` of these."""
        size = image.shape[1] // step, image.shape[0] // step
        layers = cv2.bitwise_and(image, image, mask=shown), shown * np.uint8(255)
        sums, known = (
            cv2.boxFilter(
                cv2.resize(each, size, interpolation=cv2.INTER_AREA), cv2.CV_32F, (span, span)
            )
            for each in layers
        )
        return cls(np.asarray(sums, np.float32), np.asarray(known / 255, np.float32))

    def at(self, xy: Plane) -> "_Nearby":
        """The same at other places, (h, w, 2)."""
        return _Nearby(_at(xy, self.sums), _at(xy, self.known))

    def mean(self) -> Plane:
        """Their mean colour, (h, w, 3); 0 where there is none."""
        share = np.maximum(self.known, 1e-3)[..., None]
        return np.asarray(self.sums / share, np.float32)


def _lent(
    seen: _Nearby, smooth: Plane, places: Plane, away: Plane, step: int
) -> tuple[Plane, Plane]:
    """What the mirror lends.

    Args:
        seen: Of the picture.
        smooth: (h, w, 3) of the drawing.
        places: Of the mirror, in crop pixels.
        away: How far it is, of the farthest that lends.
        step: Crop pixels from one to the next of ``seen``.

    Returns:
        (h, w, 3) what is added of the colour, and (h, w) the share of the detail.
    """
    size_wh = smooth.shape[1::-1]
    xy = (_resized(places, size_wh) + np.float32(0.5)) / np.float32(step) - np.float32(0.5)
    lender = seen.at(xy)
    mean = lender.mean()
    near = np.clip(1 - _resized(away, size_wh), 0, 1) * (lender.known > _KNOWN)
    share = near * np.clip(2 - _unlike(smooth, mean) / np.float32(_UNLIKE_LEVELS), 0, 1)
    return _each(near) * _missed(smooth, mean), np.asarray(share, np.float32)


def _missed(drawn: Plane, wanted: Plane) -> Plane:
    """What a smooth drawing lacks of a colour that is nearly its own, (h, w, 3)."""
    same = np.clip(2 - _unlike(wanted, drawn) / np.float32(_SAME_LEVELS), 0, 1)
    return np.asarray(_each(same) * (wanted - drawn), np.float32)


def _unlike(first: Plane, second: Plane) -> Plane:
    """By how many levels two smooth pictures differ, (h, w)."""
    red, green, blue = cv2.split(cv2.absdiff(first, second))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.float32)


def _each(share: Plane) -> Plane:
    """For red, green and blue, (H, W, 3)."""
    return np.asarray(cv2.merge([share.astype(np.float32)] * 3), np.float32)


def _at(xy: Plane, layer: NDArray[Any]) -> Plane:
    """What of a layer is at each place, (h, w, 2); 0 outside of it."""
    x, y = cv2.split(xy)
    return np.asarray(cv2.remap(layer, x, y, cv2.INTER_LINEAR), np.float32)


def _resized(coarse: Plane, size_wh: tuple[int, ...]) -> Plane:
    return np.asarray(cv2.resize(coarse, size_wh, interpolation=cv2.INTER_LINEAR), np.float32)


def _mirror(wall: Wall, here: tuple[slice, slice]) -> tuple[Plane, Plane]:
    """Where in a window each cell is mirrored at the wall's edge, and how far it is from the edge.

    Along the ray from the wall's centre, which bends no strand as a nearest pixel would. What is
    before the wall is where it is.

    Returns:
        (h, w, 2) x and y, and (h, w), in crop pixels.
    """
    down, right = (
        np.arange(each.start, each.stop, _CELL_PX, dtype=np.float32) + (_CELL_PX - 1) / 2
        for each in here
    )
    x, y = np.meshgrid(right, down)
    radius = wall.radius(x, y)
    inwards = np.maximum(1 - radius, 0)
    behind = inwards / np.maximum(radius, _LEAST_RADIUS)
    aside, below = behind * (x - wall.centre_xy[0]), behind * (y - wall.centre_xy[1])
    away = np.maximum(np.hypot(aside, below), inwards * min(wall.half_wh))
    places = np.dstack([x + 2 * aside - here[1].start, y + 2 * below - here[0].start])
    return places.astype(np.float32), away.astype(np.float32)
