"""Originals and their outputs, looked at side by side."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..io import images
from ..types import Image, Skipped
from .observer import Observer, ObserverSpec
from .pairing import Pair
from .store import Store, Values

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]

_LANDMARKS = (478, 3)
_GRADIENTS = (1568,)


class Asked(NamedTuple):
    """A file to look at.

    Attributes:
        path: Of the picture.
        surroundings: Ask the recogniser about what is around the face, too.
        marked_px: (478, 3), ask it about the face that is said to be there; None looks for one.
    """

    path: Path
    surroundings: bool = False
    marked_px: Floats | None = None


Keys = dict[tuple[Path, bool], str]
Observe = Callable[[Sequence[Asked]], Iterable[Values | Skipped]]


@dataclass(frozen=True)
class Seen:
    """What was seen in N pictures, NaN where no face was found.

    Attributes:
        sha256: (N,) of the file, ``""`` where there is none.
        faces: (N,) how many were found.
        size_hw: (N, 2) of the picture, in pixels.
        landmarks_px: (N, 478, 3) of the largest face.
        embedding: (N, D) that the recogniser made of it.
        context: (N, D) with the face painted over.
        gradients: (N, 1568), see :mod:`ganonymization.evaluation.appearance`.
        skin_tone_deg: (N,).
        sharpness: (N,).
    """

    sha256: Texts
    faces: NDArray[np.int64]
    size_hw: Floats
    landmarks_px: Floats
    embedding: Floats
    context: Floats
    gradients: NDArray[np.float32]
    skin_tone_deg: Floats
    sharpness: Floats

    @classmethod
    def of(
        cls, hashes: Sequence[str], observations: Sequence[Values | None], width: int | None = None
    ) -> "Seen":
        """Stack observations.

        Args:
            hashes: Of the files, ``""`` where there is none.
            observations: None stands for a picture that is not there.
            width: D, should no picture show a face.
        """
        seen = [{} if o is None else o for o in observations]
        width = next((len(o["embedding"]) for o in seen if "embedding" in o), width or 1)

        def stacked(name: str, shape: tuple[int, ...]) -> Floats:
            gap = np.full(shape, np.nan, np.float32)
            return np.stack([np.reshape(o.get(name, gap), shape) for o in seen]).astype(np.float64)

        return cls(
            np.array(hashes, np.str_),
            np.array([len(o.get("boxes", ())) for o in seen]),
            stacked("size_hw", (2,)),
            stacked("landmarks_px", _LANDMARKS),
            stacked("embedding", (width,)),
            stacked("context", (width,)),
            stacked("gradients", _GRADIENTS).astype(np.float32),
            stacked("skin_tone_deg", ()),
            stacked("sharpness", ()),
        )

    @property
    def found(self) -> NDArray[np.bool_]:
        """(N,) whether there is a face with landmarks."""
        there: NDArray[np.bool_] = np.isfinite(self.landmarks_px[:, 0, 0])
        return there


@dataclass(frozen=True)
class PairedObservations:
    """Everything that a family of figures may look at; rows are originals that show a face.

    Attributes:
        file: (N,) relative to the folder of the originals.
        person: (N,) who is on it; where nobody told, each picture is of its own person.
        labels: By column, (N,) values, ``""`` where unknown.
        groups: The columns by which figures are broken down.
        before: The originals.
        after: The outputs.
        outputs: (N,) how many outputs there are of each.
        unchanged: (N,) how much of some face is left as it was, 0 to 1; NaN where the output is of
            another size.
        surroundings: (N,) how much of what is around faces is left, 0 to 1; NaN for portraits.
        original: (N,) paths.
        output: (N,) paths, ``""`` where there is none.
        scene: Outputs are whole pictures rather than heads.
    """

    file: Texts
    person: Texts
    labels: Mapping[str, Texts]
    groups: Mapping[str, Texts]
    before: Seen
    after: Seen
    outputs: NDArray[np.int64]
    unchanged: Floats
    surroundings: Floats
    original: Texts
    output: Texts
    scene: bool

    @property
    def expression(self) -> Texts:
        """(N,) the labelled expressions, ``""`` where unknown."""
        return self.labels.get("expression", np.full(len(self.file), ""))


@dataclass(frozen=True)
class Looked:
    """One pair, seen; see :class:`PairedObservations`."""

    pair: Pair
    hashes: tuple[str, str]
    before: Values | None
    after: Values | None
    unchanged: float
    surroundings: float
    problems: tuple[Skipped, ...]


def look(
    pairs: Sequence[Pair], observe: Observe, version: str, store: Store, advance: Callable[[], None]
) -> list[Looked]:
    """Look at every pair; what the store knows is not looked at again.

    Args:
        pairs: See :func:`ganonymization.evaluation.pairing.pair`.
        observe: Looks at files, in order.
        version: Names whatever decides what is seen.
        store: Keeps what was seen.
        advance: Called for each file.
    """
    keys: Keys = {}
    problems: dict[Path, Skipped] = {}
    for asked in (asked for pair in pairs for asked in _asked(pair)):
        try:
            keys[asked.path, asked.surroundings] = " ".join(
                (_sha256(asked.path), "original" if asked.surroundings else "output", version)
            )
        except InputError as error:
            problems[asked.path] = Skipped(asked.path, str(error), True)
            advance()
    unknown = {key: Asked(*file) for file, key in keys.items() if not store.has(key)}
    for _ in range(len(keys) - len(unknown)):
        advance()
    for key, seen in zip(unknown, observe(list(unknown.values())), strict=True):
        if isinstance(seen, Skipped):
            alike = [path for (path, _), other in keys.items() if other == key]
            problems |= {path: seen._replace(path=path) for path in alike}
        else:
            store.put(key, seen)
        advance()
    looked = [_looked(pair, keys, problems, store) for pair in pairs]
    return _with_marked(looked, observe, version, store)


def _asked(pair: Pair) -> tuple[Asked, ...]:
    return Asked(pair.original, True), *(Asked(path) for path in pair.outputs[:1])


def _with_marked(
    looked: list[Looked], observe: Observe, version: str, store: Store
) -> list[Looked]:
    """In scenes without a face the recogniser is asked where the original one was."""
    faceless = {
        _marked_key(one, version): one
        for one in looked
        if one.before and one.after and "landmarks_px" in one.before
        and "landmarks_px" not in one.after and same_size(one.before, one.after)
    }  # fmt: skip
    unknown = [key for key in faceless if not store.has(key)]
    asked = []
    for key in unknown:
        one = faceless[key]
        marked = {} if one.before is None else one.before
        asked.append(Asked(one.pair.outputs[0], marked_px=marked["landmarks_px"].astype(float)))
    for key, seen in zip(unknown, observe(asked), strict=True):
        if not isinstance(seen, Skipped):
            store.put(key, seen)
    return [
        one if key not in faceless
        else replace(one, after={**(one.after or {}), **(store.get(key) or {})})
        for one, key in ((one, _marked_key(one, version)) for one in looked)
    ]  # fmt: skip


def _marked_key(one: Looked, version: str) -> str:
    return f"{one.hashes[1]} at {one.hashes[0]} {version}"


def in_processes(eye: ObserverSpec, jobs: int) -> Observe:
    """Looks at files in processes of their own, for recognisers keep a whole one busy."""

    def observe(files: Sequence[Asked]) -> Iterator[Values | Skipped]:
        if not files:
            return
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            yield from pool.map(partial(observe_file, eye), files, chunksize=4)

    return observe


def observe_file(eye: ObserverSpec, asked: Asked) -> Values | Skipped:
    """What an eye sees in a file, or why not; the eye's networks are loaded once in a process."""
    path, surroundings, marked_px = asked
    try:
        image = images.read(path).pixels
        if marked_px is not None:
            return _observer(eye).marked(image, marked_px)
        return _observer(eye)(image, surroundings)
    except InputError as error:
        return Skipped(path, str(error), True)


@cache
def _observer(eye: ObserverSpec) -> Observer:
    return eye.load()


def _looked(pair: Pair, keys: Keys, problems: Mapping[Path, Skipped], store: Store) -> Looked:
    files = [(asked.path, asked.surroundings) for asked in _asked(pair)]
    seen = [store.get(keys[file]) if file in keys else None for file in files]
    before, after = seen[0], seen[1] if len(seen) > 1 else None
    shares = float("nan"), float("nan")
    if before and after and len(before["boxes"]) and same_size(before, after):
        original, output = (images.read(path).pixels for path, _ in files)
        shares = unchanged_shares(original, output, before["boxes"])
    hashes = [keys[file].partition(" ")[0] if file in keys else "" for file in files]
    told = tuple(problems[path] for path, _ in files if path in problems)
    return Looked(pair, (hashes[0], (*hashes, "")[1]), before, after, *shares, told)


def same_size(before: Values, after: Values) -> bool:
    """Whether two pictures have one size, as scenes do."""
    return bool((before["size_hw"] == after["size_hw"]).all())


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def unchanged_shares(
    before: Image, after: Image, boxes: NDArray[np.float32]
) -> tuple[float, float]:
    """How much of a picture is left: within the face that is left most, and around the faces.

    A pixel within is left where no channel differs by more than 3 grey levels, which writing a JPEG
    anew does to it; around, 16 are allowed.

    Args:
        before: (H, W, 3) uint8 RGB.
        after: (H, W, 3).
        boxes: (F, 4) of the faces.
    """
    change = np.abs(before.astype(np.int16) - after.astype(np.int16)).max(-1)
    around = np.ones(change.shape, bool)
    within = 0.0
    for left, top, right, bottom in boxes:
        x, y, w, h = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
        middle = change[_part(x, y, w / 4, h / 4)]  # a box's corners show surroundings
        within = max(within, float((middle <= 3).mean())) if middle.size else within
        around[_part(x, y, w, h)] = False
    beside = change[around]
    return within, float((beside <= 16).mean()) if beside.size else float("nan")


def _part(x: float, y: float, half_width: float, half_height: float) -> tuple[slice, slice]:
    rows = slice(max(int(y - half_height), 0), max(int(y + half_height) + 1, 0))
    return rows, slice(max(int(x - half_width), 0), max(int(x + half_width) + 1, 0))
