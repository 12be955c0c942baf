"""Covers over faces: no pixel of an original face is left, whatever fails."""

from collections.abc import Callable, Sequence

import numpy as np

from ..geometry.wall import RING, Place, head_place
from ..types import Image
from .compositing import Canvas, covered_share
from .face_state import FaceState
from .fill import SOLID_RGB

Fill = Callable[[Image], Image]

_MIN_COVERED = 0.95  # of the ellipse within each box


def close_wall(canvas: Canvas, place: Place) -> None:
    """Cover what lies behind a wall, before any face is drawn."""
    window = place.window(canvas.image.shape, 1.0)
    canvas.image[window][place.radius(window) <= 1] = SOLID_RGB


def is_covered(canvas: Canvas, face: FaceState) -> bool:
    """Whether new pixels lie over every box of a face."""
    boxes = (face.detection.box_xyxy, *face.detection.merged)
    return min(covered_share(box, canvas.opaque) for box in boxes) >= _MIN_COVERED


def cover(
    canvas: Canvas, original: Image, face: FaceState, faces: Sequence[FaceState], fill: Fill
) -> None:
    """Fill a head's region, every box of the face, and its wall with the ring, hard-edged.

    Args:
        canvas: Changed there.
        original: (H, W, 3) uint8 RGB, which the fill is made of.
        face: To be covered.
        faces: All; what the others have behind their walls is hidden from the fill.
        fill: What covers it.
    """
    boxes = (face.detection.box_xyxy, *face.detection.merged)
    covers = [(head_place(face.detection, box), 1.0) for box in boxes]
    if face.place is not None:
        covers.append((face.place, RING))
    windows = [place.window(original.shape, radii) for place, radii in covers]
    rows, columns = (
        slice(min(w[axis].start for w in windows), max(w[axis].stop for w in windows))
        for axis in (0, 1)
    )
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    window = (rows, columns)
    inside = np.any([place.radius(window) <= radii for place, radii in covers], axis=0)
    visible = original[window].copy()
    for other in faces:
        if other is not face and other.place is not None:
            visible[other.place.radius(window) <= 1] = SOLID_RGB
    canvas.image[window][inside] = fill(visible)[inside]
    canvas.touched[window] |= inside
    canvas.opaque[window] |= inside
