"""Follows faces through the frames of a video, and fills gaps both ways.

Frames wait in a buffer before they are handed on, so that what is seen later tells what an earlier
frame showed: a face that is first detected in frame 13 is followed back to where it came in, and
one that was lost for some frames is covered in all of them. A cut ends every track.

A face that is lost is looked for in every frame until it is found or gone, and its cover grows by
the motion that was seen of it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import FaceError
from ..landmarks.base import Landmarker
from ..landmarks.search import find_landmarks
from ..types import Box, Detection, Image
from . import filling, spotting
from .sightings import Motion, Sighting, Values, centre_gap, follow, one_face, same_face
from .track import Track
from .waiting import Frame, Waiting
from .watching import Glance, Look, Tiles, Watch, joined, small_grey

Payload = TypeVar("Payload")

LOOK_AHEAD = 12  # frames
_DETECT_EVERY = 8  # frames; fewer than wait, so that what comes in is followed back
_HOLD = 12  # frames for which a lost face stays covered where it should be
_SURE = 0.5  # score of a face that nothing hides
_CUT = 0.22  # mean difference of small grey pictures, of full scale
_SMALL_WH, _SPARSE = (32, 18), 4


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
        added: Boxes of faces in a frame, by its payload, whatever a detector says.
        glance: Tells whether somebody is new in parts of a frame; otherwise all of it is looked at
            where something has changed.
    """

    def __init__(
        self,
        detect: Callable[[Image, int], list[Detection]],
        landmarker: Landmarker,
        look_ahead: int = LOOK_AHEAD,
        detect_every: int = _DETECT_EVERY,
        look: Look | None = None,
        everywhere: bool = False,
        added: Callable[[Payload], Sequence[Box]] = lambda payload: (),
        glance: Glance | None = None,
    ) -> None:
        self._detect, self._landmarker, self._near = detect, landmarker, look
        self._look_ahead, self._every, self._everywhere = look_ahead, detect_every, everywhere
        self._added, self._glance = added, glance
        self._watch, self._tiles = Watch(), None if look is None else Tiles(look)
        self._waiting: Waiting[Payload] = Waiting(self._see)
        self._tracks: list[Track] = []
        self._count = self._born = 0
        self._grey: Values | None = None

    def feed(self, image: Image, payload: Payload) -> list[Frame[Payload]]:
        """Take a frame.

        Returns:
            Frames that are done, in order.
        """
        frame = Frame(image, payload, self._count, starts_shot=self._is_cut(image))
        self._waiting.append(frame)
        if frame.starts_shot:
            self._tracks.clear()
        lost = [track for track in self._tracks if not self._follow(frame, track)]
        lost += self._let_go_of_doubles(frame)
        for track in lost:
            track.moves_on()
        self._look(frame, lost)
        for track in lost:
            self._hold(frame, track)
        self._count += 1
        return self._waiting.done(self._look_ahead)

    def finish(self) -> list[Frame[Payload]]:
        """The frames that still wait."""
        return self._waiting.done(0)

    def _is_cut(self, image: Image) -> bool:
        sparse = np.ascontiguousarray(image[::_SPARSE, ::_SPARSE])  # enough to tell a cut, and fast
        small = cv2.resize(sparse, _SMALL_WH, interpolation=cv2.INTER_AREA)
        grey = small.astype(np.float64).mean(-1) / 255
        before, self._grey = self._grey, grey
        return before is None or float(np.abs(grey - before).mean()) > _CUT

    def _follow(self, frame: Frame[Payload], track: Track) -> bool:
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

    def _found(self, frame: Frame[Payload], track: Track, sighting: Sighting) -> None:
        """A track's face was seen in the newest frame."""
        track.found(sighting)
        frame.seen[track.number] = sighting
        if track.frames_seen == 2:  # now it is known how it came in
            self._waiting.cover_tail(track)

    def _let_go_of_doubles(self, frame: Frame[Payload]) -> list[Track]:
        """Of two tracks that have come to one face, as when it hides the other, one is lost."""
        followed = [track for track in self._tracks if track.number in frame.seen]
        lost: list[Track] = []
        for i, track in enumerate(followed):
            for other in followed[:i]:
                if track in lost or other in lost or not one_face(track.last, other.last):
                    continue
                wrong = max(track, other, key=lambda each: each.surprise_px)
                lost.append(wrong)
                del frame.seen[wrong.number]
        return lost

    def _look(self, frame: Frame[Payload], lost: list[Track]) -> None:
        """Detect faces where there may be new ones, or lost ones again."""
        small, scale = small_grey(frame.image)
        everywhere = frame.starts_shot or self._everywhere
        regular = everywhere or self._count % self._every == 0
        idle, found = not self._tracks, list[Detection]()
        hidden = self._watch.hidden(frame.image, frame.seen)
        due = regular or idle or bool(lost or hidden)
        due = due or self._has_news(frame, small, scale)
        if due:
            quick = None if regular else self._near
            found = quick(frame.image) if quick else self._detect(frame.image, frame.number)
        if self._tiles is not None:
            found = joined(found, self._tiles(frame.image, small, frame.number, everywhere, idle))
        found = [*found, *(Detection(box, 1.0) for box in self._added(frame.payload))]
        surely = self._assign(frame, lost, found)
        for number in hidden - surely:
            frame.seen[number] = frame.seen[number].half_hidden()
        self._look_near(frame, lost)
        if due:
            self._watch.looked_at(frame.image, small, frame.seen)

    def _has_news(self, frame: Frame[Payload], small: NDArray[np.uint8], scale: float) -> bool:
        """Whether there may be somebody who is not followed in what has changed."""
        windows = self._watch.news(small, scale, frame.seen)
        if not windows or self._glance is None:
            return windows is None or bool(windows)

        def is_followed(face: Detection) -> bool:
            return any(track.may_be(face) for track in self._tracks)

        if self._glance(frame.image, windows, is_followed):
            return True
        self._watch.glanced_at(small, scale, windows)
        return False

    def _assign(
        self, frame: Frame[Payload], lost: list[Track], detections: list[Detection]
    ) -> set[int]:
        """Find lost faces again, and start tracks of new ones.

        A face that is followed by its landmarks needs no detection: it stays.

        Returns:
            Tracks whose faces the detector surely sees.
        """
        # who is followed comes first: the detection is of the face that hides a lost one
        near = sorted(
            (track.missed > 0, centre_gap(d.box_xyxy, track.expected.box_xyxy), k, t)
            for k, d in enumerate(detections)
            for t, track in enumerate(self._tracks)
            if track.may_be(d)
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
            elif t in claimed:
                _add_box(frame, track.number, detections[claimed[t]].box_xyxy)
        for k, detection in enumerate(detections):
            if k not in taken:
                self._start(frame, detection)
        sure = {k for k, detection in enumerate(detections) if detection.score > _SURE}
        return {self._tracks[t].number for t, k in claimed.items() if k in sure}

    def _look_near(self, frame: Frame[Payload], lost: list[Track]) -> None:
        """Look for lost faces where they should be, enlarged."""
        if self._near is None:
            return
        for track in list(lost):
            found = spotting.look_near(self._near, frame.image, track.expected, track.reach_px)
            if found is not None and not track.is_hidden_by(frame.seen, found.box_xyxy):
                lost.remove(track)
                self._resume(frame, track, found)

    def _resume(self, frame: Frame[Payload], track: Track, detection: Detection) -> None:
        """A lost face is back: cover it, or draw it, in all frames between."""
        sighting = self._sighting(frame.image, detection)
        before, missed = track.last, track.missed - 1
        self._found(frame, track, sighting)
        self._waiting.close_gap(track, before, missed)

    def _start(self, frame: Frame[Payload], detection: Detection) -> None:
        """A new track, followed back to where it came in."""
        sighting = self._sighting(frame.image, detection)
        for number, other in frame.seen.items():
            if _is_second_box(sighting, other):
                _add_box(frame, number, detection.box_xyxy)
                return
        track = Track(self._born, sighting, sighting)
        self._born += 1
        self._tracks.append(track)
        frame.seen[track.number] = sighting
        self._waiting.follow_back(track)

    def _see(self, image: Image, last: Sighting, motion: Motion) -> Sighting | None:
        """A face in a frame that waits, by its sighting in the next one."""
        sighting = self._beside(image, last, motion)
        if sighting is not None or self._near is None:
            return sighting
        expected = spotting.expected_next(last, motion)
        reach_px = 1.6 * last.side_px + float(np.linalg.norm(motion.step_px))
        detection = spotting.look_near(self._near, image, expected, reach_px)
        return None if detection is None else self._sighting(image, detection)

    def _hold(self, frame: Frame[Payload], track: Track) -> None:
        """Cover a face that was lost where it should be."""
        if track.missed > max(_HOLD, self._every + 1):
            self._tracks.remove(track)
            return
        frame.seen[track.number] = filling.held(track.expected, track.speed_px * track.missed)

    def _sighting(self, image: Image, detection: Detection) -> Sighting:
        try:
            points = find_landmarks(image, detection, self._landmarker)
        except FaceError:
            return Sighting(detection.box_xyxy, None, detection.score)
        return Sighting.of(points, detection.score).with_box(detection.box_xyxy)


def _is_second_box(sighting: Sighting, other: Sighting) -> bool:
    """Whether what was detected is a face that is followed, or a piece of it."""
    if sighting.landmarks_px is not None or other.landmarks_px is None:
        return one_face(sighting, other)
    return same_face(sighting.box_xyxy, other.box_xyxy)


def _add_box(frame: Frame[Any], number: int, box: Box) -> None:
    """Cover a detection's box with the face."""
    frame.seen[number] = frame.seen[number].with_box(box)
