"""What a landmarker is."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..types import Image


class Landmarker(Protocol):
    """Finds the landmarks of the one face in an upright square crop."""

    def __call__(self, crop: Image) -> NDArray[np.float64]:
        """(478, 3) landmarks in pixels of an RGB uint8 (S, S, 3) crop; z as x, smaller is nearer.

        Raises:
            LandmarksError: No face is seen in the crop; the pipeline then covers it.
        """
        ...
