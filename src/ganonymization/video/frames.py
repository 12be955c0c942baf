"""A video, frame by frame: the same nobody in every frame of a face."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import seeds
from ..detect.base import detect_turned
from ..detect.finder import Finder
from ..errors import InputError
from ..pipeline import Anonymizer
from ..result import Result
from ..synthesize.face_state import LocatedFace
from ..types import Box, Detection, Image
from .drawing import Chains, Link, redraw
from .expression import Reading, Readings
from .smoothing import REACH, EyesAtRest, steadied
from .tracking import Tracker
from .waiting import Frame

Payload = TypeVar("Payload")

_WORKERS = 2
_NOT_SEEN = "not seen well enough in this frame"


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

    result: Result[Image]
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
    everywhere: bool = False,
    boxes: Sequence[list[Detection]] | None = None,
    added: Callable[[Payload], Sequence[Box]] = lambda payload: (),
    keep: Callable[[Frame[Payload]], dict[int, str]] | None = None,
) -> Iterator[Anonymized[Payload]]:
    """Anonymize frames in order; each track keeps its nobody.

    Args:
        anonymizer: Its detector and landmarker follow the faces too.
        frames: (H, W, 3) uint8 RGB of one size, each with whatever is wanted back with it.
        seed: Of the run; None draws a fresh one, which the results tell.
        name: Of the video; with the seed and a track's number it decides who the new face is.
        look_ahead: Frames that wait for what later ones tell.
        detect_every: Frames from one detection to the next, where nothing changes.
        everywhere: Look at all of every frame, as where neighbouring frames have little in common.
        boxes: Detections from elsewhere, a list for each frame; None looks for faces.
        added: Boxes of faces in a frame, by what comes with it, whatever a detector says.
        keep: Says of each frame which tracks stay as they are, and why; None keeps none.

    Yields:
        One result for each frame, in order, some frames later.

    Raises:
        InputError: There are more frames than ``boxes`` tells of.

    Example:
        >>> frames = [(picture, "first"), (picture, "second")]  # any source of frames
        >>> for made in anonymize_frames(Anonymizer(), frames, seed=7):
        ...     print(made.payload, made.result, made.tracks)
        first <Result: 1 of 1 faces redrawn, 512 x 512> (0,)
        second <Result: 1 of 1 faces redrawn, 512 x 512> (0,)
    """
    run_seed = seeds.checked(seed)
    tracker = _tracker(anonymizer, look_ahead, detect_every, everywhere, boxes, added)

    def who(track: int) -> int:
        return seeds.face_seed(run_seed, name, track)

    waiting: deque[Future[Anonymized[Payload]]] = deque()
    chains, eyes, readings = Chains(), EyesAtRest(), Readings(anonymizer.read_expression)
    with ThreadPoolExecutor(_WORKERS) as pool:
        for window, centre in _windows(_tracked(tracker, frames)):
            frame = window[centre]
            faces = _steady_faces(*_shot(window, centre), who, eyes, readings)
            kept = {} if keep is None else keep(frame)
            links = chains.links(frame.seen)
            waiting.append(pool.submit(_drawn, anonymizer, frame, faces, kept, links, run_seed))
            while len(waiting) > 2 * _WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _tracker(
    anonymizer: Anonymizer, look_ahead: int, detect_every: int, everywhere: bool,
    boxes: Sequence[list[Detection]] | None, added: Callable[[Payload], Sequence[Box]],
) -> Tracker[Payload]:  # fmt: skip
    """Follows faces that the anonymizer's detector finds, or those in boxes from elsewhere."""
    finder, landmarker = anonymizer.detector, anonymizer.landmarks
    if boxes is not None:

        def given(image: Image, number: int) -> list[Detection]:
            if number >= len(boxes):
                raise InputError(f"the boxes tell of {len(boxes)} frames, and there are more")
            return boxes[number]

        return Tracker(given, landmarker, look_ahead, 1, None, everywhere, added)
    whole, look, glance = (
        (finder.whole, finder.quick, finder.glance)
        if isinstance(finder, Finder)
        else (finder, finder, None)
    )

    def found(image: Image, number: int) -> list[Detection]:
        return detect_turned(whole, image)

    return Tracker(
        found, landmarker, look_ahead, detect_every, look, everywhere, added, glance
    )  # fmt: skip


def _drawn(
    anonymizer: Anonymizer, frame: Frame[Payload], faces: dict[int, LocatedFace],
    kept: dict[int, str], links: dict[int, Link], seed: int,
) -> Anonymized[Payload]:  # fmt: skip
    """A frame without its faces but those that are kept."""
    drawn = [track for track in faces if track not in kept]
    try:
        result = redraw(
            anonymizer, frame.image, [faces[track] for track in drawn],
            [links[track] for track in drawn], seed,
        )  # fmt: skip
    finally:
        for link in links.values():
            link.close()
    found = {track: face.detection for track, face in faces.items()}
    return Anonymized(result, tuple(drawn), frame.payload, kept, found)


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


def _shot(window: list[Frame[Payload]], centre: int) -> tuple[list[Frame[Payload]], int]:
    """What of a window lies in the shot of one of its frames, and that one's place in it."""
    first = max(i for i in range(centre + 1) if i == 0 or window[i].starts_shot)
    ends = [i for i in range(centre + 1, len(window)) if window[i].starts_shot]
    return window[first : ends[0] if ends else len(window)], centre - first


def _steady_faces(
    shot: list[Frame[Payload]], centre: int, who: Callable[[int], int], eyes: EyesAtRest,
    readings: Readings,
) -> dict[int, LocatedFace]:  # fmt: skip
    """The faces of one frame by track, steadied by those around it in the same shot."""
    points: dict[int, NDArray[np.float64] | None] = {}
    for track, sighting in shot[centre].seen.items():
        points[track] = sighting.landmarks_px
        if sighting.landmarks_px is not None:
            sightings = [frame.seen.get(track) for frame in shot]
            around = [None if s is None else s.landmarks_px for s in sightings]
            points[track] = steadied(around, centre)
    return located_faces(shot[centre], points, who, eyes, readings.around(shot, centre))


def located_faces(
    frame: Frame[Any],
    landmarks_px: Mapping[int, NDArray[np.float64] | None],
    who: Callable[[int], int],
    eyes: EyesAtRest,
    readings: Mapping[int, Reading],
) -> dict[int, LocatedFace]:
    """A frame's faces by track, to be drawn.

    Args:
        frame: Whose faces are followed.
        landmarks_px: (478, 3) by track, or None.
        who: Seed of a track's new face.
        eyes: Of the tracks; this frame is counted.
        readings: Of their expressions, as far as they are known.
    """
    at_rest = eyes.after(landmarks_px)
    return {
        track: LocatedFace(
            Detection(sighting.box_xyxy, sighting.score, None, sighting.merged),
            landmarks_px[track], who(track), _NOT_SEEN, eyes_at_rest=at_rest[track],
            reading=readings.get(track),
        )
        for track, sighting in frame.seen.items()
    }  # fmt: skip
