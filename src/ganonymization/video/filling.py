"""What a later frame tells of those that wait: a face is followed back, and gaps are covered."""

from collections.abc import Callable

import numpy as np

from ..types import Box
from .sightings import Motion, Sighting, Values

_TAIL = 2  # frames before a face was first seen that are covered, too
_GAP = 8  # frames in which nothing is seen end the way back
_MOST_GROWN = 0.5  # of its longer side
_GROWN = 0.5  # of the way that a face goes in a frame, on every side

See = Callable[[int, Sighting, Motion], Sighting | None]
"""A face in a frame that waits, by its sighting in the next one and what it should have done."""


def followed_back(
    first: Sighting, frames: int, see: See, taken: Callable[[int, Box], bool]
) -> dict[int, Sighting]:
    """Where a face was before it was seen.

    Args:
        first: Where it was seen.
        frames: That wait, and may be gone back.
        see: Looks for it in the n-th frame back, 1 and on.
        taken: Whether another track covers it in the n-th frame back.

    Returns:
        Sightings by how far back; those in between are interpolated.
    """
    found: dict[int, Sighting] = {}
    last, motion, seen_at = first, Motion.none(), 0
    for back in range(1, frames + 1):
        if back - seen_at > _GAP or taken(back, last.box_xyxy):
            break
        sighting = see(back, last, motion)
        if sighting is None:
            continue
        motion = motion if back - seen_at > 1 else Motion.between(last, sighting)
        found |= between(last, sighting, back - seen_at, seen_at) | {back: sighting}
        last, seen_at = sighting, back
    return found


def tail(first: Sighting, motion: Motion) -> dict[int, Sighting]:
    """Covers for the frames before the first one in which a face was seen, by how far back.

    Args:
        first: Its first sighting.
        motion: What it did from the frame after to that one.
    """
    speed_px = float(np.linalg.norm(motion.step_px))
    return {
        k: _grown(first.box_xyxy + np.tile(k * motion.step_px, 2), _GROWN * speed_px * k, first)
        for k in range(1, _TAIL + 1)
    }


def held(expected: Sighting, away_px: float) -> Sighting:
    """A cover where a lost face should be.

    Args:
        expected: Where that is.
        away_px: How far it may have gone from there.
    """
    return _grown(np.array(expected.box_xyxy), _GROWN * away_px, expected)


def between(a: Sighting, b: Sighting, frames: int, offset: int = 0) -> dict[int, Sighting]:
    """Covers for the frames between two sightings of a face that lie so many frames apart.

    Args:
        a: The one.
        b: The other, in frame ``offset + frames``.
        frames: From one to the other.
        offset: Number of the first one's frame.
    """
    way = np.array(b.box_xyxy) - np.array(a.box_xyxy)
    rim_px = _GROWN * float(np.linalg.norm(b.centre_px - a.centre_px)) / frames
    return {
        offset + k: _grown(np.array(a.box_xyxy) + way * k / frames, rim_px, b)
        for k in range(1, frames)
    }


def _grown(box: Values, rim_px: float, of: Sighting) -> Sighting:
    """A cover with a rim, which is at most half a face wide."""
    rim_px = min(rim_px, _MOST_GROWN * of.side_px)
    left, top, right, bottom = (box + np.array([-1, -1, 1, 1]) * rim_px).tolist()
    return Sighting((left, top, right, bottom), None, of.score)
