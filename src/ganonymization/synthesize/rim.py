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
_UNLIKE_LEVELS = 25.0  # colours that differ by less are the same, by twice as much another thing's
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
    fine, mean = _parted(inputs.context[rows, columns], hidden, span)
    x, y, away_px = _mirror(wall, rows, columns)
    borrowed, lender = (
        cv2.remap(part, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        for part in (fine, mean)
    )
    own = np.ascontiguousarray(face[rows, columns])
    cover = hull(inputs.surrogate_px, size)[rows, columns]
    _, smooth = _parted(own, cover > 0, span)
    share = np.clip(1 - away_px / (size * _REACH), 0, 1) * (cover == 0)
    behind = _nearer(own, smooth, lender, borrowed, share)
    seen = (~hidden).view(np.uint8)
    before = _nearer(smooth, smooth, mean, np.zeros_like(fine), np.ones_like(share))
    cv2.copyTo(cv2.add(before, fine, dtype=cv2.CV_8U), seen, behind)
    out = face.copy()
    out[rows, columns] = behind
    return out


def _nearer(own: Image, smooth: Image, lender: Image, borrowed: Plane, share: Plane) -> Image:
    """A drawing in the colour of what is alike, and with its detail, as far as ``share`` says."""
    unlike = cv2.absdiff(smooth, lender).max(2) / np.float32(_UNLIKE_LEVELS)
    more = np.clip(borrowed, -_MOST_LEVELS, _MOST_LEVELS)
    more += cv2.subtract(lender, smooth, dtype=cv2.CV_32F)
    more *= cv2.merge([share * np.clip(2 - unlike, 0, 1)] * 3)
    return np.asarray(cv2.add(own, more, dtype=cv2.CV_8U), np.uint8)


def _mirror(wall: Wall, rows: slice, columns: slice) -> tuple[Plane, Plane, Plane]:
    """For each pixel behind the wall one as far before its edge, x and y in a window, and how far.

    Along the ray from the wall's centre, which bends no strand as a nearest pixel would.
    """
    across = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :]
    down = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
    radius = wall.radius(across, down).astype(np.float32)
    behind = np.maximum(1 - radius, 0) / np.maximum(radius, _LEAST_RADIUS)
    right, below = across - np.float32(wall.centre_xy[0]), down - np.float32(wall.centre_xy[1])
    x: Plane = across - columns.start + 2 * behind * right
    y: Plane = down - rows.start + 2 * behind * below
    return x, y, behind * np.hypot(right, below)


def _parted(context: Image, hidden: Mask, span: int) -> tuple[Plane, Image]:
    """What visible pixels have beside the mean of those nearby, 0 behind the wall; and the mean."""
    visible = (~hidden).view(np.uint8)
    shown = cv2.bitwise_and(context, context, mask=visible)
    share = np.maximum(cv2.blur(visible.astype(np.float32), (span, span)), 1e-3)
    mean = cv2.divide(cv2.blur(shown, (span, span)), cv2.merge([share] * 3), dtype=cv2.CV_8U)
    fine = cv2.subtract(shown, mean, dtype=cv2.CV_32F)
    return np.asarray(cv2.bitwise_and(fine, fine, mask=visible), np.float32), np.asarray(
        mean, np.uint8
    )
