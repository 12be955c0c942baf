"""A new face as sharp and contrasty as its surroundings, as one camera sees them.

How sharp a picture is shows in how much of its detail is in the finest octave, beside the next one
(an edge has as much in both, a blurred one less in the finest). Measured in real portraits, skin
has nearly the ratio of what surrounds the face. So the new face's finest octave is made stronger or
weaker until its ratio is that of the surroundings, and the next one never stronger than there; a
part of what is added is grain.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import seeds
from ..geometry.rasterisation import Texture, logarithm
from ..geometry.wall import GeneratorInput
from ..types import Image, Mask

_FINE_PX = 1.2
_NEXT_PX, _THIRD_PX = _FINE_PX * 3**0.5, 2 * _FINE_PX * 3**0.5
"""Gaussians, each of what the last one left, whose differences are octaves: 1.2, 2.4 and 4.8."""
_TAIL = 3.0  # deviations: what lies farther off, a Gaussian leaves out
_MARGIN_PX = 22  # as far as the three Gaussians reach together

_OF_SURROUNDINGS = 1.25  # a face's ratio, of that of its surroundings: donors lack the finest
_LEAST, _MOST = 0.42, 1.3  # ratios of faces in photographs, and a little more
_UNSEEN = 0.8  # where nothing surrounds the face
_OVERLAP = 1.7  # what is added to the finest octave is partly in the next one, too
_GAINS = (0.3, 4.0)
_GRAIN = 0.4  # of the next octave, at a gain of 2
_MOST_GRAIN = 6.0  # levels
_NEARBY_PX = 21  # side of a square that tells how strong the next octave is
_TILE_PX = 256  # all faces' noise is one tile, moved: nobody sees that it repeats
_STREAM = 0x677261696E  # another stream than the style's
_GRADE_PX = 256
_USUAL_DETAIL, _OF_DONORS, _POWER = 0.022, 0.87, 0.8  # of a logarithm; a donor's; of the law
_CONTRASTS, _UNSEEN_CONTRAST = (0.5, 1.25), 0.9
_FILMED = 0.5  # cameras that film and codecs smooth skin, and leave what surrounds it
_KEPT = 0.9  # of a logarithm: brows, lids and lips, which a camera that smooths skin keeps
_CRISP, _SOFT_POWER = 0.72, 1.5  # next octave by the third in crisp pictures; of the law below
_NEAR_WALL_PX = 7  # resampling has touched what lies nearer
_FEWEST_PX = 500
Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Grade:
    """How sharp and contrasty a face is where it is.

    Attributes:
        contrast: Detail of its skin, of a donor's.
        finest: Its finest octave, of the next one.
        softest: The most of its next octave, of the third.
    """

    contrast: float = _UNSEEN_CONTRAST
    finest: float = _UNSEEN
    softest: float = np.inf


def grade_of(inputs: GeneratorInput) -> Grade:
    """The grade of a face's surroundings; a usual one where nothing surrounds it.

    Donors are studio pictures; skin in a soft video has half of their contrast at every scale. How
    much is told by the surroundings' detail, by a power law between kinds of pictures (of one kind,
    pictures differ by more than it tells, so it is bounded), and by how soft their octaves are: a
    blur that takes the next octave, too, leaves the finest one's ratio as it is.
    """
    seen = _well_outside(inputs.wall_mask)
    smoothed = _FILMED if inputs.filmed else 1.0
    if cv2.countNonZero(seen) < _FEWEST_PX:
        return Grade(_UNSEEN_CONTRAST * smoothed)
    grey = cv2.cvtColor(inputs.context, cv2.COLOR_RGB2GRAY)
    fine, following, third = _octaves(_plane(grey))
    ratio = _ratio(following, third, seen)
    finest = float(np.clip(_OF_SURROUNDINGS * _ratio(fine, following, seen), _LEAST, _MOST))
    size = (_GRADE_PX, _GRADE_PX)
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    shown = cv2.resize(seen, size, interpolation=cv2.INTER_NEAREST)
    once = _smoothed(logarithm(small), _FINE_PX)
    detail = once - _smoothed(once, _NEXT_PX)
    count = cv2.countNonZero(shown)
    strong = cv2.norm(detail, cv2.NORM_L1, shown) / count if count else _USUAL_DETAIL
    most = min(_CONTRASTS[1], _CONTRASTS[1] * (ratio / _CRISP) ** _SOFT_POWER)
    told = max(min(_OF_DONORS * (strong / _USUAL_DETAIL) ** _POWER, most), _CONTRASTS[0])
    return Grade(told * smoothed, finest, ratio)


def as_contrasty(texture: Texture, grade: Grade) -> Texture:
    """A delit texture, about a middle grey, whose detail is as strong as a grade has it.

    Where it is weaker than a donor's, the faint is weakened and the strong stays (coring; Rossi,
    "Digital techniques for reducing television noise", SMPTE Journal 1978).
    """
    detail = np.log(np.maximum(np.arange(256) / 127.5, 1e-3))
    kept = np.clip(np.abs(detail) / _KEPT, 0, 1)
    weakened = max(1 - grade.contrast, 0)
    power = grade.contrast + weakened * kept * kept * (3 - 2 * kept)
    table = np.clip(np.round(127.5 * np.exp(detail * power)), 0, 255).astype(np.uint8)
    return replace(texture, image=np.asarray(cv2.LUT(texture.image, table), np.uint8))


def as_sharp(face: Image, texture: Texture, grade: Grade, seed: int) -> Image:
    """A drawn face as sharp as its surroundings, (S, S, 3) uint8 RGB.

    Args:
        face: (S, S, 3) uint8 RGB.
        texture: That it wears: what it covers is changed.
        grade: Of its surroundings.
        seed: Of its grain.
    """
    skin = (texture.skin > 250).view(np.uint8)
    if cv2.countNonZero(skin) < _FEWEST_PX:
        return face
    here = _around(texture.skin)
    near, skin = np.ascontiguousarray(face[here]), np.ascontiguousarray(skin[here])
    fine, following, third = _octaves(_plane(cv2.cvtColor(near, cv2.COLOR_RGB2GRAY)))
    soft = float(np.clip(grade.softest / _ratio(following, third, skin), _GAINS[0], 1))
    softer, softer_next = fine * np.float32(soft), following * np.float32(soft)
    wanted = grade.finest / _ratio(softer, softer_next, skin)
    gain = float(np.clip(wanted**_OVERLAP, *_GAINS))
    more = gain * softer - fine + softer_next - following
    if gain > 1:
        grain = _grain(_noise(seed, here), softer_next)
        more += grain * (texture.skin[here] * np.float32((gain - 1) / 255))
    more *= _within(texture.skin[here])  # at its outline a step would get light and dark lines
    out = face.copy()
    out[here] = cv2.add(near, cv2.merge([more] * 3), dtype=cv2.CV_8U)
    return out


def _around(skin: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns that hold skin and what its octaves are made of."""
    left, top, width, height = cv2.boundingRect(skin)
    size = len(skin)
    return (
        slice(max(0, top - _MARGIN_PX), min(size, top + height + _MARGIN_PX)),
        slice(max(0, left - _MARGIN_PX), min(size, left + width + _MARGIN_PX)),
    )


def _within(skin: NDArray[np.uint8]) -> Plane:
    """The share of skin, 1 in eyes and mouth, (S, S)."""
    bare = np.pad((skin == 0).view(np.uint8), 1, constant_values=1)
    cv2.floodFill(bare, np.zeros(np.add(bare.shape, 2), np.uint8), (0, 0), (0,))
    # What is bare yet is surrounded by skin.
    return _plane(np.where(bare[1:-1, 1:-1] > 0, 1, skin / np.float32(255)))


def _ratio(octave: Plane, coarser: Plane, where: NDArray[np.uint8]) -> float:
    """Mean size of an octave where a mask is not 0, of a coarser one's; never 0."""
    count = max(cv2.countNonZero(where), 1)
    own, whole = (cv2.norm(each, cv2.NORM_L1, where) / count for each in (octave, coarser))
    return max(own / max(whole, 1e-3), 1e-3)


def _well_outside(wall_mask: Mask) -> NDArray[np.uint8]:
    side = 2 * _NEAR_WALL_PX + 1
    near = cv2.dilate(wall_mask.view(np.uint8), np.ones((side, side), np.uint8))
    return np.asarray(1 - near, np.uint8)


def _octaves(grey: Plane) -> tuple[Plane, Plane, Plane]:
    once = _smoothed(grey, _FINE_PX)
    twice = _smoothed(once, _NEXT_PX)
    return grey - once, once - twice, twice - _smoothed(twice, _THIRD_PX)


def _smoothed(plane: Plane, deviation_px: float) -> Plane:
    side = 2 * round(_TAIL * deviation_px) + 1
    return np.asarray(cv2.GaussianBlur(plane, (side, side), deviation_px), np.float32)


def _plane(values: NDArray[Any]) -> Plane:
    return np.asarray(values, np.float32)


@cache
def _tile() -> Plane:
    """Noise of the finest octave, of deviation 1, that goes on beyond its edges as it begins."""
    noise = np.random.default_rng(0).standard_normal((_TILE_PX, _TILE_PX), np.float32)
    noise = np.pad(noise, _MARGIN_PX, mode="wrap")
    fine = _smoothed(noise, 0.5) - _smoothed(noise, _FINE_PX)
    fine = fine[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX]
    return np.asarray(fine / fine.std(), np.float32)


def _noise(seed: int, here: tuple[slice, slice]) -> Plane:
    """Noise by crop pixels, so that it stays where it is when a window moves."""
    begins = (int(_TILE_PX * number) for number in seeds.uniform(seed ^ _STREAM, 2))
    rows, columns = (
        (np.arange(each.start, each.stop) + begin) % _TILE_PX
        for each, begin in zip(here, begins, strict=True)
    )
    return _plane(_tile()[np.ix_(rows, columns)])


def _grain(noise: Plane, following: Plane) -> Plane:
    """Noise as strong as the next octave has it nearby."""
    nearby = cv2.sqrt(cv2.blur(following**2, (_NEARBY_PX, _NEARBY_PX)))
    return _plane(noise * np.minimum(_GRAIN * nearby, _MOST_GRAIN))
