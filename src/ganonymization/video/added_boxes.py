"""Boxes that somebody drew over faces that were missed, for a part of the time."""

import math
from dataclasses import dataclass

from ..errors import OptionError
from ..options import added_box
from ..types import Box


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
        """``x,y,w,h`` or ``x,y,w,h,start,end``: pixels, seconds.

        Raises:
            OptionError: It is neither.
        """
        parts = text.split(",")
        box = added_box(",".join(parts[:4]))
        if len(parts) == 4:
            return cls(box)
        try:
            start_s, end_s = (float(part) for part in parts[4:])
        except ValueError:
            start_s = end_s = math.nan
        if not 0 <= start_s < end_s:
            raise OptionError(f"the box {text[:60]!r} is not x,y,w,h or x,y,w,h,start,end")
        return cls(box, start_s, end_s)

    def is_at(self, time_s: float) -> bool:
        """Whether the face is there at this time."""
        return self.start_s <= time_s < self.end_s
