"""Who would fit: apparent age, sex and skin, guessed from what surrounds a face and stays as it is.

Hair, ears, neck and clothes stay visible in a scene, so a new face has to go with them. The guess
is made from the pixels outside the wall alone, which reach the generator anyway; nothing of the
face takes part.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .. import onnx_session
from ..errors import OptionError
from ..options import Sex, Skin, check_choice
from ..types import Image, Mask, Reals

SIZE_PX = 64
YEARS_SCALE = 100.0
_LEAST_AGE, _MOST_AGE = 18, 90
_NO_SKIN, _ENOUGH_SKIN = 0.0015, 0.004  # sums of doubts, and of a neck or an ear
_SKIN_ITA_DEG = {"light": 50.0, "medium": 25.0, "dark": -10.0}


@dataclass(frozen=True)
class Kind:
    """What kind of person a new face shows.

    Attributes:
        female: From 0, a man, to 1, a woman; None if any will do.
        years: Apparent age; None if any will do.
        skin_ita_deg: Individual typology angle of the skin; None if any will do.
    """

    female: float | None = None
    years: float | None = None
    skin_ita_deg: float | None = None

    @classmethod
    def asked(cls, age: float | None, sex: Sex | None, skin: Skin | None) -> "Kind":
        """What a user asks for; None is anybody.

        Raises:
            OptionError: An unknown word, or an age of no adult.
        """
        for word, words in ((sex, Sex), (skin, Skin)):
            if word is not None:
                check_choice(word, words)
        if age is not None and not _LEAST_AGE <= age <= _MOST_AGE:
            raise OptionError(
                f"age {age:g}: new faces are from {_LEAST_AGE} to {_MOST_AGE} years old",
                "give another age",
            )
        female = None if sex is None else float(sex == "female")
        return cls(female, age, None if skin is None else _SKIN_ITA_DEG[skin])

    def over(self, guess: "Kind") -> "Kind":
        """What is asked for here, and for the rest a guess."""
        return Kind(
            guess.female if self.female is None else self.female,
            guess.years if self.years is None else self.years,
            guess.skin_ita_deg if self.skin_ita_deg is None else self.skin_ita_deg,
        )


ANY = Kind()


@dataclass(frozen=True)
class Guess:
    """What surroundings tell of a face that goes with them.

    Attributes:
        kind: Of person.
        skin_lab: (3,) float32 CIELAB of the skin, as it is lit there; None if nothing surrounds the
            face.
        skin_seen: How far it is told by skin that is seen, from 0, none, to 1, enough.
    """

    kind: Kind = ANY
    skin_lab: NDArray[np.float32] | None = None
    skin_seen: float = 0.0


class SurroundingsReader:
    """Guesses with a network of (N, 4, 64, 64), context and wall mask, to (N, 6).

    Its outputs are the logarithm of the odds for a woman, years in hundreds, the skin's RGB from 0
    to 1, a mean of what is visible, a fixed gain lighter, and how much skin is visible: the mean of
    the squared probabilities. May be shared by threads.

    Args:
        session: On the network; None opens the shipped one.
    """

    def __init__(self, session: onnxruntime.InferenceSession | None = None) -> None:
        self._session = session or onnx_session.open_shipped("surroundings-reader", threads=1)

    def __call__(self, context: Image, wall_mask: Mask) -> Guess:
        """Who would fit, and in what tone; anybody where nothing surrounds the face.

        Args:
            context: (S, S, 3) uint8 RGB, 0 behind the wall.
            wall_mask: (S, S) bool.
        """
        if wall_mask.all():
            return Guess()
        layers = surroundings(context, wall_mask)
        (found,) = self._session.run(None, {self._session.get_inputs()[0].name: layers[None]})
        odds, years = (float(value) for value in found[0, :2])
        years = float(np.clip(YEARS_SCALE * years, _LEAST_AGE, _MOST_AGE))
        tone = lab_of(found[0, 2:5])
        seen = float(np.clip((found[0, 5] - _NO_SKIN) / (_ENOUGH_SKIN - _NO_SKIN), 0, 1))
        degrees = float(np.degrees(np.arctan2(tone[0] - 50, tone[2]))) if seen > 0.5 else None
        return Guess(Kind(float(1 / (1 + np.exp(-odds))), years, degrees), tone, seen)


def lab_of(rgb: Reals) -> NDArray[np.float32]:
    """CIELAB of colours, (..., 3) float RGB from 0 to 1."""
    shown = np.clip(np.asarray(rgb, np.float32), 0, 1).reshape(-1, 1, 3)
    return np.asarray(cv2.cvtColor(shown, cv2.COLOR_RGB2LAB), np.float32).reshape(np.shape(rgb))


def surroundings(context: Image, wall_mask: Mask) -> NDArray[np.float32]:
    """What the network sees, (4, 64, 64): RGB in [-1, 1], 0 behind the wall; and the wall, 0 or 1.

    Args:
        context: (S, S, 3) uint8 RGB, 0 behind the wall.
        wall_mask: (S, S) bool.
    """
    size = (SIZE_PX, SIZE_PX)
    hidden = cv2.resize(wall_mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    shown = cv2.resize(context, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 127.5 - 1
    shown *= ~hidden[..., None]
    return np.concatenate([shown.transpose(2, 0, 1), hidden[None]]).astype(np.float32)
