"""How skin folds with an expression: maps that are added to the logarithm of a donor's detail.

A linear model of a bank's textures, fitted by ridge regression on readings, openings, age and sex
(a morphable model of detail; Blanz and Vetter, SIGGRAPH 1999, did this with whole faces). What goes
with the reading are the folds. With them one donor frowns, snarls and smiles, which no bank of
single pictures can show, and keeps doing so from frame to frame.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import topology
from ..geometry.rasterisation import DARKEST
from ..types import Image, Reals

SIZE_PX = 224
MOST = 0.8
"""Of a map's logarithm; its int8 levels are in steps of a 127th of that."""

_RIDGE = 1.5
_STRENGTH = 1.5  # coarse readings and a mean of many people understate
_LASTING_STRENGTH, _MOST_ADDED = 3.0, 0.3  # of a logarithm: brows cannot be moved by adding light
_OPENINGS, _YEARS, _AGED = 4.0, 30.0, 40.0  # units of the regression
Maps = NDArray[np.int8]


def fit(
    textures: Sequence[Image], layout_px: Reals, readings: Reals, openings: Reals, years: Reals,
    sexes: NDArray[np.str_],
) -> Maps:  # fmt: skip
    """Maps of all expressions but neutral, (6, 224, 224), symmetric.

    Args:
        textures: (S, S, 3) uint8 RGB each, delit, a middle grey where there is no skin.
        layout_px: (478, 3), the mesh that they lie on.
        readings: (N, 7).
        openings: (N, 2).
        years: (N,).
        sexes: (N,) "f", "m" or "".
    """
    small = np.stack([_small(texture) for texture in textures])
    detail = np.log(small / 255 + DARKEST).reshape(len(small), -1)
    of_sex = (sexes == "m").astype(float) - (sexes == "f")
    factors = np.column_stack([
        np.ones(len(small)), np.asarray(readings)[:, 1:],
        _OPENINGS * (openings - np.mean(openings, 0)),
        (np.asarray(years) - _AGED) / _YEARS, of_sex / 2,
    ])  # fmt: skip
    ridge = np.diag([0.0] + [_RIDGE] * (factors.shape[1] - 1))
    solved = np.linalg.solve(factors.T @ factors + ridge, factors.T @ detail)
    count = np.asarray(readings).shape[1] - 1
    maps = solved[1 : count + 1].reshape(count, SIZE_PX, SIZE_PX)
    maps = maps * _skin(np.asarray(layout_px) * SIZE_PX / textures[0].shape[0])
    maps = (maps + maps[:, :, ::-1]) / 2
    levels: Maps = np.round(np.clip(maps / MOST, -1, 1) * 127).astype(np.int8)
    return levels


def folded(
    texture: Image, maps: Maps, upper: Reals, lower: Reals, upper_share: NDArray[np.float32],
    lasting: bool = False,
) -> Image:  # fmt: skip
    """A texture with an expression's folds, (S, S, 3) uint8 RGB.

    Args:
        texture: (S, S, 3) uint8 RGB, delit.
        maps: Of :func:`fit`; (0, 224, 224) changes nothing.
        upper: (7,) what the reading is more than that of the upper donor.
        lower: The same of the lower donor.
        upper_share: (S, S) of the upper donor.
        lasting: The donors were not chosen by the expression, so all of it is to be added.
    """
    if len(maps) == 0:
        return texture
    size = texture.shape[0]
    share = cv2.resize(upper_share, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)
    both = np.stack([np.asarray(lower)[1:], np.asarray(upper)[1:]]).astype(np.float32)
    strength = _LASTING_STRENGTH if lasting else _STRENGTH
    weights = both * np.float32(strength * MOST / 127)
    flat = maps.reshape(len(maps), -1).astype(np.float32)
    low, high = (weights @ flat).reshape(2, SIZE_PX, SIZE_PX)
    more = low + share * (high - low)
    if lasting:
        more = np.clip(more, -_MOST_ADDED, _MOST_ADDED)
    gain = cv2.exp(more)
    gain = cv2.resize(gain, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(texture, cv2.merge([gain] * 3), dtype=cv2.CV_8U), np.uint8)


def _skin(layout_px: Reals) -> NDArray[np.float64]:
    """1 but in eyes and mouth, (224, 224)."""
    skin = np.ones((SIZE_PX, SIZE_PX), np.uint8)
    for ring in (topology.EYE_LEFT, topology.EYE_RIGHT, topology.LIPS_INNER):
        cv2.fillPoly(skin, [np.round(layout_px[list(ring), :2]).astype(np.int32)], (0,))
    return skin.astype(np.float64)


def _small(texture: Image) -> NDArray[np.float64]:
    size = (SIZE_PX, SIZE_PX)
    return np.asarray(cv2.resize(texture, size, interpolation=cv2.INTER_AREA).mean(2))
