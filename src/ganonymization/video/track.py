"""One face on its way through the frames: where it was, and where it should be."""

from dataclasses import dataclass, field, replace

import numpy as np

from ..types import Box, Detection
from . import spotting
from .sightings import Motion, Sighting, holds, may_have_come_to, same_face

_SLOWS, _FORGETS = 0.7, 0.8  # by frame: motion of a lost face; the fastest motion seen
_REACH, _FARTHEST = 1.6, 3.5  # sides of a lost face's box that it may be away, and at most


@dataclass
class Track:
    """A face on its way.

    Attributes:
        number: Of the track.
        last: Where it was seen last.
        expected: Where it should be now; the same as ``last`` where it was seen in this frame.
        motion: What it does from frame to frame.
        missed: Frames since it was seen; 0 where it is seen in this one.
        speed_px: The fastest that it moved lately, or was away from where it was expected.
        surprise_px: How far from there it was last.
        frames_seen: Since it began, in which it was seen.
        came_at: Number of the first frame in which it is seen.
    """

    number: int
    last: Sighting
    expected: Sighting
    motion: Motion = field(default_factory=Motion.none)
    missed: int = 0
    speed_px: float = 0.0
    surprise_px: float = 0.0
    frames_seen: int = 1
    came_at: int = 0

    def found(self, sighting: Sighting) -> None:
        """It was seen again."""
        motion = Motion.between(self.last, sighting)
        expected = self.expected if self.missed else self._next
        self.surprise_px = float(np.linalg.norm(sighting.centre_px - expected.centre_px))
        self.motion = replace(motion, step_px=motion.step_px / max(self.missed, 1))
        fastest = max(float(np.linalg.norm(self.motion.step_px)), self.surprise_px)
        self.speed_px = max(fastest, _FORGETS * self.speed_px)
        self.last = self.expected = sighting
        self.missed, self.frames_seen = 0, self.frames_seen + 1

    def moves_on(self) -> None:
        """A frame in which it is not seen yet."""
        self.expected = self._next
        slower = Motion(_SLOWS * self.motion.step_px, _SLOWS * self.motion.turn_rad)
        self.motion, self.missed = slower, self.missed + 1

    @property
    def _next(self) -> Sighting:
        return spotting.expected_next(self.expected, self.motion)

    @property
    def reach_px(self) -> float:
        """How far a lost face may be from where it should be."""
        side_px = self.last.side_px
        reach_px = _REACH * side_px + self.speed_px * self.missed
        return min(reach_px, _FARTHEST * side_px)

    def may_be(self, detection: Detection) -> bool:
        """Whether a detection may be of this face."""
        box = self.expected.box_xyxy
        if not self.missed:
            return holds(box, detection.box_xyxy)
        near = same_face(detection.box_xyxy, box)
        return near or may_have_come_to(box, detection.box_xyxy, self.reach_px)

    def is_hidden_by(self, seen: dict[int, Sighting], box: Box) -> bool:
        """Whether another track's face has most of a box in a frame."""
        return any(holds(s.box_xyxy, box) for n, s in seen.items() if n != self.number)
