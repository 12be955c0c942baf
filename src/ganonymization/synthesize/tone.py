"""The tone of a new face's skin, made what its surroundings say."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry.skin import HUE_RAD, likeness
from ..types import Image, Mask

_HUE_RANGE_RAD = 0.45  # about that of skin
_LEAST_CHROMA, _USUAL_CHROMA = 16.0, 28.0  # skin is 25, but too grey looks worse than too warm
_TOLD_CHROMA = 0.65  # of how far a guess of chroma is off the usual, as far is what is likely
_DARK_DULLNESS, _FAIR_DARK_LIGHTNESSES = 0.15, (75.0, 65.0)
_LIGHTNESSES = (30.0, 77.0)  # of skin in usual light
_MOST_ITA_DEG = 80.0  # beyond a right angle, as of bluish pictures, lightness would turn back
_FAIR_ITA_DEG = (25.0, 45.0)  # not fair yet, and wholly
_COLOURED_LEVELS = 5.0  # channels of a picture whose colours tell a hue differ by more on average
_GREY_STEP = 4  # pixels: the mean needs no more of them
_SHARE_CELLS = 128  # along a side, where skin is told by its colour
_GAIN_SCALED = 0.5  # a gain of so much more is stretched to white alone, of 1 by half
_LEAST, _MOST = 0.02, 0.98  # of white
_SHADE_RGB = np.array([0.93, 1.03, 1.11], np.float32)
"""Powers by which channels go with light, of those in drawn faces: light that comes through skin is
red, so shaded skin is redder and highlights are greyer than what the network draws."""


def wanted_tone(
    has_lab: NDArray[np.float32], told_lab: NDArray[np.float32], belief: float = 1.0,
    coloured: bool = False,
) -> NDArray[np.float32]:  # fmt: skip
    """The CIELAB that a face's skin should have, (3,), by what it has and what it is told.

    Args:
        has_lab: (3,) CIELAB.
        told_lab: (3,) CIELAB; what is no colour of skin, as of a scarf, changes nothing.
        belief: How far the tone goes from what it is to what is told; a hue that no skin has
            goes all the way.
        coloured: Whether the picture has colours: then a grey face for which nothing better is
            known gets the usual hue of skin.
    """
    hue = max(belief, _unlike_skin(has_lab))
    goes = np.array([belief, hue, hue], np.float32) * (1 - _unlike_skin(told_lab))
    wants_lab = has_lab + goes * (told_lab - has_lab)
    if coloured:
        usual = _USUAL_CHROMA * np.array([np.cos(HUE_RAD), np.sin(HUE_RAD)])
        wants_lab[1:] += _greyness(has_lab) * _greyness(told_lab) * (usual - wants_lab[1:])
    return wants_lab


def likely(told_lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """A guessed tone whose chroma is brought nearer to that of usual skin, (3,) CIELAB.

    A guess is a mean of what is seen, some of which is no skin: it is duller than faces are, by
    more the duller it is; and of dark skin, beside which much is lighter and greyer, by a share.

    Args:
        told_lab: (3,) CIELAB.
    """
    chroma = max(float(np.hypot(told_lab[1], told_lab[2])), 1e-3)
    nearer = _USUAL_CHROMA + _TOLD_CHROMA * (chroma - _USUAL_CHROMA)
    bright, dark = _FAIR_DARK_LIGHTNESSES
    darkness = float(np.clip((bright - told_lab[0]) / (bright - dark), 0, 1))
    more = nearer / chroma * (1 + _DARK_DULLNESS * darkness)
    return np.asarray(told_lab * np.array([1, more, more]), np.float32)


def toned(
    face: Image, skin: NDArray[np.uint8], has_lab: NDArray[np.float32],
    wants_lab: NDArray[np.float32],
) -> Image:  # fmt: skip
    """A face whose skin has another tone, ears and neck likewise, (S, S, 3) uint8 RGB.

    Each channel is scaled, for light on skin is a product; red goes less with it than blue. What
    becomes lighter is stretched to white, too, the more the lighter, or hard light would burn out.

    Args:
        face: (S, S, 3) uint8 RGB.
        skin: (S, S) uint8, 255 where the face's skin is; what is coloured alike is skin too.
        has_lab: (3,) CIELAB of cheeks, forehead and chin.
        wants_lab: (3,) CIELAB that they are to have.
    """
    size = face.shape[0]
    has, wants = _rgb(has_lab), _rgb(wants_lab)
    levels = np.arange(256, dtype=np.float32)[:, None] / 255
    gain = wants / has
    scaled = np.minimum(levels * gain, 1)
    stretched = wants + (1 - wants) * (levels - has) / (1 - has)
    share = np.clip(gain - _GAIN_SCALED, 1 - _GAIN_SCALED, 1)
    lighter = (gain > 1) & (levels > has)
    table = np.where(lighter, scaled + share * (stretched - scaled), scaled)
    table = np.minimum(wants * (table / wants) ** _SHADE_RGB, 1)
    shifted = cv2.LUT(face, np.round(255 * table).astype(np.uint8)[None])
    cells = (_SHARE_CELLS, _SHARE_CELLS)
    small = np.asarray(cv2.resize(face, cells, interpolation=cv2.INTER_AREA), np.uint8)
    alike = likeness(small, has_lab) ** 2
    share = np.maximum(alike, cv2.resize(skin, cells, interpolation=cv2.INTER_AREA) / 255)
    share = cv2.GaussianBlur(share.astype(np.float32), (0, 0), _SHARE_CELLS / 128)
    share = cv2.resize(share, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.blendLinear(shifted, face, share, 1 - share), np.uint8)


def lab_of_ita(ita_deg: float) -> NDArray[np.float32]:
    """The usual CIELAB of skin of an individual typology angle, (3,); Chardon et al., 1991."""
    red, yellow = _USUAL_CHROMA * np.cos(HUE_RAD), _USUAL_CHROMA * np.sin(HUE_RAD)
    lightness = 50 + yellow * np.tan(np.radians(np.clip(ita_deg, -_MOST_ITA_DEG, _MOST_ITA_DEG)))
    return np.array([np.clip(lightness, *_LIGHTNESSES), red, yellow], np.float32)


def fairness(lab: NDArray[np.float32]) -> float:
    """From 0, a tone with which brown irises go alone, to 1, of the fairest skin."""
    ita_deg = float(np.degrees(np.arctan2(lab[0] - 50, max(float(lab[2]), 1e-3))))
    low, high = _FAIR_ITA_DEG
    return float(np.clip((ita_deg - low) / (high - low), 0, 1))


def colour_levels(context: Image, wall_mask: Mask) -> float | None:
    """By how many levels channels of surroundings differ on average; None where none are seen.

    Args:
        context: (S, S, 3) uint8 RGB, 0 behind the wall.
        wall_mask: (S, S) bool.
    """
    few = slice(None, None, _GREY_STEP), slice(None, None, _GREY_STEP)
    seen = context[few][~wall_mask[few]]
    return float((seen.max(1) - seen.min(1)).mean()) if len(seen) else None


def is_coloured(context: Image, wall_mask: Mask) -> bool:
    """Whether surroundings have colours that tell a hue; see :func:`colour_levels`."""
    levels = colour_levels(context, wall_mask)
    return levels is not None and levels > _COLOURED_LEVELS


def _greyness(lab: NDArray[np.float32]) -> float:
    """0 for a colour as strong as skin's, 1 for half of that or none."""
    chroma = float(np.hypot(lab[1], lab[2]))
    return float(np.clip((_LEAST_CHROMA - chroma) / _LEAST_CHROMA * 2, 0, 1))


def _unlike_skin(lab: NDArray[np.float32]) -> float:
    """0 for a colour that skin has in usual light, towards 1 for a greyer or another one."""
    hue = float(np.arctan2(lab[2], lab[1]))
    off = (abs(hue - HUE_RAD) - _HUE_RANGE_RAD) / _HUE_RANGE_RAD
    return float(np.clip(max(_greyness(lab), off), 0, 1))


def _rgb(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    rgb = cv2.cvtColor(np.asarray(lab, np.float32)[None, None], cv2.COLOR_LAB2RGB)[0, 0]
    return np.asarray(np.clip(rgb, _LEAST, _MOST), np.float32)
