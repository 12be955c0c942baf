"""A video, frame by frame: the same nobody in every frame of a face."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from .. import seeds
from ..errors import InputError
from ..geometry.wall import GeneratorInput
from ..pipeline import Anonymizer
from ..synthesize.face_state import Located
from ..types import Detection, Image, Result
from .smoothing import REACH, EyesAtRest, Tone, Values, settled, steadied, toned
from .tracking import Frame, Sighting, Tracker

Payload = TypeVar("Payload")

_WORKERS = 2


@dataclass(frozen=True)
class Anonymized(Generic[Payload]):
    """A frame without its faces.

    Attributes:
        result: See :class:`ganonymization.Result`; its faces are in the order of ``tracks``.
        tracks: Number of each face's track.
        payload: What came with the frame.
        kept: Tracks whose faces were left as they are, as was asked for, and why.
        boxes: Of every face, kept or not, by track.
    """

    result: Result
    tracks: tuple[int, ...]
    payload: Payload
    kept: dict[int, str] = field(default_factory=dict)
    boxes: dict[int, Detection] = field(default_factory=dict)


def anonymize_frames(
    anonymizer: Anonymizer,
    frames: Iterable[tuple[Image, Payload]],
    seed: int | None = None,
    name: str = "",
    *,
    look_ahead: int = 12,
    detect_every: int = 8,
    boxes: Sequence[list[Detection]] | None = None,
    keep: Callable[[Frame[Payload]], dict[int, str]] | None = None,
) -> Iterator[Anonymized[Payload]]:
    """Anonymize frames in order; each track keeps its nobody.

    Args:
        anonymizer: Its detector and landmarker follow the faces too.
        frames: (H, W, 3) uint8 RGB of one size, each with whatever is wanted back with it.
        seed: Of the run; None draws a fresh one, which the results tell.
        name: Of the video; with the seed and a track's number it decides who the new face is.
        look_ahead: Frames that wait for what later ones tell.
        detect_every: Frames from one detection to the next.
        boxes: Detections from elsewhere, a list for each frame; None looks for faces.
        keep: Says of each frame which tracks stay as they are, and why; None keeps none.

    Yields:
        One result for each frame, in order, some frames later.

    Raises:
        InputError: There are more frames than ``boxes`` tells of.
    """

    def detect(image: Image, number: int) -> list[Detection]:
        if boxes is None:
            return anonymizer.detect(image)
        if number >= len(boxes):
            raise InputError(f"the boxes tell of {len(boxes)} frames, and there are more")
        return boxes[number]

    every = detect_every if boxes is None else 1
    tracker: Tracker[Payload] = Tracker(detect, anonymizer.landmarks, look_ahead, every)

    run_seed = seeds.fresh_seed() if seed is None else seed

    def who(track: int) -> int:
        return seeds.face_seed(run_seed, name, track)

    def redraw(
        frame: Frame[Payload], faces: dict[int, Located], kept: dict[int, str], links: list[Link]
    ) -> Anonymized[Payload]:
        drawn = [track for track in faces if track not in kept]
        try:
            result = anonymizer.redraw(frame.image, [faces[track] for track in drawn], run_seed)
        finally:
            for link in links:
                link.close()
        found = {track: face.detection for track, face in faces.items()}
        return Anonymized(result, tuple(drawn), frame.payload, kept, found)

    waiting: deque[Future[Anonymized[Payload]]] = deque()
    chains, eyes = Chains(), EyesAtRest()
    with ThreadPoolExecutor(_WORKERS) as pool:
        for window, centre in _windows(_tracked(tracker, frames)):
            faces = _steady_faces(window, centre, who)
            kept = {} if keep is None else keep(window[centre])
            links = chains.links(window[centre])
            faces = {
                track: replace(
                    face, settle=links[track].settle,
                    eyes_at_rest=eyes.after(track, face.landmarks_px),
                )
                for track, face in faces.items()
            }  # fmt: skip
            job = pool.submit(redraw, window[centre], faces, kept, list(links.values()))
            waiting.append(job)
            while len(waiting) > 2 * _WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class Link:
    """What was drawn of a face in one frame, for the next one to settle by.

    Frames are drawn in parallel; each waits for the one before only when its own is drawn.

    Args:
        before: The same face's in the frame before, or None.
    """

    def __init__(self, before: "Link | None") -> None:
        self._before, self._done = before, threading.Event()
        self._drawn: tuple[Image, Values, Tone] | None = None

    def settle(self, drawn: Image, crossing: GeneratorInput) -> Image:
        """The crop without flicker against the frame before, and in the track's tone."""
        before = None if self._before is None else self._before.wait()
        drawn, tone = toned(drawn, crossing, None if before is None else before[2])
        if before is not None:
            drawn = settled(drawn, before[0], crossing.surrogate_px, before[1])
        self._drawn = drawn, crossing.surrogate_px, tone
        self.close()
        return drawn

    def wait(self) -> tuple[Image, Values, Tone] | None:
        """What was drawn in the end, from which landmarks, in what tone; None where covered."""
        self._done.wait()
        return self._drawn

    def close(self) -> None:
        """Nothing more will be drawn; earlier frames are let go of."""
        self._before = None
        self._done.set()


class Chains:
    """The links of each track, in the order of the frames."""

    def __init__(self) -> None:
        self._last: dict[int, Link] = {}

    def links(self, frame: Frame[Any]) -> dict[int, Link]:
        """A frame's links, each behind that of the same track in the frame before."""
        links = {track: Link(self._last.get(track)) for track in frame.seen}
        self._last = links
        return links


def _tracked(
    tracker: Tracker[Payload], frames: Iterable[tuple[Image, Payload]]
) -> Iterator[Frame[Payload]]:
    for image, payload in frames:
        yield from tracker.feed(image, payload)
    yield from tracker.finish()


def _windows(frames: Iterable[Frame[Payload]]) -> Iterator[tuple[list[Frame[Payload]], int]]:
    """Each frame with those around it, and its place among them."""
    window: deque[Frame[Payload]] = deque(maxlen=2 * REACH + 1)
    count = 0
    for frame in frames:
        window.append(frame)
        count += 1
        if count > REACH:
            yield list(window), len(window) - 1 - REACH
    rest = list(window)
    for place in range(max(len(rest) - min(REACH, count), 0), len(rest)):
        yield rest, place


def _steady_faces(
    window: list[Frame[Payload]], centre: int, who: Callable[[int], int]
) -> dict[int, Located]:
    """The faces of one frame by track, steadied by those around it in the same shot."""
    first = max(i for i in range(centre + 1) if i == 0 or window[i].starts_shot)
    ends = [i for i in range(centre + 1, len(window)) if window[i].starts_shot]
    shot = window[first : ends[0] if ends else len(window)]
    faces = {}
    for track, sighting in window[centre].seen.items():
        points = sighting.landmarks_px
        if points is not None:
            sightings = [frame.seen.get(track) for frame in shot]
            around = [None if s is None else s.landmarks_px for s in sightings]
            points = steadied(around, centre - first)
        faces[track] = Located(detection_of(sighting), points, who(track), NOT_SEEN)
    return faces


NOT_SEEN = "not seen well enough in this frame"


def detection_of(sighting: Sighting) -> Detection:
    """A sighting as a detector would tell of it."""
    return Detection(sighting.box_xyxy, sighting.score)
