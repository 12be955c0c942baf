"""Faces that are to stay as they are: by region, by time, and by person, each asked for explicitly.

A keeper is asked about each frame in order, and answers which tracks stay, and why.
"""

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, OptionError
from ..geometry import topology
from ..io import images
from ..pipeline import Anonymizer
from ..recognize.recogniser import Recogniser
from ..types import Box, Image, Reals
from .sightings import Sighting
from .waiting import Frame

_STRICT = 0.75  # of the distance below which the recogniser calls two faces one person's
_MARGIN = 1 / 6  # of that distance: so much nearer than any other face in the shot
_LOOKS = 3  # in a row before a face is kept
_LOOK_EVERY = 4  # frames
_SMALLEST_EYES_PX = 24.0  # a smaller face tells too little of who it is

Keeper = Callable[[Frame[Any]], dict[int, str]]
"""Tracks of a frame that stay as they are, and why."""


@dataclass(frozen=True)
class Region:
    """A part of the picture for a part of the time.

    Attributes:
        box_xyxy: In pixels, or None for all of the picture.
        start_s: From this time on.
        end_s: Up to this time.
    """

    box_xyxy: Box | None = None
    start_s: float = 0.0
    end_s: float = float("inf")

    @classmethod
    def parse(cls, text: str) -> "Region":
        """``X1,Y1,X2,Y2``, ``@START-END``, or both: ``0,0,640,360@12.5-60``.

        Raises:
            OptionError: It is none of these.
        """
        number = r"(\d+(?:\.\d+)?)"
        box = ",".join([number] * 4)
        match = re.fullmatch(rf"(?:{box})?(?:@{number}-{number})?", text.replace(" ", ""))
        values = [] if match is None else [None if g is None else float(g) for g in match.groups()]
        if not any(value is not None for value in values):
            raise OptionError(f"{text!r}: give X1,Y1,X2,Y2 (pixels), @START-END (seconds) or both")
        x1, y1, x2, y2, start_s, end_s = values
        region = cls(
            None if x1 is None else (x1, y1, x2, y2),  # type: ignore[arg-type]
            0.0 if start_s is None else start_s,
            float("inf") if end_s is None else end_s,
        )
        right_way = region.box_xyxy is None or (x1 < x2 and y1 < y2)  # type: ignore[operator]
        if not right_way or region.start_s >= region.end_s:
            raise OptionError(f"{text!r}: the second corner, or time, must lie behind the first")
        return region

    def holds(self, box_xyxy: Box, time_s: float) -> bool:
        """Whether a face's middle lies in it."""
        if not self.start_s <= time_s < self.end_s:
            return False
        if self.box_xyxy is None:
            return True
        x, y = (box_xyxy[0] + box_xyxy[2]) / 2, (box_xyxy[1] + box_xyxy[3]) / 2
        left, top, right, bottom = self.box_xyxy
        return left <= x < right and top <= y < bottom


@dataclass(frozen=True)
class Regions:
    """Keeps faces by where and when they are seen.

    Attributes:
        ignored: Faces in one of these stay.
        only: If there are any, faces in none of these stay.
        time_s: When a frame is shown.
    """

    ignored: Sequence[Region]
    only: Sequence[Region]
    time_s: Callable[[Frame[Any]], float]

    def __call__(self, frame: Frame[Any]) -> dict[int, str]:
        """Tracks that stay, and why."""
        time_s = self.time_s(frame)
        found = {track: self.reason(s.box_xyxy, time_s) for track, s in frame.seen.items()}
        return {track: reason for track, reason in found.items() if reason is not None}

    def reason(self, box_xyxy: Box, time_s: float) -> str | None:
        """Why a face in this box stays at this time, or None."""
        if any(region.holds(box_xyxy, time_s) for region in self.ignored):
            return "in an ignored region"
        if self.only and not any(region.holds(box_xyxy, time_s) for region in self.only):
            return "outside of the regions asked for"
        return None


@dataclass
class _Looks:
    """How far a track's face was from each person.

    Attributes:
        distances: In the last looks; none after one that failed.
        nearest: Ever, for a rival stays one when it turns away.
        age: Looks asked for.
    """

    distances: list[deque[float]]
    nearest: list[float]
    age: int = 0

    def forget(self) -> None:
        """Nothing is sure any more."""
        self.age = 0
        for distances in self.distances:
            distances.clear()


@dataclass
class KeptPeople:
    """Keeps the faces of given people, as far as a recogniser is sure of them.

    A face stays after three looks in a row that were all strictly nearer to the person than the
    recogniser asks for, and clearly nearer than any other face in the shot was. Any later look that
    fails takes that back. What is not sure is anonymized.

    Attributes:
        recogniser: Tells how alike faces are.
        names: Of the people.
        faces: Their numbers, alike.
    """

    recogniser: Recogniser
    names: Sequence[str]
    faces: Sequence[Reals]
    _looks: dict[int, _Looks] = field(default_factory=dict)

    @classmethod
    def of(
        cls, pictures: Sequence[Path], anonymizer: Anonymizer, recogniser: Recogniser
    ) -> "KeptPeople":
        """People by a picture of each.

        Args:
            pictures: With exactly one face each.
            anonymizer: Its detector and landmarker look.
            recogniser: Tells how alike faces are.

        Raises:
            InputError: A picture shows no face that can be read, or several.
        """
        faces = []
        for path in pictures:
            image = images.read(path).pixels
            located = anonymizer.locate(image)
            if len(located) != 1 or located[0].landmarks_px is None:
                raise InputError(f"{path}: {len(located)} faces found; give one, seen well")
            faces.append(recogniser(image, located[0].landmarks_px))
        return cls(recogniser, [path.name for path in pictures], faces)

    def __call__(self, frame: Frame[Any]) -> dict[int, str]:
        """Tracks that stay, and why."""
        if frame.starts_shot:
            self._looks.clear()
        for track, sighting in frame.seen.items():
            self._look(frame.image, track, sighting)
        kept = {}
        for number, name in enumerate(self.names):
            sure = self._surely(number, frame)
            if sure is not None:
                kept[sure] = f"{name}, by the recogniser"
        return kept

    def _look(self, image: Image, track: int, sighting: Sighting) -> None:
        """Measure a face now and then, and forget the measures of one that is not seen well."""
        looks = self._looks.get(track)
        if looks is None:
            looks = _Looks([deque(maxlen=_LOOKS) for _ in self.names], [np.inf] * len(self.names))
            self._looks[track] = looks
        due, looks.age = looks.age % _LOOK_EVERY == 0, looks.age + 1
        points = sighting.landmarks_px
        if points is None or not _large_enough(points):
            looks.forget()
        elif due:
            numbers = self.recogniser(image, points)
            if not np.isfinite(numbers).all():
                looks.forget()
                return
            for person, face in enumerate(self.faces):
                distance = float(np.linalg.norm(numbers - face))
                looks.distances[person].append(distance)
                looks.nearest[person] = min(looks.nearest[person], distance)

    def _surely(self, person: int, frame: Frame[Any]) -> int | None:
        """The one track that is this person's beyond doubt, or None."""
        strict = _STRICT * self.recogniser.same_person
        margin = _MARGIN * self.recogniser.same_person
        last = {
            track: max(looks.distances[person])
            for track, looks in self._looks.items()
            if looks.distances[person]
        }
        here = [track for track in last if track in frame.seen]
        if not here:
            return None
        best = min(here, key=lambda track: last[track])
        others = [looks.nearest[person] for t, looks in self._looks.items() if t != best]
        full = len(self._looks[best].distances[person]) == _LOOKS
        sure = full and last[best] < strict and all(last[best] + margin < other for other in others)
        return best if sure else None


def both(keepers: Sequence[Keeper]) -> Keeper:
    """A keeper that keeps what any of several keeps."""

    def keep(frame: Frame[Any]) -> dict[int, str]:
        kept: dict[int, str] = {}
        for keeper in keepers:
            kept = keeper(frame) | kept
        return kept

    return keep


def _large_enough(landmarks_px: Reals) -> bool:
    corners = landmarks_px[[topology.OUTER_EYE_RIGHT, topology.OUTER_EYE_LEFT], :2]
    return bool(np.linalg.norm(corners[0] - corners[1]) >= _SMALLEST_EYES_PX)
