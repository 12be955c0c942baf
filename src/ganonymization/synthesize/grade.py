"""A new face as sharp and contrasty as its surroundings, as one camera sees them.

How sharp a picture is shows in how much of its detail is in the finest octave, beside the next one
(an edge has as much in both, a blurred one less in the finest). Measured in real portraits, skin
has nearly the ratio of what surrounds the face. So the new face's finest octave is made stronger or
weaker until its ratio is that of the surroundings, and the next one never stronger than there; a
part of what is added is grain.
"""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry.rasterisation import DARKEST, Texture
from ..geometry.wall import GeneratorInput
from ..types import Image, Mask

_FINE_PX = 1.2
_NEXT_PX, _THIRD_PX = _FINE_PX * 3**0.5, 2 * _FINE_PX * 3**0.5
"""Gaussians, each of what the last one left, whose differences are octaves: 1.2, 2.4 and 4.8."""

_OF_SURROUNDINGS = 1.25  # a face's ratio, of that of its surroundings: donors lack the finest
_LEAST, _MOST = 0.42, 1.3  # ratios of faces in photographs, and a little more
_UNSEEN = 0.8  # where nothing surrounds the face
_OVERLAP = 1.7  # what is added to the finest octave is partly in the next one, too
_GAINS = (0.3, 4.0)
_GRAIN = 0.4  # of the next octave, at a gain of 2
_MOST_GRAIN = 6.0  # levels
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
    if seen.sum() < _FEWEST_PX:
        return Grade(_UNSEEN_CONTRAST * smoothed)
    grey = cv2.cvtColor(inputs.context, cv2.COLOR_RGB2GRAY)
    fine, following, third = _octaves(_plane(grey))
    ratio = _ratio(following, third, seen)
    finest = float(np.clip(_OF_SURROUNDINGS * _ratio(fine, following, seen), _LEAST, _MOST))
    size = (_GRADE_PX, _GRADE_PX)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    seen = cv2.resize(seen.view(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    _, detail, _ = _octaves(_plane(np.log(small.astype(np.float32) / 255 + DARKEST)))
    strong = float(np.abs(detail[seen]).mean()) if seen.any() else _USUAL_DETAIL
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
    skin = texture.skin > 250
    if skin.sum() < _FEWEST_PX:
        return face
    fine, following, third = _octaves(_plane(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)))
    soft = float(np.clip(grade.softest / _ratio(following, third, skin), _GAINS[0], 1))
    softer, softer_next = fine * np.float32(soft), following * np.float32(soft)
    wanted = grade.finest / _ratio(softer, softer_next, skin)
    gain = float(np.clip(wanted**_OVERLAP, *_GAINS))
    more = gain * softer - fine + softer_next - following
    if gain > 1:
        left, top, width, height = cv2.boundingRect(texture.skin)
        here = slice(top, top + height), slice(left, left + width)
        noise = np.random.default_rng(seed).standard_normal(fine.shape, np.float32)
        grain = _grain(noise[here], softer_next[here], texture.skin[here])
        more[here] += (gain - 1) * grain  # of the whole crop's noise: no frame's window moves it
    more *= _within(texture.skin)  # at its outline a step would get a light line and a dark one
    return np.asarray(cv2.add(face, cv2.merge([more] * 3), dtype=cv2.CV_8U), np.uint8)


def _within(skin: NDArray[np.uint8]) -> Plane:
    """The share of skin, 1 in eyes and mouth, (S, S)."""
    bare = np.pad((skin == 0).view(np.uint8), 1, constant_values=1)
    cv2.floodFill(bare, np.zeros(np.add(bare.shape, 2), np.uint8), (0, 0), (0,))
    # What is bare yet is surrounded by skin.
    return _plane(np.where(bare[1:-1, 1:-1] > 0, 1, skin / np.float32(255)))


def _ratio(octave: Plane, coarser: Plane, where: Mask) -> float:
    """Mean size of an octave, of a coarser one's; never 0."""
    whole = max(float(np.abs(coarser[where]).mean()), 1e-3)
    return max(float(np.abs(octave[where]).mean()) / whole, 1e-3)


def _well_outside(wall_mask: Mask) -> Mask:
    side = 2 * _NEAR_WALL_PX + 1
    near = cv2.dilate(wall_mask.view(np.uint8), np.ones((side, side), np.uint8))
    return np.asarray(near == 0)


def _octaves(grey: Plane) -> tuple[Plane, Plane, Plane]:
    once = cv2.GaussianBlur(grey, (0, 0), _FINE_PX)
    twice = cv2.GaussianBlur(once, (0, 0), _NEXT_PX)
    thrice = cv2.GaussianBlur(twice, (0, 0), _THIRD_PX)
    return _plane(grey - once), _plane(once - twice), _plane(twice - thrice)


def _plane(values: NDArray[Any]) -> Plane:
    return np.asarray(values, np.float32)


def _grain(noise: Plane, following: Plane, skin: NDArray[np.uint8]) -> Plane:
    """Noise of the finest octave, as strong as the skin's next octave has it nearby."""
    fine = cv2.GaussianBlur(noise, (0, 0), 0.5) - cv2.GaussianBlur(noise, (0, 0), _FINE_PX)
    nearby = np.sqrt(cv2.GaussianBlur(following**2, (0, 0), 6))
    strength = np.minimum(_GRAIN * nearby, _MOST_GRAIN) * (skin / np.float32(255))
    return np.asarray(fine / fine.std() * strength, np.float32)
