"""Lips of their own colour.

A donor's texture is delit, which takes the colour of what is as wide as lips, and the network
draws them nearly as brown as skin. In photographs they are redder than the skin around them,
women's more than men's, whatever the skin's tone; by as much they are made redder here.
"""

import cv2
import numpy as np

from .. import seeds
from ..geometry import topology
from ..geometry.skin import skin_lab
from ..types import Image, Reals

_STREAM = 0x6C697073  # another stream than the style's
_REDDER, _OF_WOMEN, _VARIED = 1.9, 6.5, 1.5  # a* of lips over that of skin, in portraits
_BLUER = -6.5  # b*, likewise
_MOST = 12.0  # that is added to either
_SOFT_EYES = 0.012  # in outer-eye distances
_COLOURLESS, _COLOURED = 8.0, 16.0  # chroma of skin in grey pictures, and in usual ones


def with_red_lips(face: Image, landmarks_px: Reals, seed: int, female: float) -> Image:
    """A drawn face whose lips have the colour of lips, (S, S, 3) uint8 RGB.

    Args:
        face: (S, S, 3) uint8 RGB.
        landmarks_px: (478, 3) in its pixels.
        seed: Of the face.
        female: From 0, a man's lips, to 1, a woman's.
    """
    outer, inner = (
        np.round(np.asarray(landmarks_px)[list(ring), :2]).astype(np.int32)
        for ring in (topology.LIPS_OUTER, topology.LIPS_INNER)
    )
    size = face.shape[0]
    margin = 4 + int(np.ptp(outer[:, 1])) // 4
    left, top = np.clip(outer.min(0) - margin, 0, size)
    right, bottom = np.clip(outer.max(0) + margin + 1, 0, size)
    if right <= left or bottom <= top:
        return face
    shape = np.zeros((bottom - top, right - left), np.uint8)
    for ring, level in ((outer, 255), (inner, 0)):
        cv2.fillPoly(shape, [ring - [left, top]], (level,))
    if not shape.any():
        return face
    window = face[top:bottom, left:right].astype(np.float32) / 255
    lab = cv2.cvtColor(window, cv2.COLOR_RGB2LAB)
    skin = skin_lab(face, landmarks_px)
    has = np.median(lab[shape > 0], 0) - skin
    varied = _VARIED * (1 + female) * (2 * seeds.uniform(seed ^ _STREAM, 1)[0] - 1)
    wanted = np.array([_REDDER + _OF_WOMEN * female + varied, _BLUER], np.float32)
    chroma = float(np.hypot(skin[1], skin[2]))
    strength = np.clip((chroma - _COLOURLESS) / (_COLOURED - _COLOURLESS), 0, 1)
    deviation_px = max(0.6, _SOFT_EYES * topology.outer_eyes_px(landmarks_px))
    soft = cv2.GaussianBlur(shape, (0, 0), deviation_px)
    share = soft[..., None] * (strength / np.float32(255))
    lab[..., 1:] += share * np.clip(wanted - has[1:], -_MOST, _MOST)
    rgb = np.round(255 * np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1))
    out = face.copy()
    out[top:bottom, left:right] = np.where(share > 0, rgb, out[top:bottom, left:right])
    return out
