"""A new face as sharp and contrasty as its surroundings, as one camera sees them.

How sharp a picture is shows in how much of its detail is in the finest octave, beside the next one
(an edge has as much in both, a blurred one less in the finest). Measured in real portraits, skin
has nearly the ratio of what surrounds the face. So the new face's finest octave is made stronger or
weaker until its ratio is that of the surroundings; a part of what is added is grain.
"""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry.rasterisation import DARKEST, Texture
from ..geometry.wall import GeneratorInput
from ..types import Image, Mask

_FINE_PX, _NEXT_PX = 1.2, 1.2 * 3**0.5  # Gaussians whose differences are octaves: 1.2 and 2.4
_OF_SURROUNDINGS = 1.1  # a face's ratio, of that of its surroundings: donors lack the finest
_LEAST, _MOST = 0.42, 1.3  # ratios of faces in photographs, and a little more
_UNSEEN = 0.8  # where nothing surrounds the face
_OVERLAP = 1.7  # what is added to the finest octave is partly in the next one, too
_GAINS = (0.3, 4.0)
_GRAIN = 0.4  # of the next octave, at a gain of 2
_MOST_GRAIN = 6.0  # levels
_GRADE_PX = 256
_USUAL_DETAIL, _OF_DONORS, _POWER = 0.022, 0.87, 0.8  # of a logarithm; a donor's; of the law
_CONTRASTS, _UNSEEN_CONTRAST = (0.5, 1.1), 0.85
_NEAR_WALL_PX = 7  # resampling has touched what lies nearer
_FEWEST_PX = 500
Plane = NDArray[np.float32]


def as_contrasty(texture: Texture, inputs: GeneratorInput) -> Texture:
    """A delit texture whose detail is as strong as the surroundings'.

    Donors are studio pictures; skin in a soft video has half of their contrast at every scale. How
    much is told by the surroundings' detail, by a power law between kinds of pictures (of one kind,
    pictures differ by more than it tells, so it is bounded).

    Args:
        texture: Delit, about a middle grey.
        inputs: Surroundings.
    """
    factor = wanted_contrast(inputs)
    levels = np.arange(256, dtype=np.float64) / 127.5
    table = np.clip(np.round(127.5 * levels**factor), 0, 255).astype(np.uint8)
    return replace(texture, image=np.asarray(cv2.LUT(texture.image, table), np.uint8))


def wanted_contrast(inputs: GeneratorInput) -> float:
    """Detail of a face, of a donor's, as its surroundings have it."""
    size = (_GRADE_PX, _GRADE_PX)
    seen = _well_outside(inputs.wall_mask)
    if seen.sum() < _FEWEST_PX:
        return _UNSEEN_CONTRAST
    small = cv2.resize(inputs.context, size, interpolation=cv2.INTER_AREA)
    seen = cv2.resize(seen.view(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    log = np.log(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255 + DARKEST)
    _, following = _octaves(np.asarray(log, np.float32))
    detail = float(np.abs(following[seen]).mean()) if seen.any() else _USUAL_DETAIL
    return float(np.clip(_OF_DONORS * (detail / _USUAL_DETAIL) ** _POWER, *_CONTRASTS))


def as_sharp(face: Image, texture: Texture, inputs: GeneratorInput) -> Image:
    """A drawn face with the sharpness of its surroundings, (S, S, 3) uint8 RGB.

    Args:
        face: (S, S, 3) uint8 RGB.
        texture: That it wears: what it covers is changed.
        inputs: Surroundings and seed.
    """
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine, following = _octaves(grey)
    skin = texture.skin > 250
    if skin.sum() < _FEWEST_PX:
        return face
    has = float(np.abs(fine[skin]).mean() / max(np.abs(following[skin]).mean(), 1e-3))
    gain = float(np.clip((wanted_ratio(inputs) / max(has, 1e-3)) ** _OVERLAP, *_GAINS))
    more = (gain - 1) * fine
    if gain > 1:
        more += (gain - 1) * _grain(following, texture.skin, inputs.seed)
    return np.asarray(cv2.add(face, cv2.merge([more] * 3), dtype=cv2.CV_8U), np.uint8)


def wanted_ratio(inputs: GeneratorInput) -> float:
    """Finest octave of a face by the next one, as its surroundings have it."""
    seen = _well_outside(inputs.wall_mask)
    if seen.sum() < _FEWEST_PX:
        return _UNSEEN
    fine, following = _octaves(cv2.cvtColor(inputs.context, cv2.COLOR_RGB2GRAY).astype(np.float32))
    ratio = np.abs(fine[seen]).mean() / max(np.abs(following[seen]).mean(), 1e-3)
    return float(np.clip(_OF_SURROUNDINGS * ratio, _LEAST, _MOST))


def _well_outside(wall_mask: Mask) -> Mask:
    side = 2 * _NEAR_WALL_PX + 1
    near = cv2.dilate(wall_mask.view(np.uint8), np.ones((side, side), np.uint8))
    return np.asarray(near == 0)


def _octaves(grey: Plane) -> tuple[Plane, Plane]:
    once = cv2.GaussianBlur(grey, (0, 0), _FINE_PX)
    twice = cv2.GaussianBlur(once, (0, 0), _NEXT_PX)
    return np.asarray(grey - once, np.float32), np.asarray(once - twice, np.float32)


def _grain(following: Plane, skin: NDArray[np.uint8], seed: int) -> Plane:
    """Noise of the finest octave, as strong as the skin's next octave has it nearby."""
    size = following.shape[0]
    noise = np.random.default_rng(seed).standard_normal((size, size), np.float32)
    fine = cv2.GaussianBlur(noise, (0, 0), 0.5) - cv2.GaussianBlur(noise, (0, 0), _FINE_PX)
    nearby = np.sqrt(cv2.GaussianBlur(following**2, (0, 0), 6))
    strength = np.minimum(_GRAIN * nearby, _MOST_GRAIN) * (skin / np.float32(255))
    return np.asarray(fine / fine.std() * strength, np.float32)
