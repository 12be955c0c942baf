"""Detail and colour around a new face, as its surroundings have them.

Between the face and the wall the network draws hair and background at its own resolution, which
leaves a soft halo in a sharp picture. What the network cannot draw is borrowed: the finest detail
of what lies as far beyond the wall's edge, as in a mirror, where it has nearly the same colour, and
that colour itself. So strands, leaves and plain walls go on, and skin borrows nothing from hair.
"""

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
_COARSE = 4  # pixels: where the mirror shows what is smooth
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
    left, top, width, height = cv2.boundingRect(inputs.wall_mask.view(np.uint8))
    margin = int(np.ceil(size * _REACH))
    rows = slice(max(0, top - margin), min(size, top + height + margin))
    columns = slice(max(0, left - margin), min(size, left + width + margin))
    hidden = np.ascontiguousarray(inputs.wall_mask[rows, columns])
    span = 2 * round(size * _FINEST / 2) + 1
    fine, mean, known = _parted(inputs.context[rows, columns], hidden, span)
    x, y, away_px = _mirror(wall, rows, columns)
    borrowed = cv2.remap(fine, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    lender = np.asarray(
        cv2.remap(mean, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.uint8
    )
    own = np.ascontiguousarray(face[rows, columns])
    cover = hull(inputs.surrogate_px, size)[rows, columns]
    _, smooth, _ = _parted(own, cover > 0, span)
    lends = cv2.remap(known, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    share = np.clip(1 - away_px / (size * _REACH), 0, 1) * ((cover == 0) & (lends > _KNOWN))
    detail = np.clip(borrowed, -_MOST_LEVELS, _MOST_LEVELS)
    unlike = _unlike(smooth, lender)
    more = _each(share * np.clip(2 - unlike / np.float32(_UNLIKE_LEVELS), 0, 1)) * detail
    more += _each(share) * _missed(smooth, lender, unlike)
    behind = cv2.add(own, more, dtype=cv2.CV_8U)
    before = cv2.add(smooth, fine + _missed(smooth, mean, _unlike(smooth, mean)), dtype=cv2.CV_8U)
    cv2.copyTo(before, (~hidden).view(np.uint8), behind)
    out = face.copy()
    out[rows, columns] = behind
    return out


def _missed(drawn: Image, wanted: Image, unlike: Plane) -> Plane:
    """What a smooth drawing lacks of a colour that is nearly its own, (H, W, 3)."""
    gap = np.asarray(cv2.subtract(wanted, drawn, dtype=cv2.CV_32F), np.float32)
    return _each(np.clip(2 - unlike / np.float32(_SAME_LEVELS), 0, 1)) * gap


def _unlike(first: Image, second: Image) -> Plane:
    """By how many levels two smooth pictures differ, (H, W)."""
    red, green, blue = cv2.split(cv2.absdiff(first, second))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.float32)


def _each(share: Plane) -> Plane:
    """For red, green and blue, (H, W, 3)."""
    return np.asarray(cv2.merge([share.astype(np.float32)] * 3), np.float32)


def _mirror(wall: Wall, rows: slice, columns: slice) -> tuple[Plane, Plane, Plane]:
    """For each pixel behind the wall one as far before its edge, x and y in a window, and how far.

    Along the ray from the wall's centre, which bends no strand as a nearest pixel would.
    """
    height, width = rows.stop - rows.start, columns.stop - columns.start
    across, down = (
        start + (np.arange(span // _COARSE + 2, dtype=np.float32) * _COARSE)
        for start, span in ((columns.start, width), (rows.start, height))
    )
    radius = wall.radius(across[None, :], down[:, None]).astype(np.float32)
    inwards = np.maximum(1 - radius, 0)
    behind = inwards / np.maximum(radius, _LEAST_RADIUS)
    right = behind * (across[None, :] - np.float32(wall.centre_xy[0]))
    below = behind * (down[:, None] - np.float32(wall.centre_xy[1]))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    coarse = cv2.merge([right, below, inwards * np.float32(min(wall.half_wh))])
    right, below, inwards = cv2.split(
        cv2.remap(
            coarse, x / _COARSE, y / _COARSE, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    )
    away: Plane = np.asarray(np.maximum(cv2.magnitude(right, below), inwards), np.float32)
    return x + 2 * right, y + 2 * below, away


def _parted(context: Image, hidden: Mask, span: int) -> tuple[Plane, Image, Plane]:
    """What visible pixels have beside the mean of those nearby, that mean, and how many are.

    The first is 0 behind the wall, the last a share of those nearby.
    """
    visible = (~hidden).view(np.uint8)
    shown = cv2.bitwise_and(context, context, mask=visible)
    known = np.asarray(cv2.blur(visible.astype(np.float32), (span, span)), np.float32)
    share = cv2.merge([np.maximum(known, 1e-3)] * 3)
    sums = cv2.blur(shown.astype(np.float32), (span, span))
    mean = np.asarray(cv2.divide(sums, share, dtype=cv2.CV_8U), np.uint8)
    fine = cv2.subtract(shown, mean, dtype=cv2.CV_32F)
    return np.asarray(cv2.bitwise_and(fine, fine, mask=visible), np.float32), mean, known
