"""Interlaced frames, whose odd and even rows are of different moments, made whole ones.

Faces that move are torn in them, and what is written says of itself that it is progressive.
FFmpeg's ``bwdif`` draws the rows of the second moment anew; frames keep their number and times.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av


class Progressive:
    """Passes decoded frames on, from the first interlaced one on through a filter.

    Args:
        time_base: Seconds in a unit of the frames' times.
    """

    def __init__(self, time_base: Fraction) -> None:
        self._time_base = time_base
        self._graph: Any = None
        self._kind: tuple[int, int, str] | None = None  # that the filter was made for

    def frames(self, frame: Any) -> Iterator[Any]:
        """What becomes of a frame; the filter holds one back."""
        if self._graph is None and not frame.interlaced_frame:
            yield frame
            return
        kind = frame.width, frame.height, frame.format.name
        if self._kind != kind:
            yield from self.rest()
            self._begin(frame)
            self._kind = kind
        self._graph.push(frame)
        yield from self._ready()

    def rest(self) -> Iterator[Any]:
        """What is held back."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._ready()
        self._graph = None

    def _begin(self, frame: Any) -> None:
        self._graph = av.filter.Graph()
        source = self._graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=self._time_base
        )
        whole = self._graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
        end = self._graph.add("buffersink")
        source.link_to(whole)
        whole.link_to(end)
        self._graph.configure()

    def _ready(self) -> Iterator[Any]:
        while True:
            try:
                frame = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if frame.pts is not None:
                frame.pts = round(frame.pts * frame.time_base / self._time_base)
            frame.time_base = self._time_base
            yield frame
