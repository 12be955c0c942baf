"""What a detector is, and how boxes of one face are merged."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ..options import Device
from ..types import Box, Detection, Image


@dataclass(frozen=True)
class DetectorOptions:
    """Options that every detector understands.

    Attributes:
        min_score: Detections below are dropped; None is the detector's own default.
        min_face_px: Boxes whose longer side is shorter are dropped, in picture pixels.
        max_side_px: The picture is shrunk to this longer side for detection, which bounds time and
            memory; None lets the detector choose, see
            :class:`ganonymization.detect.multi_scale.MultiScale`.
        threads: Of one call; 0 takes every core. BlazeFace has its own.
        device: ``"cpu"`` or ``"cuda"``; None for the anonymizer's, or else the CPU. BlazeFace stays
            on the CPU.
        thorough: CenterFace looks enlarged, mirrored and turned, too: several times as long.

    Example:
        >>> large_ones = Anonymizer(detector_options=DetectorOptions(min_face_px=400), audit=False)
        >>> large_ones("portrait.jpg", seed=7)
        <Result: no face found, 512 x 512>
    """

    min_score: float | None = None
    min_face_px: float = 8.0
    max_side_px: int | None = None
    threads: int = 0
    device: Device | None = None
    thorough: bool = False


_SURE, _PART_AREAS = 0.4, 2.5
_SAME_EYES, _HELD, _LOOSER = 0.6, 0.85, 1.6
"""One face's, seen less well, is a box whose eyes are nearer to the best one's than this share of
their distance, that holds this share of the best box, and is no larger than so many times."""

_LOOSE = 0.125  # of a side: so far beyond the best box such a one is held


class Detector(Protocol):
    """Finds faces in a picture."""

    def __init__(self, options: DetectorOptions) -> None: ...

    def __call__(self, image: Image) -> list[Detection]:
        """Every face in an RGB uint8 (H, W, 3) picture, each once; see :func:`merge`."""
        ...


def large_enough(detections: Iterable[Detection], min_face_px: float) -> list[Detection]:
    """Those whose longer side is at least so long; to be asked before boxes are merged."""
    return [d for d in detections if d.side_px >= min_face_px]


def merge(
    detections: Iterable[Detection], min_iou: float = 0.35, min_inside: float = 0.75
) -> list[Detection]:
    """Merge boxes of one face into the best scored one, which lists them; largest first.

    Two boxes are of one face when they overlap by ``min_iou`` (intersection over union), or when
    ``min_inside`` of the smaller one lies in the other. A small box in a much larger one that is
    sure is a part of that face which was seen too near, however it is scored. Of a looser box with
    the same eyes as a sure one, what lies far beside that is hair, and is cut off.
    """
    kept: list[Detection] = []
    found = list(detections)
    sure = [d for d in found if d.score >= _SURE]

    def is_part(d: Detection) -> bool:
        return any(
            area(d.box_xyxy) * _PART_AREAS < area(whole.box_xyxy)
            and _same_face(whole.box_xyxy, d.box_xyxy, 1.0, min_inside)
            for whole in sure
        )

    for detection in sorted(found, key=lambda d: (is_part(d), -d.score, d.box_xyxy)):
        for i, best in enumerate(kept):
            if _same_face(best.box_xyxy, detection.box_xyxy, min_iou, min_inside):
                kept[i] = replace(
                    best, merged=(*best.merged, _trimmed(detection, best), *detection.merged)
                )
                break
        else:
            kept.append(detection)
    return sorted(kept, key=lambda d: (-area(d.box_xyxy), d.box_xyxy))


def with_boxes(found: Iterable[Detection], boxes: Iterable[Box]) -> list[Detection]:
    """Detections, largest first, then boxes that somebody drew over faces that were missed.

    So a box more changes the place of no other face.
    """
    drawn = list(boxes)
    # a detector's box knows its eyes: it leads
    faces = merge([*found, *(Detection(box, 0.0) for box in drawn)])
    added = sorted((d for d in faces if not d.score), key=lambda d: drawn.index(d.box_xyxy))
    return [d for d in faces if d.score] + [replace(d, score=1.0) for d in added]


def area(box: Box) -> float:
    """Area of a box in square pixels."""
    return (box[2] - box[0]) * (box[3] - box[1])


def _trimmed(detection: Detection, best: Detection) -> Box:
    """A looser box of a face, cut to what is near a sure one; others, maybe of two faces, whole."""
    whole = detection.box_xyxy
    if detection.eyes_px is None or best.eyes_px is None or best.score < _SURE:
        return whole
    eyes, better = np.array(detection.eyes_px), np.array(best.eyes_px)
    apart = np.linalg.norm(eyes.mean(0) - better.mean(0))
    same = bool(0 <= apart < _SAME_EYES * np.linalg.norm(better[1] - better[0]))
    held = _common(whole, best.box_xyxy) >= _HELD * area(best.box_xyxy)
    if not (same and held and area(whole) <= _LOOSER * area(best.box_xyxy)):
        return whole
    left, top, right, bottom = best.box_xyxy
    wide, high = _LOOSE * (right - left), _LOOSE * (bottom - top)
    x0, y0, x1, y1 = whole
    return (
        max(x0, left - wide), max(y0, top - high), min(x1, right + wide), min(y1, bottom + high)
    )  # fmt: skip


def _common(a: Box, b: Box) -> float:
    """Area of what two boxes share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)


def _same_face(a: Box, b: Box, min_iou: float, min_inside: float) -> bool:
    common = _common(a, b)
    if common <= 0:
        return False
    union = area(a) + area(b) - common
    return common >= min_iou * union or common >= min_inside * min(area(a), area(b))


def detect_turned(detector: Detector, image: Image) -> list[Detection]:
    """Detections in a picture; when there are none, in the picture turned by quarters.

    Args:
        detector: Any.
        image: (H, W, 3) uint8 RGB.

    Returns:
        The detections of the first direction that has any, in pixels of ``image``.
    """
    for quarters in range(4):
        turned = np.ascontiguousarray(np.rot90(image, quarters))
        if found := detector(turned):
            return [turned_back(d, quarters, (image.shape[0], image.shape[1])) for d in found]
    return []


def moved(detection: Detection, right: float, down: float) -> Detection:
    """A detection in a part of a picture, in pixels of the whole one."""
    eyes = detection.eyes_px

    def box(b: Box) -> Box:
        return b[0] + right, b[1] + down, b[2] + right, b[3] + down

    return Detection(
        box(detection.box_xyxy),
        detection.score,
        None
        if eyes is None
        else ((eyes[0][0] + right, eyes[0][1] + down), (eyes[1][0] + right, eyes[1][1] + down)),
        tuple(box(b) for b in detection.merged),
    )


def scaled(detection: Detection, scale: float) -> Detection:
    """A detection in a picture of another size, without its eyes."""
    left, top, right, bottom = (v * scale for v in detection.box_xyxy)
    return Detection((left, top, right, bottom), detection.score)


def mirrored_back(detection: Detection, width: int) -> Detection:
    """A detection in a mirrored picture of this width in pixels of the picture itself."""

    def box(b: Box) -> Box:
        return width - 1 - b[2], b[1], width - 1 - b[0], b[3]

    eyes = detection.eyes_px
    if eyes is not None:
        (ax, ay), (bx, by) = eyes
        eyes = (width - 1 - bx, by), (width - 1 - ax, ay)
    merged = tuple(box(b) for b in detection.merged)
    return Detection(box(detection.box_xyxy), detection.score, eyes, merged)


def turned_back(detection: Detection, quarters: int, shape_hw: tuple[int, int]) -> Detection:
    """A detection in ``np.rot90(image, quarters)`` in pixels of the image of this shape."""
    height, width = shape_hw

    def point(x: float, y: float) -> tuple[float, float]:
        back = {
            0: (x, y),
            1: (width - 1 - y, x),
            2: (width - 1 - x, height - 1 - y),
            3: (y, height - 1 - x),
        }
        return back[quarters]

    def box(b: Box) -> Box:
        (x0, y0), (x1, y1) = point(b[0], b[1]), point(b[2], b[3])
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    eyes = detection.eyes_px
    return Detection(
        box(detection.box_xyxy),
        detection.score,
        None if eyes is None else (point(*eyes[0]), point(*eyes[1])),
        tuple(box(b) for b in detection.merged),
    )
