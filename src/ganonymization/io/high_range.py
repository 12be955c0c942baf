"""High dynamic range: PQ and HLG become what ordinary screens show, and back.

Faces are found and drawn in standard range. The mapping between both ranges is one function of each
pixel, so that a drawn face can be carried back: white paper, 203 nits, lies just below full scale,
and what is brighter is compressed into the rest.

ITU-R BT.2100-2 (curves), BT.2408-7 (203 nits), BT.2087-0 (colours).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Image

PQ, HLG = 16, 18
"""Codes of transfer functions, as H.273 counts."""

BT2020 = 9
"""Code of primaries, alike."""

_WHITE_NITS, _HLG_PEAK_NITS, _HLG_GAMMA = 203.0, 1000.0, 1.2
_KNEE = 0.8  # of white; brighter values are compressed
_BRIGHTEST = 50.0  # times white: PQ's 10,000 nits
_MOST_DRAWN = 0.954  # of the part above the knee: 1,000 nits
_STEPS = 4096  # of the tone curve's table
_LEVELS = 65535
_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)
_BT709_FROM_BT2020 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)

Deep = NDArray[np.uint16]


@dataclass(frozen=True)
class Range:
    """How a video codes light.

    Attributes:
        transfer: ``PQ`` or ``HLG``.
        wide: Whether its colours are BT.2020's.
    """

    transfer: int
    wide: bool

    def standard(self, deep: Deep) -> Image:
        """A picture as ordinary screens show it.

        Args:
            deep: (H, W, 3) uint16 RGB, full scale, in this range.

        Returns:
            (H, W, 3) uint8 RGB in sRGB's curve and BT.709's colours.
        """
        light: Any = _light(self.transfer)[deep]
        if self.transfer == HLG:
            luma = cv2.transform(light, _LUMA[None])
            light *= np.power(luma, np.float32(_HLG_GAMMA - 1))[..., None]
            light *= np.float32(_HLG_PEAK_NITS / _WHITE_NITS)
        if self.wide:
            light = cv2.transform(light, _BT709_FROM_BT2020)
        step = np.sqrt(np.clip(light, 0, _BRIGHTEST) / np.float32(_BRIGHTEST))
        shown: Image = _tone()[np.rint(step * (_STEPS - 1)).astype(np.uint16)]
        return shown

    def deep(self, standard: Image) -> Deep:
        """The inverse of :meth:`standard`, as far as eight bits hold it.

        Args:
            standard: (..., 3) uint8 RGB.
        """
        light: Any = _untoned()[standard]
        if self.wide:
            light = np.clip(light @ np.linalg.inv(_BT709_FROM_BT2020).T, 0, None)
        if self.transfer == PQ:
            coded = _pq_of(light * _WHITE_NITS)
        else:
            scene = light * (_WHITE_NITS / _HLG_PEAK_NITS)
            luma = np.maximum(scene @ _LUMA, 1e-6)
            coded = _hlg_of(scene * luma[..., None] ** (1 / _HLG_GAMMA - 1))
        return np.asarray(np.rint(np.clip(coded, 0, 1) * _LEVELS), np.uint16)


@lru_cache
def _light(transfer: int) -> NDArray[np.float32]:
    """Light of each level: in units of white for PQ, of the scene's peak for HLG."""
    coded = np.arange(_LEVELS + 1) / _LEVELS
    if transfer == PQ:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        power = coded ** (1 / m2)
        nits = 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
        return (nits / _WHITE_NITS).astype(np.float32)
    a, b, c = _hlg_constants()
    scene = np.where(coded <= 0.5, coded**2 / 3, (np.exp((coded - c) / a) + b) / 12)
    return scene.astype(np.float32)


def _hlg_constants() -> tuple[float, float, float]:
    a = 0.17883277
    b = 1 - 4 * a
    return a, b, 0.5 - a * float(np.log(4 * a))


def _pq_of(nits: NDArray[Any]) -> NDArray[Any]:
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = (nits / 10_000) ** m1
    return ((c1 + c2 * power) / (1 + c3 * power)) ** m2


def _hlg_of(scene: NDArray[Any]) -> NDArray[Any]:
    a, b, c = _hlg_constants()
    bright = a * np.log(np.maximum(12 * scene - b, 1e-6)) + c
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


@lru_cache
def _tone() -> NDArray[np.uint8]:
    """Standard values of light, by the root of its share of the brightest."""
    light = _BRIGHTEST * (np.arange(_STEPS) / (_STEPS - 1)) ** 2
    over = (light - _KNEE) / (1 - _KNEE)
    shown = np.where(light <= _KNEE, light, _KNEE + (1 - _KNEE) * over / (1 + over))
    coded = np.where(shown <= 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * coded), np.uint8)


@lru_cache
def _untoned() -> NDArray[np.float32]:
    """Light, in units of white, of each standard value."""
    coded = np.arange(256) / 255
    shown = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    over = np.minimum((shown - _KNEE) / (1 - _KNEE), _MOST_DRAWN)
    return np.where(shown <= _KNEE, shown, _KNEE + (1 - _KNEE) * over / (1 - over)).astype(
        np.float32
    )
