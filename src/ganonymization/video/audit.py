"""A video is searched once more when it is drawn, before it is written, and what shows is covered.

Every n-th frame is searched, and both frames wherever a track begins or ends. Where a face still
shows, the frames before and after are searched as well, and done again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ..detect.audit import is_changed, looks_of_audit
from ..locating import located
from ..pipeline import Anonymizer
from ..types import Box, Detection, Image
from .frames import Anonymized
from .sightings import same_face

Payload = TypeVar("Payload")

EVERY = 8  # frames
_SURE = 0.5
_TILE_PX = 640  # of the network's input: memory is needed for frames
_TILES_EVERY = 4  # searches: then in full resolution, too, for small faces
_HELD = 4  # frames beside one with a missed face in which its place is covered all the same
_GROWN = 0.15  # of a box's longer side, for each frame that it is held

Held = list[tuple[Detection, int]]
"""Missed faces, and for how many frames they were not found again."""


@dataclass(frozen=True)
class FrameAudit(Generic[Payload]):
    """Searches frames and covers what was missed.

    Attributes:
        anonymizer: That drew them.
        stays: Whether a face in this box of a frame is to stay.
        every: Frames from one search to the next.
    """

    anonymizer: Anonymizer
    stays: Callable[[Box, Payload], bool] = lambda box, payload: False
    every: int = EVERY

    def __call__(self, frames: Iterable[Anonymized[Payload]]) -> Iterator[Anonymized[Payload]]:
        """The frames, in order; they wait for the next one that is searched.

        Args:
            frames: As they were drawn, in order.
        """
        waiting: list[Anonymized[Payload]] = []
        alarm = searched = 0
        held = Held()
        for frame, is_due in self._due(frames):
            if not is_due and alarm == 0:
                waiting.append(frame)
                continue
            searched += 1
            found = self._missed(frame, alarm > 0 or searched % _TILES_EVERY == 1)
            if found and waiting:
                waiting = self._searched_back(waiting, found)
            alarm = self.every if found else max(0, alarm - 1)
            held = _carried(held, found)
            yield from waiting
            waiting = []
            yield self._covered(frame, held)
        yield from waiting

    def _due(
        self, frames: Iterable[Anonymized[Payload]]
    ) -> Iterator[tuple[Anonymized[Payload], bool]]:
        """Each frame, and whether it is its turn to be searched."""
        before: Anonymized[Payload] | None = None
        came = True
        for number, frame in enumerate(frames):
            if before is not None:
                goes = before.boxes.keys() != frame.boxes.keys()
                yield before, came or goes or (number - 1) % self.every == 0
                came = goes
            before = frame
        if before is not None:
            yield before, True

    def _missed(self, frame: Anonymized[Payload], everywhere: bool) -> list[Detection]:
        """Faces that show and are not to stay."""
        image, changed = frame.result.image, frame.result.composite_mask
        if image is None:
            return []
        looks = looks_of_audit((image.shape[0], image.shape[1]), tile_px=_TILE_PX)
        spared = [frame.boxes[track].box_xyxy for track in frame.kept]
        some = looks if everywhere else looks[:1]
        found = self.anonymizer.auditor.missed(image, changed, spared, some)
        return [
            d for d in found
            if not self.stays(d.box_xyxy, frame.payload) and self._is_face(image, d)
        ]  # fmt: skip

    def _is_face(self, image: Image, detection: Detection) -> bool:
        """Whether a score is high enough, or there are landmarks: a video has many flower pots."""
        if detection.score >= _SURE:
            return True
        return located(image, detection, 0, self.anonymizer.landmarks).landmarks_px is not None

    def _searched_back(
        self, frames: list[Anonymized[Payload]], found: list[Detection]
    ) -> list[Anonymized[Payload]]:
        """Frames before one with a missed face, searched from the newest back."""
        held, done = _carried(Held(), found), []
        for frame in reversed(frames):
            held = _carried(held, self._missed(frame, True))
            done.append(self._covered(frame, held))
        return done[::-1]

    def _covered(self, frame: Anonymized[Payload], held: Held) -> Anonymized[Payload]:
        """The frame with what was missed in it or beside it covered."""
        result = frame.result
        changed = result.composite_mask
        missed = [d for d, _ in held if not is_changed(d.box_xyxy, changed)]
        if result.image is None or not missed:
            return replace(frame, result=replace(result, audited=result.image is not None))
        picture = self.anonymizer.prepare(result.image, [])
        picture.audit(lambda output, changed: missed)
        covered = picture.result(result.seed)
        faces = (*result.faces, *covered.faces)
        mask = result.composite_mask | covered.composite_mask
        done = replace(result, image=covered.image, faces=faces, composite_mask=mask, audited=True)
        return replace(frame, result=done)


def _carried(held: Held, found: list[Detection]) -> Held:
    """What is covered in a frame: what was missed in it, and for a while what was beside it."""
    rest = [
        (_grown(detection), frames + 1)
        for detection, frames in held
        if frames < _HELD and not any(same_face(detection.box_xyxy, f.box_xyxy) for f in found)
    ]
    return [(detection, 0) for detection in found] + rest


def _grown(detection: Detection) -> Detection:
    rim_px = _GROWN * detection.side_px
    left, top, right, bottom = detection.box_xyxy
    box = (left - rim_px, top - rim_px, right + rim_px, bottom + rim_px)
    return replace(detection, box_xyxy=box, eyes_px=None)
