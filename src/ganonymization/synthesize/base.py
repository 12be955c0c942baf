"""What a synthesizer is."""

from typing import Protocol

from ..types import Image
from ..wall import Crossing


class Synthesizer(Protocol):
    """Draws a new face from what crosses the wall.

    Attributes:
        size_px: Side of the crops it reads and draws.
    """

    size_px: int

    def __call__(self, crossing: Crossing) -> Image:
        """A (size_px, size_px, 3) uint8 RGB crop with a new face in the crossing's context.

        Raises:
            SynthesisError: Nothing was drawn; the pipeline then covers the face.
        """
        ...
