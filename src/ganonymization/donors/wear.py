"""A texture of two donors on a new face's mesh."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import rasterisation
from ..geometry.topology import outer_eyes_px
from ..geometry.transforms import CROP_SIDE_EYES
from ..types import DonorPair, Image, Reals
from .bank import DonorBank
from .choose import openings
from .folds import folded

_NOSE_TIP, _UPPER_LIP = 1, 0
_SEAM_EYES = 0.12  # half the width of the seam between two donors, in outer-eye distances
_MOUTH_OPEN = 0.06  # in outer-eye distances; below it a mouth's inside is not seen
_SHRINKS = 2.0  # times, from where on textures of half the size do
_HAIR_EYES = 0.12  # within the oval, in outer-eye distances: hair of donors reaches so far
_PLAIN = 127  # a delit texture's level without detail
_ALIKE = 2.0  # mouths whose openings differ by a larger factor lend no teeth


def mixed(
    bank: DonorBank, worn: DonorPair, reading: Reals, size_px: int | None = None,
    lasting: bool = False,
) -> Image:  # fmt: skip
    """Two donors' halves in one texture, (size_px, size_px, 3) uint8 RGB, delit.

    Each half is folded from what its donor's expression is to what it should be.

    Args:
        bank: Has the donors.
        worn: Who.
        reading: (7,) shares of the expressions.
        size_px: Of the texture, at most the bank's; None is the bank's.
        lasting: They were chosen for all expressions to come.
    """
    size = size_px or bank.size_px
    share = _upper_share(bank, size)
    upper, lower = (
        cv2.resize(bank.texture(donor), (size, size), interpolation=cv2.INTER_AREA)
        for donor in (worn.upper, worn.lower)
    )
    both = np.asarray(cv2.blendLinear(upper, lower, share, 1 - share), np.uint8)
    skin = _inner(bank, size)
    both = np.asarray(cv2.blendLinear(both, np.full_like(both, _PLAIN), skin, 1 - skin), np.uint8)
    more = np.asarray(reading) - bank.readings[[worn.upper, worn.lower]]
    return folded(both, bank.folds, more[0], more[1], share, lasting)


def wear(
    bank: DonorBank, worn: DonorPair, reading: Reals, landmarks_px: Reals, size_px: int,
    lasting: bool = False,
) -> rasterisation.Texture:  # fmt: skip
    """The donors' texture on a mesh; no eyes, and a mouth's inside only where both are open.

    Args:
        bank: Has the donors.
        worn: Who.
        reading: (7,) shares of the expressions.
        landmarks_px: (478, 3) in crop pixels.
        size_px: Side of the crop.
        lasting: See :func:`mixed`.
    """
    shrinks = outer_eyes_px(bank.layout_px) * CROP_SIDE_EYES / size_px
    scale = 0.5 if shrinks > _SHRINKS else 1.0  # a small face needs no large texture
    texture_px = round(bank.size_px * scale)
    texture = rasterisation.render(
        mixed(bank, worn, reading, texture_px, lasting),
        _layout_px(bank, texture_px), landmarks_px, size_px,
    )  # fmt: skip
    features = texture.features
    asked, given = openings(landmarks_px)[0], float(bank.openings[worn.lower, 0])
    fits = min(asked, given) > _MOUTH_OPEN and max(asked, given) < _ALIKE * min(asked, given)
    nose = float(np.asarray(landmarks_px)[_NOSE_TIP, 1])
    if not fits:
        features = np.zeros_like(features)
    elif 0 < nose < size_px:
        features = features * (np.arange(size_px) > nose)[:, None].astype(np.uint8)
    return replace(texture, features=features)


def _layout_px(bank: DonorBank, size_px: int) -> NDArray[np.float64]:
    """The bank's mesh in textures of another size, (478, 3)."""
    half_px = np.array([0.5, 0.5, 0])
    return np.asarray((bank.layout_px + half_px) * (size_px / bank.size_px) - half_px)


@lru_cache(4)
def _inner(bank: DonorBank, size_px: int) -> NDArray[np.float32]:
    """How far each pixel is skin alone, (S, S): at the temples there is hair.

    On a turned face the near temple is wider than any feather at its outline.
    """
    layout_px = _layout_px(bank, size_px)
    depth_px = cv2.distanceTransform(rasterisation.hull(layout_px, size_px), cv2.DIST_L2, 5)
    return np.asarray(np.clip(depth_px / (_HAIR_EYES * outer_eyes_px(layout_px)), 0, 1), np.float32)


@lru_cache(4)
def _upper_share(bank: DonorBank, size_px: int) -> NDArray[np.float32]:
    """How much of each pixel is the upper donor's, (S, S): a smooth step below the nose's tip."""
    p = bank.layout_px * size_px / bank.size_px
    eyes = outer_eyes_px(p)
    seam = float(p[_NOSE_TIP, 1])
    rows = np.arange(size_px, dtype=np.float32)
    step = np.clip((seam - rows) / (2 * _SEAM_EYES * eyes) + 0.5, 0, 1)
    smooth = step * step * (3 - 2 * step)
    return np.repeat(smooth[:, None], size_px, 1).astype(np.float32)
