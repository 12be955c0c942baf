"""Boxes that somebody drew over faces that were missed, for a part of the time."""

import re
from dataclasses import dataclass

from ..errors import OptionError
from ..types import Box

_NUMBER = r"(\d+(?:\.\d+)?)"
_FORM = re.compile(",".join([_NUMBER] * 4) + rf"(?:,{_NUMBER},{_NUMBER})?")


@dataclass(frozen=True)
class AddedBox:
    """A place in which a face is, whatever a detector says.

    Attributes:
        box_xyxy: In pixels.
        start_s: From this time on.
        end_s: Up to this time.
    """

    box_xyxy: Box
    start_s: float = 0.0
    end_s: float = float("inf")

    @classmethod
    def parse(cls, text: str) -> "AddedBox":
        """``X,Y,WIDTH,HEIGHT`` or ``X,Y,WIDTH,HEIGHT,START,END``: pixels, seconds.

        Raises:
            OptionError: It is neither.
        """
        match = _FORM.fullmatch(text.replace(" ", ""))
        if match is None:
            raise OptionError(f"{text[:60]!r}: give X,Y,WIDTH,HEIGHT or X,Y,WIDTH,HEIGHT,START,END")
        x, y, width, height, *times = (float(g) for g in match.groups() if g is not None)
        start_s, end_s = times or (0.0, float("inf"))
        if not (width and height and start_s < end_s):
            raise OptionError(f"{text[:60]!r}: width, height and time must be more than 0")
        return cls((x, y, x + width, y + height), start_s, end_s)

    def is_at(self, time_s: float) -> bool:
        """Whether the face is there at this time."""
        return self.start_s <= time_s < self.end_s
