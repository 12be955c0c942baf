"""Frames that wait until it is known what later ones tell of them."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, TypeVar

from ..types import Box, Image
from . import filling
from .sightings import Motion, Sighting
from .track import Track

Payload = TypeVar("Payload")


@dataclass
class Frame(Generic[Payload]):
    """A frame and what is known of its faces.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        payload: Whatever the caller wants back with it.
        number: From 0 on.
        seen: Sightings by track.
        starts_shot: The first frame after a cut.
    """

    image: Image
    payload: Payload
    number: int = 0
    seen: dict[int, Sighting] = field(default_factory=dict)
    starts_shot: bool = False


class Waiting(Generic[Payload]):
    """The newest frame and those before it.

    Args:
        see: Looks for a face in a frame, by its sighting in the next one and what it should have
            done in between.
    """

    def __init__(self, see: Callable[[Image, Sighting, Motion], Sighting | None]) -> None:
        self._frames: deque[Frame[Payload]] = deque()
        self._see = see

    def append(self, frame: Frame[Payload]) -> None:
        """The newest frame."""
        self._frames.append(frame)

    def done(self, most: int) -> list[Frame[Payload]]:
        """The oldest frames, so that so many are left."""
        return [self._frames.popleft() for _ in range(max(0, len(self._frames) - most))]

    def follow_back(self, track: Track) -> None:
        """See a new face in the frames before, up to where it came in."""
        frames = self._before(len(self._frames))
        back = self._seen_back(track, frames)
        self._write(track, frames, back)
        track.came_at = self._frames[-1].number - max(back, default=0)
        self.cover_tail(track)

    def close_gap(self, track: Track, before: Sighting, missed: int) -> None:
        """Cover a face, or draw it, in the frames in which it was lost.

        Args:
            track: It was found in the newest frame.
            before: Where it was seen before.
            missed: Frames in between.
        """
        frames = self._before(missed)
        back = self._seen_back(track, frames)
        seen_at = max(back, default=0)
        first = back.get(seen_at, track.last)
        gap = filling.between(first, before, missed + 1 - seen_at, seen_at)
        self._write(track, frames, gap | back)

    def cover_tail(self, track: Track) -> None:
        """Cover a face in the frames before the first one in which it was seen."""
        frames = {frame.number: frame for frame in (self._frames[-1], *self._before())}
        first, after = (
            frames[number].seen.get(track.number) if number in frames else None
            for number in (track.came_at, track.came_at + 1)
        )
        if first is None:
            return
        motion = Motion.none() if after is None else Motion.between(after, first)
        for n, cover in filling.tail(first, motion).items():
            frame = frames.get(track.came_at - n)
            if frame is None or track.is_hidden_by(frame.seen, first.box_xyxy):
                return
            frame.seen[track.number] = cover

    def _before(self, most: int | None = None) -> list[Frame[Payload]]:
        """Frames of this shot before the newest one, from there back."""
        frames: list[Frame[Payload]] = []
        for after, frame in pairwise(reversed(self._frames)):
            if after.starts_shot or len(frames) == most:
                break
            frames.append(frame)
        return frames

    def _seen_back(self, track: Track, frames: list[Frame[Payload]]) -> dict[int, Sighting]:
        def see(back: int, last: Sighting, motion: Motion) -> Sighting | None:
            return self._see(frames[back - 1].image, last, motion)

        def taken(back: int, box: Box) -> bool:
            return track.is_hidden_by(frames[back - 1].seen, box)

        return filling.followed_back(track.last, len(frames), see, taken)

    def _write(self, track: Track, frames: list[Frame[Payload]], back: dict[int, Sighting]) -> None:
        """Tell frames what was seen in the n-th of them."""
        for n, frame in enumerate(frames, start=1):
            if n in back:
                frame.seen[track.number] = back[n]
