"""Detail and colour around a new face, as its surroundings have them.

Between the face and the wall the network draws hair and background at its own resolution, which
leaves a soft halo in a sharp picture. What the network cannot draw is borrowed: the finest detail
of what lies as far beyond the wall's edge, as in a mirror, where it has nearly the same colour, and
that colour itself. So strands, leaves and plain walls go on, and skin borrows nothing from hair.
"""

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
_COARSE_PX, _CELL = 256, 4  # a crop of so many shows all that is smooth, a mirror at every cell
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
    step = max(1, size // _COARSE_PX)
    here = _window(inputs.wall_mask, size, step * _CELL)
    context, own = (each[here].copy() for each in (inputs.context, face))
    visible = (~inputs.wall_mask[here]).view(np.uint8)
    around = (hull(inputs.surrogate_px, size)[here] == 0).view(np.uint8)
    span = 2 * round(size / step * _FINEST / 2) + 1
    mean, known = _mean(context, visible, step, span)
    smooth, _ = _mean(own, around, step, span)
    places, away_px = _mirror(wall, here, step * _CELL)
    more, share = _lent(mean, known, smooth, places, away_px / (size * _REACH), step)

    def whole(coarse: Plane) -> Plane:
        return _resized(coarse, context.shape[1::-1])

    fine = cv2.subtract(context, whole(mean), dtype=cv2.CV_32F)
    fine = cv2.bitwise_and(fine, fine, mask=visible)
    borrowed = _at(whole(places), fine)
    detail = cv2.multiply(np.clip(borrowed, -_MOST_LEVELS, _MOST_LEVELS), _each(whole(share)))
    behind = cv2.add(own, cv2.add(detail, whole(more)), dtype=cv2.CV_8U)
    before = cv2.add(fine, whole(smooth + _missed(smooth, mean)), dtype=cv2.CV_8U)
    out = face.copy()
    cv2.copyTo(behind, around, own)
    cv2.copyTo(before, visible, own)
    out[here] = own
    return out


def _window(wall_mask: Mask, size: int, cell_px: int) -> tuple[slice, slice]:
    """Rows and columns of whole cells that hold the wall and what lies as far before it."""
    left, top, width, height = cv2.boundingRect(wall_mask.view(np.uint8))
    margin, last = int(np.ceil(size * _REACH)), size // cell_px * cell_px

    def around(start: int, stop: int) -> slice:
        low, high = max(0, start - margin), min(last, stop + margin)
        return slice(low // cell_px * cell_px, -(-high // cell_px) * cell_px)

    return around(top, top + height), around(left, left + width)


def _mean(image: Image, shown: NDArray[np.uint8], step: int, span: int) -> tuple[Plane, Plane]:
    """The mean colour of shown pixels nearby, (h, w, 3), and what share of those nearby is shown.

    Args:
        image: (H, W, 3) uint8 RGB.
        shown: (H, W) 1 or 0.
        step: Pixels between two of the result.
        span: Of what is nearby, in pixels of the result.
    """
    size = image.shape[1] // step, image.shape[0] // step
    layers = cv2.bitwise_and(image, image, mask=shown), shown * np.uint8(255)
    sums, known = (
        cv2.boxFilter(
            cv2.resize(each, size, interpolation=cv2.INTER_AREA), cv2.CV_32F, (span, span)
        )
        for each in layers
    )
    share = np.asarray(known / 255, np.float32)
    return np.asarray(sums / np.maximum(share, 1e-3)[..., None], np.float32), share


def _lent(
    mean: Plane, known: Plane, smooth: Plane, places: Plane, away: Plane, step: int
) -> tuple[Plane, Plane]:
    """The colour that is borrowed, (h, w, 3), and the share of the detail that is, (h, w)."""
    size = mean.shape[1::-1]
    xy = (_resized(places, size) + np.float32(0.5)) / np.float32(step) - np.float32(0.5)
    lender, lends = (_at(xy, each) for each in (mean, known))
    near = np.clip(1 - _resized(away, size), 0, 1) * (lends > _KNOWN)
    share = near * np.clip(2 - _unlike(smooth, lender) / np.float32(_UNLIKE_LEVELS), 0, 1)
    return _each(near) * _missed(smooth, lender), np.asarray(share, np.float32)


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
    return np.asarray(cv2.remap(layer, xy, np.empty(0), cv2.INTER_LINEAR), np.float32)


def _resized(coarse: Plane, size_wh: tuple[int, ...]) -> Plane:
    return np.asarray(cv2.resize(coarse, size_wh, interpolation=cv2.INTER_LINEAR), np.float32)


def _mirror(wall: Wall, here: tuple[slice, slice], cell_px: int) -> tuple[Plane, Plane]:
    """Where in a window each cell is mirrored at the wall's edge, and how far from it that is.

    Along the ray from the wall's centre, which bends no strand as a nearest pixel would. What is
    before the wall is where it is.

    Returns:
        (h, w, 2) x and y, and (h, w), in pixels.
    """
    down, right = (
        np.arange(each.start, each.stop, cell_px, dtype=np.float32) + (cell_px - 1) / 2
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
