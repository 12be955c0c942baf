"""Originals and their outputs, looked at side by side."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..errors import InputError
from ..types import Image, LeftOut
from .observe import Observer
from .pairing import Pair
from .store import Store, Values

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]

_LANDMARKS = (478, 3)
_GRADIENTS = (1568,)


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
    def of(cls, hashes: Sequence[str], observations: Sequence[Values | None]) -> "Seen":
        """Stack observations; None stands for a picture that is not there."""
        seen = [{} if o is None else o for o in observations]
        width = next((len(o["embedding"]) for o in seen if "embedding" in o), 1)

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

    def rows(self, chosen: Sequence[int]) -> "Seen":
        """Some of the pictures."""
        return Seen(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @property
    def found(self) -> NDArray[np.bool_]:
        """(N,) whether there is a face with landmarks."""
        there: NDArray[np.bool_] = np.isfinite(self.landmarks_px[:, 0, 0])
        return there


@dataclass(frozen=True)
class Sides:
    """Everything that a family of figures may look at; rows are originals that show a face.

    Attributes:
        file: (N,) relative to the folder of the originals.
        person: (N,) who is on it; where nobody told, each picture is of its own person.
        labels: By column, (N,) values, ``""`` where unknown.
        groups: The columns by which figures are broken down.
        before: The originals.
        after: The outputs.
        outputs: (N,) how many outputs there are of each.
        unchanged: (N,) how much of some face is left as it was, 0 to 1; NaN for portraits.
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
    """One pair, seen; see :class:`Sides`."""

    pair: Pair
    hashes: tuple[str, str]
    before: Values | None
    after: Values | None
    unchanged: float
    surroundings: float
    problem: LeftOut | None


def look(
    pairs: Sequence[Pair],
    observer: Observer,
    store: Store,
    advance: Callable[[], None],
) -> list[Looked]:
    """Look at every pair; what the store knows is not looked at again.

    Args:
        pairs: See :func:`ganonymization.evaluation.pairing.pair`.
        observer: Looks.
        store: Keeps what was seen.
        advance: Called after each pair.
    """
    return [_look_at(pair, observer, store, advance) for pair in pairs]


def _look_at(pair: Pair, observer: Observer, store: Store, advance: Callable[[], None]) -> Looked:
    sides = [_observed(path, observer, store) for path in (pair.original, *pair.outputs[:1])]
    (original, before, problem), *rest = sides
    output, after, trouble = rest[0] if rest else (None, None, None)
    shares = float("nan"), float("nan")
    if original and output and before and len(before["boxes"]):
        shares = unchanged_shares(original.pixels(), output.pixels(), before["boxes"])
    hashes = (original.sha256 if original else "", output.sha256 if output else "")
    advance()
    return Looked(pair, hashes, before, after, *shares, problem or trouble)


def _observed(
    path: Path, observer: Observer, store: Store
) -> tuple["Picture | None", Values | None, LeftOut | None]:
    try:
        picture = Picture.read(path)
        return picture, picture.observed(observer, store), None
    except InputError as error:
        return None, None, LeftOut(path, str(error), True)


def unchanged_shares(
    before: Image, after: Image, boxes: NDArray[np.float32]
) -> tuple[float, float]:
    """How much of a picture is left: within the face that is left most, and around the faces.

    A pixel within is left where no channel differs by more than 3 grey levels, which writing a JPEG
    anew does to it; around, 16 are allowed. NaN for pictures of another size, which are no scenes.

    Args:
        before: (H, W, 3) uint8 RGB.
        after: (H, W, 3) or of another size.
        boxes: (F, 4) of the faces.
    """
    if before.shape != after.shape:
        return float("nan"), float("nan")
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


@dataclass
class Picture:
    """A file, decoded only when its pixels are asked for."""

    path: Path
    sha256: str
    _pixels: Image | None = None

    @classmethod
    def read(cls, path: Path) -> "Picture":
        """Hash a file.

        Raises:
            InputError: It cannot be read.
        """
        try:
            return cls(path, hashlib.sha256(path.read_bytes()).hexdigest())
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error

    def pixels(self) -> Image:
        """(H, W, 3) uint8 RGB."""
        if self._pixels is None:
            self._pixels = images.read(self.path).pixels
        return self._pixels

    def observed(self, observer: Observer, store: Store) -> Values:
        """What an observer sees in it, from the store if it saw it before."""
        key = f"{self.sha256} {observer.version}"
        known = store.get(key)
        if known is None:
            known = observer(self.pixels())
            store.put(key, known)
        return known
