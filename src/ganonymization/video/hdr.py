"""Frames of high dynamic range, kept beside the standard ones that faces are found and drawn in."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter

from ..io.high_range import BT2020, HLG, PQ, Deep, Range
from ..types import Image, Mask
from .decoded import Turn, fitted


@dataclass(frozen=True)
class DeepFrame:
    """A decoded frame of high range, kept until its faces are drawn.

    Attributes:
        frame: As it was decoded.
        range: Of its light.
        turn: How it is shown.
        size_wh: Of the video.
    """

    frame: Any
    range: Range
    turn: Turn
    size_wh: tuple[int, int]

    def with_faces(self, before: Image, after: Image, drawn: Mask) -> Deep:
        """This frame with what was drawn on its standard picture; all else stays as it is.

        Args:
            before: (H, W, 3) uint8 RGB, the standard picture.
            after: The same, with faces drawn.
            drawn: (H, W) bool, where they are.
        """
        pixels = fitted(self.turn(deep_rgb(self.frame, VideoReformatter())), self.size_wh)
        changed = drawn | (before != after).any(axis=2)
        pixels[changed] = self.range.deep(after[changed])
        return pixels


def range_of(frame: Any) -> Range | None:
    """How a decoded frame codes high range; None where it has the standard one."""
    transfer = int(frame.color_trc)
    if transfer not in (PQ, HLG):
        return None
    return Range(transfer, int(frame.color_primaries) == BT2020)


def colour_codes(source: tuple[int, int], deep: bool) -> tuple[int, int]:
    """Primaries and transfer to write, as H.273 counts: the source's, or BT.709's in their place.

    Args:
        source: The first frame's.
        deep: Whether its high range is kept.
    """
    return source if deep or source[1] not in (PQ, HLG) else (1, 1)


def deep_rgb(frame: Any, reformatter: VideoReformatter) -> Deep:
    """A decoded frame as (H, W, 3) uint16 RGB, full scale, not yet turned."""
    matrix = Colorspace.ITU709 if int(frame.colorspace) == 1 else Colorspace.BT2020
    shown = reformatter.reformat(
        frame, format="rgb48le", src_colorspace=matrix, dst_colorspace=matrix
    )
    return np.asarray(shown.to_ndarray(), np.uint16)
