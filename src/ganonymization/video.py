"""A video, frame by frame: the same nobody in every frame of a face."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from . import seeds
from .faces import Located
from .pipeline import Anonymizer
from .steady import REACH, steadied
from .track import Frame, Sighting, Tracker
from .types import Detection, Image, Result

Payload = TypeVar("Payload")

_WORKERS = 2


@dataclass(frozen=True)
class Anonymized(Generic[Payload]):
    """A frame without its faces.

    Attributes:
        result: See :class:`ganonymization.Result`; its faces are in the order of ``tracks``.
        tracks: Number of each face's track.
        payload: What came with the frame.
    """

    result: Result
    tracks: tuple[int, ...]
    payload: Payload


def anonymize_frames(
    anonymizer: Anonymizer,
    frames: Iterable[tuple[Image, Payload]],
    seed: int | None = None,
    name: str = "",
    *,
    look_ahead: int = 12,
    detect_every: int = 4,
) -> Iterator[Anonymized[Payload]]:
    """Anonymize frames in order; each track keeps its nobody.

    Args:
        anonymizer: Its detector and landmarker follow the faces too.
        frames: (H, W, 3) uint8 RGB of one size, each with whatever is wanted back with it.
        seed: Of the run; None draws a fresh one, which the results tell.
        name: Of the video; with the seed and a track's number it decides who the new face is.
        look_ahead: Frames that wait for what later ones tell.
        detect_every: Frames from one detection to the next.

    Yields:
        One result for each frame, in order, some frames later.
    """
    tracker: Tracker[Payload] = Tracker(
        anonymizer.detect, anonymizer.landmarks, look_ahead, detect_every
    )

    run_seed = seeds.fresh_seed() if seed is None else seed

    def who(track: int) -> int:
        return seeds.face_seed(run_seed, name, track)

    def redraw(frame: Frame[Payload], faces: list[Located]) -> Anonymized[Payload]:
        result = anonymizer.redraw(frame.image, faces, run_seed)
        return Anonymized(result, tuple(frame.seen), frame.payload)

    waiting: deque[Future[Anonymized[Payload]]] = deque()
    with ThreadPoolExecutor(_WORKERS) as pool:
        for window, centre in _windows(_tracked(tracker, frames)):
            faces = _steady_faces(window, centre, who)
            waiting.append(pool.submit(redraw, window[centre], faces))
            while len(waiting) > 2 * _WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


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
) -> list[Located]:
    """The faces of one frame, steadied by those around it in the same shot."""
    first = max(i for i in range(centre + 1) if i == 0 or window[i].starts_shot)
    ends = [i for i in range(centre + 1, len(window)) if window[i].starts_shot]
    shot = window[first : ends[0] if ends else len(window)]
    faces = []
    for track, sighting in window[centre].seen.items():
        points = sighting.landmarks_px
        if points is not None:
            sightings = [frame.seen.get(track) for frame in shot]
            around = [None if s is None else s.landmarks_px for s in sightings]
            points = steadied(around, centre - first)
        faces.append(Located(_detection(sighting), points, who(track), _PROBLEM))
    return faces


_PROBLEM = "not seen well enough in this frame"


def _detection(sighting: Sighting) -> Detection:
    return Detection(sighting.box_xyxy, sighting.score)
