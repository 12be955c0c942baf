"""What was asked for of a video's frames, by the times at which they are shown."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from ..pipeline import Anonymizer
from ..types import Box
from .added_boxes import AddedBox
from .audit import FrameAudit
from .exclusions import Region, Regions
from .frames import Anonymized

_INSTANT_S = 1e-6


def regions_at(
    ignored: Sequence[Region], only: Sequence[Region], time_base: Fraction
) -> Regions | None:
    """Where faces stay, if anywhere."""
    if not (ignored or only):
        return None
    return Regions(ignored, only, lambda frame: float(frame.payload * time_base))


def boxes_at(added: Sequence[AddedBox], time_base: Fraction) -> Callable[[int], list[Box]]:
    """The boxes that were drawn over a frame, by its time."""

    def at(pts: int) -> list[Box]:
        time_s = float(pts * time_base) + _INSTANT_S
        return [box.box_xyxy for box in added if box.is_at(time_s)]

    return at


def audited(
    frames: Iterator[Anonymized[int]],
    anonymizer: Anonymizer,
    regions: Regions | None,
    time_base: Fraction,
) -> Iterator[Anonymized[int]]:
    """The frames, searched once more if that was asked for; portraits show nothing to search."""
    if not anonymizer.audits or anonymizer.mode != "scene":
        return frames

    def stays(box: Box, pts: int) -> bool:
        return regions is not None and regions.reason(box, float(pts * time_base)) is not None

    return FrameAudit(anonymizer, stays)(frames)
