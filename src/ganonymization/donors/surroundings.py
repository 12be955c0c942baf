"""Who would fit: apparent age and sex, guessed from what surrounds a face and stays as it is.

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
from ..types import Image, Mask

SIZE_PX = 64
YEARS_SCALE = 100.0
_LEAST_AGE, _MOST_AGE = 18, 90


@dataclass(frozen=True)
class Kind:
    """What kind of person a new face shows.

    Attributes:
        female: From 0, a man, to 1, a woman; None if any will do.
        years: Apparent age; None if any will do.
    """

    female: float | None = None
    years: float | None = None

    def __post_init__(self) -> None:
        if self.years is not None and not _LEAST_AGE <= self.years <= _MOST_AGE:
            raise OptionError(
                f"age {self.years:g}: new faces are from {_LEAST_AGE} to {_MOST_AGE} years old",
                "give another age",
            )

    def over(self, guess: "Kind") -> "Kind":
        """What is asked for here, and for the rest a guess."""
        return Kind(
            guess.female if self.female is None else self.female,
            guess.years if self.years is None else self.years,
        )


ANY = Kind()


class SurroundingsReader:
    """Guesses with a network of (N, 4, 64, 64), context and wall mask, to (N, 2).

    Its outputs are the logarithm of the odds for a woman, and years in hundreds. May be shared by
    threads.

    Args:
        session: On the network; None opens the shipped one.
    """

    def __init__(self, session: onnxruntime.InferenceSession | None = None) -> None:
        self._session = session or onnx_session.open_shipped("surroundings-reader")

    def __call__(self, context: Image, wall_mask: Mask) -> Kind:
        """Who would fit; anybody where nothing surrounds the face.

        Args:
            context: (S, S, 3) uint8 RGB, 0 behind the wall.
            wall_mask: (S, S) bool.
        """
        if wall_mask.all():
            return ANY
        layers = surroundings(context, wall_mask)
        (found,) = self._session.run(None, {self._session.get_inputs()[0].name: layers[None]})
        odds, hundreds = (float(value) for value in found[0])
        years = float(np.clip(YEARS_SCALE * hundreds, _LEAST_AGE, _MOST_AGE))
        return Kind(float(1 / (1 + np.exp(-odds))), years)


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
