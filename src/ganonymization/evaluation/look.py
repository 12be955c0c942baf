"""Looking at originals and their outputs side by side; what was seen before is kept."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..batch.manifest import sha256_of
from ..errors import InputError
from ..io import images
from ..types import Image, Skipped
from .arrays import Values
from .observer import Observer, ObserverSpec
from .pairing import Pair
from .store import Arrays, Store


class ToObserve(NamedTuple):
    """A file to look at.

    Attributes:
        path: Of the picture.
        surroundings: Ask the recogniser about what is around the face, too.
        marked_px: (478, 3), of the face in the original, where one is looked for; else None.
    """

    path: Path
    surroundings: bool = False
    marked_px: Values | None = None


Observe = Callable[[Sequence[ToObserve]], Iterable[Arrays | Skipped]]


@dataclass(frozen=True)
class ObservedPair:
    """One pair, seen; see :class:`~ganonymization.evaluation.observations.PairedObservations`."""

    pair: Pair
    hashes: tuple[str, str]
    before: Arrays | None
    after: Arrays | None
    unchanged: float
    surroundings: float
    problems: tuple[Skipped, ...]

    @property
    def shows_face(self) -> bool:
        """Whether a face was found in the original."""
        return self.before is not None and len(self.before["boxes"]) > 0


def look(
    file_pairs: Sequence[Pair],
    observe: Observe,
    version: str,
    store: Store,
    advance: Callable[[], None],
) -> list[ObservedPair]:
    """Look at every pair, files in order; what the store knows is not looked at again.

    Args:
        file_pairs: Originals and outputs.
        observe: Looks at files.
        version: Names whatever decides what is seen.
        store: Keeps what was seen.
        advance: Called for each file.
    """
    keys: dict[ToObserve, str] = {}
    found: dict[ToObserve, Arrays | Skipped] = {}
    for job in itertools.chain.from_iterable(map(_jobs, file_pairs)):
        try:
            kind = "original" if job.surroundings else "output"
            keys[job] = f"{sha256_of(job.path)} {kind} {version}"
        except OSError as error:
            reason = f"{job.path}: cannot be read ({error.strerror})"
            found[job] = Skipped(job.path, reason, True)
            advance()
    jobs = {key: job for job, key in keys.items()}
    for _ in range(len(keys) - len(jobs)):  # files of equal content
        advance()
    seen = _seen(jobs, observe, store, advance)
    for job, key in keys.items():
        one = seen[key]
        found[job] = one._replace(path=job.path) if isinstance(one, Skipped) else one
    observed = [_observed_pair(pair, keys, found) for pair in file_pairs]
    return _with_marked(observed, observe, version, store)


def _jobs(pair: Pair) -> tuple[ToObserve, ...]:
    return ToObserve(pair.original, True), *(ToObserve(path) for path in pair.outputs[:1])


def _seen(
    jobs: Mapping[str, ToObserve], observe: Observe, store: Store, advance: Callable[[], None]
) -> dict[str, Arrays | Skipped]:
    """What is seen in files by key, from the store or from looking."""
    found: dict[str, Arrays | Skipped] = {}
    for key in jobs:
        if (kept := store.get(key)) is not None:
            found[key] = kept
            advance()
    new = {key: job for key, job in jobs.items() if key not in found}
    for key, seen in zip(new, observe(list(new.values())), strict=True):
        if not isinstance(seen, Skipped):
            store.put(key, seen)
        found[key] = seen
        advance()
    return found


def _observed_pair(
    pair: Pair, keys: Mapping[ToObserve, str], found: Mapping[ToObserve, Arrays | Skipped]
) -> ObservedPair:
    jobs = _jobs(pair)
    seen = [found[job] for job in jobs]
    before, after = (*(None if isinstance(one, Skipped) else one for one in seen), None)[:2]
    hashes = (*(keys.get(job, "").partition(" ")[0] for job in jobs), "")
    shares = float("nan"), float("nan")
    if before and after and len(before["boxes"]) and same_size(before, after):
        original, output = (images.read(job.path).pixels for job in jobs)
        shares = unchanged_shares(original, output, before["boxes"])
    problems = tuple(one for one in seen if isinstance(one, Skipped))
    return ObservedPair(pair, (hashes[0], hashes[1]), before, after, *shares, problems)


def _with_marked(
    observed: list[ObservedPair], observe: Observe, version: str, store: Store
) -> list[ObservedPair]:
    """In scenes without a face the recogniser is asked where the original one was."""
    keys: dict[int, str] = {}
    jobs: dict[str, ToObserve] = {}
    for row, one in enumerate(observed):
        before, after = one.before or {}, one.after or {}
        if "landmarks_px" in before and after and "landmarks_px" not in after \
                and same_size(before, after):  # fmt: skip
            keys[row] = f"{one.hashes[1]} at {one.hashes[0]} {version}"
            marked_px = before["landmarks_px"].astype(float)
            jobs[keys[row]] = ToObserve(one.pair.outputs[0], marked_px=marked_px)
    seen = _seen(jobs, observe, store, lambda: None)
    known: dict[int, Arrays] = {
        row: found for row, key in keys.items() if not isinstance(found := seen[key], Skipped)
    }
    return [
        replace(one, after={**(one.after or {}), **known[row]}) if row in known else one
        for row, one in enumerate(observed)
    ]


def in_processes(spec: ObserverSpec, jobs: int) -> Observe:
    """Looks at files in processes of their own, for recognisers keep a whole one busy."""

    def observe(files: Sequence[ToObserve]) -> Iterator[Arrays | Skipped]:
        if not files:
            return
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            yield from pool.map(partial(observe_file, spec), files, chunksize=4)

    return observe


def observe_file(spec: ObserverSpec, job: ToObserve) -> Arrays | Skipped:
    """What is seen in a file, or why not; networks are loaded once in a process."""
    try:
        image = images.read(job.path).pixels
        if job.marked_px is not None:
            return _observer(spec).marked(image, job.marked_px)
        return _observer(spec)(image, job.surroundings)
    except InputError as error:
        return Skipped(job.path, str(error), True)


@cache
def _observer(spec: ObserverSpec) -> Observer:
    return spec.load()


def same_size(before: Arrays, after: Arrays) -> bool:
    """Whether two pictures have one size, as scenes do."""
    return bool((before["size_hw"] == after["size_hw"]).all())


def unchanged_shares(
    before: Image, after: Image, boxes: NDArray[np.float32]
) -> tuple[float, float]:
    """How much of a picture is left: within the face that is left most, and around the faces.

    A pixel within is left where no channel differs by more than 3 grey levels, which writing a JPEG
    anew does to it; around, 16 are allowed. Pictures are (H, W, 3) uint8, ``boxes`` (F, 4).
    """
    change = change_between(before, after)
    around = np.ones(change.shape, bool)
    within = 0.0
    for left, top, right, bottom in boxes:
        within = max(within, unchanged_within(change, (left, top, right, bottom)))
        x, y, w, h = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
        around[part_of(x, y, w, h)] = False
    beside = change[around]
    return within, float((beside <= 16).mean()) if beside.size else float("nan")


def change_between(before: Image, after: Image) -> NDArray[np.int16]:
    """By how many grey levels each pixel has changed, in the channel that changed most, (H, W)."""
    change: NDArray[np.int16] = np.abs(before.astype(np.int16) - after.astype(np.int16)).max(-1)
    return change


def unchanged_within(change: NDArray[np.int16], box_xyxy: Sequence[float] | Values) -> float:
    """Share of the middle of a box that has changed by 3 grey levels or less."""
    left, top, right, bottom = box_xyxy
    width, height = right - left, bottom - top  # a box's corners show surroundings
    middle = change[part_of((left + right) / 2, (top + bottom) / 2, width / 4, height / 4)]
    return float((middle <= 3).mean()) if middle.size else 0.0


def part_of(x: float, y: float, half_width: float, half_height: float) -> tuple[slice, slice]:
    """Rows and columns of a box around a point, in pixels."""
    rows = slice(max(int(y - half_height), 0), max(int(y + half_height) + 1, 0))
    return rows, slice(max(int(x - half_width), 0), max(int(x + half_width) + 1, 0))
