"""Follows faces through the frames of a video, and fills gaps both ways.

Frames wait in a buffer before they are handed on, so that what is seen later tells what an earlier
frame showed: a face that is first detected in frame 13 is followed back to where it came in, and
one that was lost for some frames is covered in all of them. A cut ends every track.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import cv2
import numpy as np

from ..errors import FaceError
from ..landmarks.base import Landmarker
from ..landmarks.search import find_landmarks
from ..types import Detection, Image
from .sightings import Sighting, Values, centre_gap, follow, one_face, same_face

Payload = TypeVar("Payload")

LOOK_AHEAD = 12  # frames
_DETECT_EVERY = 8  # frames; fewer than wait, so that what comes in is followed back
_HOLD = 12  # frames for which a lost face stays covered where it was
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
    number: int
    last: Sighting
    step_px: Values = field(default_factory=lambda: np.zeros(2))
    missed: int = 0
    surprise_px: float = 0.0  # how far from where it was expected


class Tracker(Generic[Payload]):
    """Takes frames in order and hands them on later, with their faces.

    Args:
        detect: Finds faces in a frame, which it gets with its number.
        landmarker: Finds landmarks in a crop.
        look_ahead: Frames that wait.
        detect_every: Frames from one detection to the next.
    """

    def __init__(
        self,
        detect: Callable[[Image, int], list[Detection]],
        landmarker: Landmarker,
        look_ahead: int = LOOK_AHEAD,
        detect_every: int = _DETECT_EVERY,
    ) -> None:
        self._detect, self._landmarker = detect, landmarker
        self._look_ahead, self._every = look_ahead, detect_every
        self._frames: deque[Frame[Payload]] = deque()
        self._tracks: list[_Track] = []
        self._count = self._born = 0
        self._small: Values | None = None

    def feed(self, image: Image, payload: Payload) -> list[Frame[Payload]]:
        """Take a frame.

        Returns:
            Frames that are done, in order.
        """
        frame = Frame(image, payload, self._count, starts_shot=self._is_cut(image))
        self._frames.append(frame)
        if frame.starts_shot:
            self._tracks.clear()
        unseen = [track for track in self._tracks if track.last.landmarks_px is None]
        lost = [track for track in self._tracks if not self._follow(frame, track)]
        lost += self._let_go_of_doubles(frame)
        suspicious = len(lost) > len(unseen)  # a face that was seen in the frame before is not
        if suspicious or frame.starts_shot or self._count % self._every == 0:
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
        before, self._small = self._small, grey
        return before is None or float(np.abs(grey - before).mean()) > _CUT

    def _follow(self, frame: Frame[Payload], track: _Track) -> bool:
        """See a track's face again near where it was."""
        points = track.last.landmarks_px
        if points is None or track.missed:
            return False
        found = follow(frame.image, points, track.step_px, self._landmarker)
        if found is None:
            return False
        step_px = found[:, :2].mean(0) - points[:, :2].mean(0)
        track.surprise_px = float(np.linalg.norm(step_px - track.step_px))
        track.step_px = step_px
        track.last = frame.seen[track.number] = Sighting.of(found, track.last.score)
        return True

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
        """Detect faces: find lost ones again, and start tracks of new ones.

        A face that is followed by its landmarks needs no detection: it stays.
        """
        detections = self._detect(frame.image, frame.number)
        # who is followed comes first: the detection is of the face that hides a lost one
        near = sorted(
            (track in lost, centre_gap(d.box_xyxy, track.last.box_xyxy), k, t)
            for k, d in enumerate(detections)
            for t, track in enumerate(self._tracks)
            if same_face(d.box_xyxy, track.last.box_xyxy)
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

    def _resume(self, frame: Frame[Payload], track: _Track, detection: Detection) -> None:
        """A lost face is back: cover it, or draw it, in all frames between."""
        sighting = self._sighting(frame.image, detection)
        before, missed = track.last, track.missed
        track.last, track.missed, track.step_px = sighting, 0, np.zeros(2)
        frame.seen[track.number] = sighting
        waiting = list(self._frames)[:-1]
        for back, earlier in enumerate(reversed(waiting), start=1):
            if back > missed:
                break
            share = back / (missed + 1)
            box = tuple(share * a + (1 - share) * b for a, b in
                        zip(before.box_xyxy, sighting.box_xyxy, strict=True))  # fmt: skip
            earlier.seen[track.number] = Sighting(box, None, detection.score)  # type: ignore[arg-type]
        self._follow_back(track, sighting, missed)

    def _start(self, frame: Frame[Payload], detection: Detection) -> None:
        """A new track, followed back to where it came in."""
        sighting = self._sighting(frame.image, detection)
        if any(one_face(sighting, other) for other in frame.seen.values()):
            return  # a second box of a face that is followed
        track = _Track(self._born, sighting)
        self._born += 1
        self._tracks.append(track)
        frame.seen[track.number] = sighting
        if not frame.starts_shot:
            self._follow_back(track, sighting, len(self._frames) - 1)

    def _follow_back(self, track: _Track, sighting: Sighting, most: int) -> None:
        """See a face in the frames that wait, from the newest back, or cover it there."""
        covered = 0
        for earlier in list(reversed(self._frames))[1 : most + 1]:
            if any(same_face(sighting.box_xyxy, s.box_xyxy) for n, s in earlier.seen.items()
                   if n != track.number):  # fmt: skip
                return
            points = sighting.landmarks_px
            found = None
            if points is not None:
                found = follow(earlier.image, points, np.zeros(2), self._landmarker)
            if found is not None:
                sighting = earlier.seen[track.number] = Sighting.of(found, sighting.score)
            elif covered < self._every:  # it was detected so soon, so it may have been there
                covered += 1
                sighting = Sighting(sighting.box_xyxy, None, sighting.score)
                earlier.seen.setdefault(track.number, sighting)
            else:
                return
            if earlier.starts_shot:
                return

    def _hold(self, frame: Frame[Payload], track: _Track) -> None:
        """Cover a face that was lost where it should be."""
        track.missed += 1
        if track.missed > max(_HOLD, self._every + 1):
            self._tracks.remove(track)
            return
        shift = np.tile(track.step_px, 2)
        box = tuple(float(v) for v in np.array(track.last.box_xyxy) + shift)
        track.last = Sighting(box, None, track.last.score)  # type: ignore[arg-type]
        track.step_px = track.step_px * 0.7
        frame.seen[track.number] = track.last

    def _sighting(self, image: Image, detection: Detection) -> Sighting:
        try:
            points = find_landmarks(image, detection, self._landmarker)
        except FaceError:
            return Sighting(detection.box_xyxy, None, detection.score)
        return Sighting.of(points, detection.score)
