"""Times of packets and frames: without jumps, and each later than the one before."""

from collections import deque
from fractions import Fraction
from typing import Any

_RESTART_S = Fraction(1, 10)  # a clock that goes back so far begins anew
_JUMP_S = 10  # or one that leaps so far ahead
TORN = {"mpegts", "mpeg"}
"""Formats of broadcasts: clocks restart and packets are missing, as where files were joined."""

_WITHOUT_TIMES = {"avi", "h264", "hevc", "m4v", "mpegvideo"}  # their frames come in a fixed rate


class Timeline:
    """Takes jumps out of the clock that all streams of a file share.

    Args:
        format_name: Of the container, as FFmpeg names it.
        start_us: When it begins, in microseconds; before zero where the clock starts over soon
            after, for such frames could not be written.
    """

    def __init__(self, format_name: str, start_us: int = 0) -> None:
        self._restarts = format_name in TORN
        self._offset_s = Fraction(max(0, -start_us), 1_000_000)
        self._last_s: dict[int, tuple[Fraction, Fraction]] = {}  # a packet's start and end

    def place(self, packet: Any) -> None:
        """Move a packet's times to where they belong."""
        if not self._restarts or packet.dts is None:
            return
        stream, unit = packet.stream.index, packet.time_base
        at_s = packet.dts * unit + self._offset_s
        last_s, expected_s = self._last_s.get(stream, (at_s, at_s))
        if at_s < last_s - _RESTART_S or at_s > expected_s + _JUMP_S:
            self._offset_s += expected_s - at_s
            at_s = expected_s
        self._last_s[stream] = at_s, at_s + (packet.duration or 0) * unit
        ticks = round(self._offset_s / unit)
        packet.dts += ticks
        if packet.pts is not None:
            packet.pts += ticks


class FrameTimes:
    """The times of frames in the order in which they are shown.

    Args:
        format_name: Of the container, as FFmpeg names it.
        step: From one frame to the next where nothing tells, in the stream's ticks.
    """

    def __init__(self, format_name: str, step: int) -> None:
        self._step = step
        self._counted: deque[int] | None = deque() if format_name in _WITHOUT_TIMES else None
        self.last: int | None = None

    def sent(self, packet: Any) -> None:
        """A packet of frames goes to the decoder."""
        if self._counted is not None and packet.size and packet.dts is not None:
            self._counted.append(packet.dts)

    def of(self, frame: Any) -> int:
        """When a decoded frame is shown: at least a tick later than the one before."""
        pts: int | None = frame.pts
        if self._counted is not None:  # decoders give such frames the times of others
            pts = self._counted.popleft() if self._counted else None
        if self.last is not None:
            pts = self.last + self._step if pts is None else max(pts, self.last + 1)
        self.last = 0 if pts is None else pts
        return self.last


class Increasing:
    """Makes the times of packets grow as containers demand."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}

    def place(self, packet: Any, unit: Fraction) -> None:
        """Give a packet a time after that of its stream's last one.

        Args:
            packet: To be written.
            unit: Seconds in a tick of its stream in the container.
        """
        if packet.dts is None:
            return
        ticks = packet.time_base / unit
        last = self._last.get(packet.stream.index)
        dts = round(packet.dts * ticks)
        if last is not None and dts <= last:
            dts = last + 1
            pts = max(dts, round((packet.dts if packet.pts is None else packet.pts) * ticks))
            packet.duration = round((packet.duration or 0) * ticks)
            packet.pts, packet.dts, packet.time_base = pts, dts, unit
        self._last[packet.stream.index] = dts
