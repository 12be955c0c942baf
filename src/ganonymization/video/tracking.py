"""Follows faces through the frames of a video, and fills gaps both ways.

Frames wait in a buffer before they are handed on, so that what is seen later tells what an earlier
frame showed: a face that is first detected in frame 13 is followed back to where it came in, and
one that was lost for some frames is covered in all of them. A cut ends every track.

A face that is lost is looked for in every frame until it is found or gone, and its cover grows by
the motion that was seen of it.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Generic, TypeVar

import cv2
import numpy as np

from ..errors import FaceError
from ..landmarks.base import Landmarker
from ..landmarks.search import find_landmarks
from ..types import Box, Detection, Image
from . import filling, spotting
from .sightings import (
    Motion,
    Sighting,
    Values,
    centre_gap,
    follow,
    holds,
    may_have_come_to,
    one_face,
    same_face,
)  # fmt: skip
from .watching import Look, Tiles, Watch, joined, small_grey

Payload = TypeVar("Payload")

LOOK_AHEAD = 12  # frames
_DETECT_EVERY = 8  # frames; fewer than wait, so that what comes in is followed back
_HOLD = 12  # frames for which a lost face stays covered where it should be
_SLOWS, _FORGETS = 0.7, 0.8  # by frame: motion of a lost face; the fastest motion seen
_REACH, _FARTHEST = 1.0, 3.0  # sides of a lost face's box that it may be away, and at most
_CUT = 0.22  # mean difference of small grey pictures, of full scale
_SMALL_WH, _SPARSE = (32, 18), 4


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


@dataclass
class _Track:
    """A face on its way.

    Attributes:
        number: Of the track.
        last: Where it was seen last.
        expected: Where it should be now; the same as ``last`` where it was seen in this frame.
        motion: What it does from frame to frame.
        missed: Frames since it was seen.
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
        self.surprise_px = float(np.linalg.norm(sighting.centre_px - self.expected.centre_px))
        self.motion = replace(motion, step_px=motion.step_px / (self.missed + 1))
        fastest = max(float(np.linalg.norm(self.motion.step_px)), self.surprise_px)
        self.speed_px = max(fastest, _FORGETS * self.speed_px)
        self.last = self.expected = sighting
        self.missed, self.frames_seen = 0, self.frames_seen + 1

    def moves_on(self) -> None:
        """A frame in which it is not seen."""
        self.expected = spotting.expected_next(self.expected, self.motion)
        slower = Motion(_SLOWS * self.motion.step_px, _SLOWS * self.motion.turn_rad)
        self.motion, self.missed = slower, self.missed + 1

    @property
    def reach_px(self) -> float:
        """How far from where it should be next a lost face may be."""
        side_px = self.last.side_px
        reach_px = _REACH * side_px + self.speed_px * (self.missed + 1)
        return min(reach_px, _FARTHEST * side_px)


class Tracker(Generic[Payload]):
    """Takes frames in order and hands them on later, with their faces.

    Args:
        detect: Finds faces in a frame, which it gets with its number.
        landmarker: Finds landmarks in a crop.
        look_ahead: Frames that wait.
        detect_every: Frames from one detection to the next, where nothing changes.
        look: Finds faces in any picture: in parts of a frame, in full resolution; None looks at
            whole frames alone.
        everywhere: Look at all of every frame.
    """

    def __init__(
        self,
        detect: Callable[[Image, int], list[Detection]],
        landmarker: Landmarker,
        look_ahead: int = LOOK_AHEAD,
        detect_every: int = _DETECT_EVERY,
        look: Look | None = None,
        everywhere: bool = False,
    ) -> None:
        self._detect, self._landmarker, self._near = detect, landmarker, look
        self._look_ahead, self._every, self._everywhere = look_ahead, detect_every, everywhere
        self._watch, self._tiles = Watch(), None if look is None else Tiles(look)
        self._frames: deque[Frame[Payload]] = deque()
        self._tracks: list[_Track] = []
        self._count = self._born = 0
        self._grey: Values | None = None

    def feed(self, image: Image, payload: Payload) -> list[Frame[Payload]]:
        """Take a frame.

        Returns:
            Frames that are done, in order.
        """
        frame = Frame(image, payload, self._count, starts_shot=self._is_cut(image))
        self._frames.append(frame)
        if frame.starts_shot:
            self._tracks.clear()
        lost = [track for track in self._tracks if not self._follow(frame, track)]
        lost += self._let_go_of_doubles(frame)
        self._look(frame, lost)
        for track in lost:
            self._hold(frame, track)
        self._count += 1
        done = []
        while len(self._frames) > self._look_ahead:
            done.append(self._frames.popleft())
        return done

    def finish(self) -> list[Frame[Payload]]:
        """The frames that still wait."""
        done = list(self._frames)
        self._frames.clear()
        return done

    def _is_cut(self, image: Image) -> bool:
        sparse = np.ascontiguousarray(image[::_SPARSE, ::_SPARSE])  # enough to tell a cut, and fast
        small = cv2.resize(sparse, _SMALL_WH, interpolation=cv2.INTER_AREA)
        grey = small.astype(np.float64).mean(-1) / 255
        before, self._grey = self._grey, grey
        return before is None or float(np.abs(grey - before).mean()) > _CUT

    def _follow(self, frame: Frame[Payload], track: _Track) -> bool:
        """See a track's face again near where it should be, or where it was."""
        if track.missed:
            return False
        sighting = self._beside(frame.image, track.last, track.motion)
        if sighting is None:
            return False
        self._found(frame, track, sighting)
        return True

    def _beside(self, image: Image, last: Sighting, motion: Motion) -> Sighting | None:
        """A face in the frame beside the one where it was seen, by its landmarks."""
        points = last.landmarks_px
        if points is None:
            return None
        for each in (motion, Motion.none()):
            found = follow(image, points, each, self._landmarker)
            if found is not None:
                return Sighting.of(found, last.score)
        return None

    def _found(self, frame: Frame[Payload], track: _Track, sighting: Sighting) -> None:
        """A track's face was seen in the newest frame."""
        track.found(sighting)
        frame.seen[track.number] = sighting
        if track.frames_seen == 2:  # now it is known how it came in
            self._write_tail(track)

    def _let_go_of_doubles(self, frame: Frame[Payload]) -> list[_Track]:
        """Of two tracks that have come to one face, as when it hides the other, one is lost."""
        followed = [track for track in self._tracks if track.number in frame.seen]
        lost: list[_Track] = []
        for i, track in enumerate(followed):
            for other in followed[:i]:
                if track in lost or other in lost or not one_face(track.last, other.last):
                    continue
                wrong = max(track, other, key=lambda each: each.surprise_px)
                lost.append(wrong)
                del frame.seen[wrong.number]
        return lost

    def _look(self, frame: Frame[Payload], lost: list[_Track]) -> None:
        """Detect faces where there may be new ones, or lost ones again."""
        small, scale = small_grey(frame.image)
        boxes = [sighting.box_xyxy for sighting in frame.seen.values()]
        everywhere = frame.starts_shot or self._everywhere
        regular = everywhere or self._count % self._every == 0
        idle, found = not self._tracks, list[Detection]()
        changed = regular or lost or idle or self._watch.has_changed(small, scale, boxes)
        if changed:
            quick = None if regular else self._near
            found = quick(frame.image) if quick else self._detect(frame.image, frame.number)
        if self._tiles is not None:
            found = joined(found, self._tiles(frame.image, small, frame.number, everywhere, idle))
        self._assign(frame, lost, found)
        self._look_near(frame, lost)
        if changed:
            self._watch.looked_at(small, [s.box_xyxy for s in frame.seen.values()])

    def _assign(
        self, frame: Frame[Payload], lost: list[_Track], detections: list[Detection]
    ) -> None:
        """Find lost faces again, and start tracks of new ones.

        A face that is followed by its landmarks needs no detection: it stays.
        """
        # who is followed comes first: the detection is of the face that hides a lost one
        near = sorted(
            (track in lost, centre_gap(d.box_xyxy, track.expected.box_xyxy), k, t)
            for k, d in enumerate(detections)
            for t, track in enumerate(self._tracks)
            if _may_be(track, d, track in lost)
        )
        taken: set[int] = set()
        claimed: dict[int, int] = {}
        for *_, k, t in near:  # each detection is of one track
            if k not in taken and t not in claimed:
                taken.add(k)
                claimed[t] = k
        for t, track in enumerate(list(self._tracks)):
            if t in claimed and track in lost:
                lost.remove(track)
                self._resume(frame, track, detections[claimed[t]])
        for k, detection in enumerate(detections):
            if k not in taken:
                self._start(frame, detection)

    def _look_near(self, frame: Frame[Payload], lost: list[_Track]) -> None:
        """Look for lost faces where they should be, enlarged."""
        if self._near is None:
            return
        for track in list(lost):
            expected = spotting.expected_next(track.expected, track.motion)
            detection = spotting.look_near(self._near, frame.image, expected, track.reach_px)
            if detection is not None and not _is_taken(frame, detection.box_xyxy, track):
                lost.remove(track)
                self._resume(frame, track, detection)

    def _resume(self, frame: Frame[Payload], track: _Track, detection: Detection) -> None:
        """A lost face is back: cover it, or draw it, in all frames between."""
        sighting = self._sighting(frame.image, detection)
        before, missed = track.last, track.missed
        self._found(frame, track, sighting)
        back = self._followed_back(track, sighting, missed)
        seen_at = max(back, default=0)
        gap = filling.between(back.get(seen_at, sighting), before, missed + 1 - seen_at, seen_at)
        self._write(track, gap | back)

    def _start(self, frame: Frame[Payload], detection: Detection) -> None:
        """A new track, followed back to where it came in."""
        sighting = self._sighting(frame.image, detection)
        if any(one_face(sighting, other) for other in frame.seen.values()):
            return  # a second box of a face that is followed
        track = _Track(self._born, sighting, sighting)
        self._born += 1
        self._tracks.append(track)
        frame.seen[track.number] = sighting
        back = self._followed_back(track, sighting, len(self._frames) - 1)
        self._write(track, back)
        track.came_at = frame.number - max(back, default=0)
        self._write_tail(track)

    def _followed_back(self, track: _Track, first: Sighting, most: int) -> dict[int, Sighting]:
        """See a face in the frames that wait, from the newest back."""
        frames = self._waiting(most)

        def see(back: int, last: Sighting, motion: Motion) -> Sighting | None:
            image = frames[back - 1].image
            sighting = self._beside(image, last, motion)
            if sighting is not None or self._near is None:
                return sighting
            expected = spotting.expected_next(last, motion)
            reach_px = _REACH * last.side_px + float(np.linalg.norm(motion.step_px))
            detection = spotting.look_near(self._near, image, expected, reach_px)
            return None if detection is None else self._sighting(image, detection)

        def taken(back: int, box: Box) -> bool:
            return _is_taken(frames[back - 1], box, track)

        return filling.followed_back(first, len(frames), see, taken)

    def _waiting(self, most: int) -> list[Frame[Payload]]:
        """Frames of this shot before the newest one, from there back."""
        frames: list[Frame[Payload]] = []
        for after, frame in pairwise(reversed(self._frames)):
            if after.starts_shot or len(frames) == most:
                break
            frames.append(frame)
        return frames

    def _write(self, track: _Track, back: dict[int, Sighting]) -> None:
        """Tell the frames that wait what was seen in the n-th frame back."""
        for n, frame in enumerate(self._waiting(max(back, default=0)), start=1):
            if n in back:
                frame.seen[track.number] = back[n]

    def _write_tail(self, track: _Track) -> None:
        """Cover a face in the frames before the first one in which it was seen."""
        frames = {frame.number: frame for frame in self._waiting(len(self._frames))}
        frames[self._count] = self._frames[-1]
        first, after = (
            frames[number].seen.get(track.number) if number in frames else None
            for number in (track.came_at, track.came_at + 1)
        )
        if first is None:
            return
        motion = Motion.none() if after is None else Motion.between(after, first)
        for n, cover in filling.tail(first, motion).items():
            frame = frames.get(track.came_at - n)
            if frame is None or _is_taken(frame, first.box_xyxy, track):
                return
            frame.seen[track.number] = cover

    def _hold(self, frame: Frame[Payload], track: _Track) -> None:
        """Cover a face that was lost where it should be."""
        track.moves_on()
        if track.missed > max(_HOLD, self._every + 1):
            self._tracks.remove(track)
            return
        frame.seen[track.number] = filling.held(track.expected, track.speed_px * track.missed)

    def _sighting(self, image: Image, detection: Detection) -> Sighting:
        try:
            points = find_landmarks(image, detection, self._landmarker)
        except FaceError:
            return Sighting(detection.box_xyxy, None, detection.score)
        return Sighting.of(points, detection.score)


def _may_be(track: _Track, detection: Detection, is_lost: bool) -> bool:
    """Whether a detection may be of a track's face."""
    if is_lost:
        near = same_face(detection.box_xyxy, track.expected.box_xyxy)
        return near or may_have_come_to(track.expected.box_xyxy, detection.box_xyxy, track.reach_px)
    return holds(track.last.box_xyxy, detection.box_xyxy)


def _is_taken(frame: Frame[Payload], box: Box, track: _Track) -> bool:
    """Whether another track's face has most of a box in a frame."""
    return any(holds(s.box_xyxy, box) for n, s in frame.seen.items() if n != track.number)
