"""What the neck that stays visible below a new face tells of the face's tone."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..donors.surroundings import Guess
from ..geometry.skin import looks_like_skin
from ..geometry.topology import outer_eyes_px
from ..geometry.wall import GeneratorInput
from ..types import Image, Mask, Reals

_CHIN = 152
_DOWN_EYES, _ASIDE_EYES = 0.3, 0.45  # of the chin, as far as a neck reaches; outer-eye distances
_LEAST, _ENOUGH = 0.02, 0.1  # of a squared outer-eye distance: skin that tells nothing, and all
_LIT_LAB = np.array([18, 1, 0], np.float32)  # cheeks, forehead and chin less neck, usually
_SHARE = 0.3  # at least, of the tone that is told by a neck that is seen well


def neck_lab(
    context: Image, wall_mask: Mask, landmarks_px: Reals
) -> tuple[NDArray[np.float32], float] | None:
    """Median CIELAB of the visible neck, (3,), and how far to believe it; None where none is seen.

    Args:
        context: (S, S, 3) uint8 RGB, 0 behind the wall.
        wall_mask: (S, S) bool.
        landmarks_px: (478, 3) of the new face.
    """
    points = np.asarray(landmarks_px, np.float64)
    eyes_px = outer_eyes_px(points)
    x, y = points[_CHIN, :2]
    top, bottom = max(0, round(y)), max(0, round(y + _DOWN_EYES * eyes_px))
    left, right = (max(0, round(x + side * _ASIDE_EYES * eyes_px)) for side in (-1, 1))
    step = max(1, round(eyes_px / 64))
    here = slice(top, bottom, step), slice(left, right, step)
    seen = context[here][~wall_mask[here]]
    if len(seen) == 0:
        return None
    lab = cv2.cvtColor(seen[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    skin = lab[looks_like_skin(lab)]
    area = len(skin) * step**2 / eyes_px**2
    belief = float(np.clip((area - _LEAST) / (_ENOUGH - _LEAST), 0, 1))
    return (np.median(skin, 0), belief) if belief > 0 else None


def with_neck(guess: Guess, inputs: GeneratorInput) -> Guess:
    """A guess of the surroundings whose tone is partly the neck's.

    Args:
        guess: Of a reader.
        inputs: Of the face; only what is not behind the wall is read.
    """
    seen = neck_lab(inputs.context, inputs.wall_mask, inputs.surrogate_px)
    if seen is None or guess.skin_lab is None:
        return guess
    neck, belief = seen
    share = belief * max(_SHARE, 1 - guess.skin_seen)
    tone = guess.skin_lab + share * (neck + _LIT_LAB - guess.skin_lab)
    return replace(guess, skin_lab=tone, skin_seen=max(belief, guess.skin_seen))
