"""Detail around a new face, as its surroundings have it.

Between the face and the wall the network draws hair and background at its own resolution, which
leaves a soft halo in a sharp picture. What the network cannot draw is borrowed: the finest detail
of what lies as far beyond the wall's edge, as in a mirror, where it has the same colour. So strands
and leaves go on, and skin borrows nothing from hair.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry.rasterisation import hull
from ..geometry.wall import GeneratorInput
from ..types import Image, Mask

_FINEST = 1 / 36  # of the crop's side: what is smooth over so much is the network's
_REACH = 1 / 9  # of the crop's side: farther behind the wall, nothing is borrowed
_MOST_LEVELS = 14.0  # that are borrowed: no edges, of a collar, say
_UNLIKE_LEVELS = 25.0  # colours that differ by less are the same, by twice as much another thing's
_MIRROR_PX = 96  # side of the crop in which the mirror is found
Plane = NDArray[np.float32]


def with_borrowed_detail(face: Image, inputs: GeneratorInput) -> Image:
    """A drawn face whose surroundings have the picture's detail, (S, S, 3) uint8 RGB.

    Before the wall the detail is the picture's own there.

    Args:
        face: (S, S, 3) uint8 RGB, in the tone of its surroundings.
        inputs: Of the face; only what is not behind the wall is read. Within the new face nothing
            is borrowed.
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
    x, y, away_px = _mirror(hidden, size / _MIRROR_PX)
    borrowed, lender = (
        cv2.remap(part, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        for part in (fine, mean)
    )
    own = np.ascontiguousarray(face[rows, columns])
    smooth = cv2.blur(own, (span, span))
    unlike = cv2.absdiff(smooth, lender).max(2) / np.float32(_UNLIKE_LEVELS)
    cover = hull(inputs.surrogate_px, size)[rows, columns]
    share = np.clip(1 - away_px / (size * _REACH), 0, 1) * (cover == 0)
    share *= np.clip(2 - unlike, 0, 1)
    more = cv2.merge([share] * 3) * np.clip(borrowed, -_MOST_LEVELS, _MOST_LEVELS)
    changed = cv2.add(own, more, dtype=cv2.CV_8U)
    before = cv2.add(smooth, fine, dtype=cv2.CV_8U)
    cv2.copyTo(before, (~hidden).view(np.uint8), changed)
    out = face.copy()
    out[rows, columns] = changed
    return out


def _mirror(hidden: Mask, scale: float) -> tuple[Plane, Plane, Plane]:
    """For each pixel behind the wall one as far before its edge, x and y, and how far that is."""
    height, width = hidden.shape
    small_wh = (max(2, round(width / scale)), max(2, round(height / scale)))
    small = cv2.resize(hidden.view(np.uint8), small_wh, interpolation=cv2.INTER_NEAREST)
    away, labels = cv2.distanceTransformWithLabels(
        small, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    seen_y, seen_x = np.nonzero(small == 0)
    of_label = np.zeros((int(labels.max()) + 1, 2), np.float32)
    of_label[labels[seen_y, seen_x]] = np.column_stack([seen_x, seen_y])
    nearest = of_label[labels]
    across, down = np.arange(small_wh[0]), np.arange(small_wh[1])[:, None]
    small_steps = np.dstack([nearest[..., 0] - across, nearest[..., 1] - down, away]) * scale
    steps: Plane = np.asarray(
        cv2.resize(small_steps.astype(np.float32), (width, height)), np.float32
    )  # bilinear
    x: Plane = np.arange(width, dtype=np.float32) + 2 * steps[..., 0]
    y: Plane = np.arange(height, dtype=np.float32)[:, None] + 2 * steps[..., 1]
    return x, y, steps[..., 2]


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
