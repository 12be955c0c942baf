"""Video files: frames and packets of sound with their exact times."""

import errno
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import av
from av.video.reformatter import VideoReformatter

from ..errors import InputError, UnreadableError
from ..io.high_range import Deep, Range
from ..io.images import DEFAULT_MAX_PIXELS
from ..types import Image
from .decoded import decoder_of, fitted, has_alpha, rgb, turn_of
from .hdr import DeepFrame, deep_rgb, range_of
from .interlace import Progressive
from .mastering import Mastering, mastering_of
from .sources import STANDARD_STREAM, opened
from .streams import chosen
from .times import TORN, FrameTimes, Timeline

_NOT_VIDEO = {"tty"}  # FFmpeg would draw text files
_SHORT_S = 0.2  # a file that ends so much before it says so was cut off
_TELLING_ENDS = ("mov,", "matroska", "avi", "asf")  # formats that know theirs; others guess


@dataclass(frozen=True)
class Timed:
    """A frame and when it is shown.

    Attributes:
        image: (H, W, 3) uint8 RGB, upright.
        pts: In units of the reader's ``time_base``.
        duration: Alike; None where the next frame tells, or where it is the usual one.
        source: The frame in high range, where that is kept.
        deep: Of a frame to be written, (H, W, 3) uint16 RGB in high range, where that is kept.
        video: Of a frame to be written, to which of the file's videos it belongs, from 0 on.
    """

    image: Image
    pts: int
    duration: int | None = None
    source: DeepFrame | None = None
    deep: Deep | None = None
    video: int = 0


class TakesSound(Protocol):
    """Where packets of sound and subtitles go."""

    def take(self, packet: Any) -> None:
        """Append a packet."""
        ...


class Reader:
    """Frames and sound of a video.

    Attributes:
        name: For messages.
        time_base: Seconds in a unit of time.
        rate: Frames a second on average.
        frames_told: How many frames the file says that its videos have; 0 if it does not.
        stream: The one of the pictures.
        audio: The sound streams.
        subtitles: The streams of subtitles.
        further: Other videos in the file.
        dropped: The other streams, in words.
        high_range: How the first frame codes light, where that is in high dynamic range.
        has_alpha: Whether the first frame has transparent pixels, which become white.
        colour_codes: Primaries and transfer of the first frame, as H.273 counts.
        mastering: What the first frame says of its film's light.

    Args:
        source: A file; or ``"-"`` for standard input, an address such as ``rtsp://…``, or a camera
            such as ``/dev/video0``.
        keep_deep: Hand on frames of high range as they are, beside their standard pictures.
        video: Which of the file's videos, from 0 on.
        max_pixels: Of any of its frames; FFmpeg decodes none that is larger.

    Raises:
        UnreadableError: Missing, no video, or damaged from the start.
    """

    def __init__(
        self, source: Path | str, keep_deep: bool = False, video: int = 0,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> None:  # fmt: skip
        self.name, self._keep_deep, self._max_pixels = str(source), keep_deep, max_pixels
        bounds = {"max_pixels": str(max_pixels), "rtsp_transport": "tcp"}
        try:
            self._container: Any = opened(source, bounds)
        except (av.error.FFmpegError, ValueError) as error:
            raise UnreadableError(f"{source}: not a video that can be read ({error})") from error
        streams = chosen(self._container, video)
        if streams is None or self._container.format.name in _NOT_VIDEO:
            self.close()
            raise UnreadableError(f"{source}: has no pictures; give a video")
        self.stream = streams.video
        self.audio, self.subtitles = streams.audio, streams.subtitles
        self.further, self.dropped = streams.further, streams.dropped
        self.stream.thread_type, self.stream.codec_context.options = "AUTO", bounds
        self.time_base: Fraction = self.stream.time_base
        self.rate: Fraction = self.stream.average_rate or Fraction(25)
        self.frames_told = sum(video.frames for video in (self.stream, *self.further))
        self._step = max(1, round(1 / (self.rate * self.time_base)))
        self._waiting: deque[Any] = deque()
        self._rest = self._ended(self._demuxed())
        self._reformatter = VideoReformatter()
        self._size_wh: tuple[int, int] | None = None  # of the first frame
        self._swaps_sides = self.has_alpha = False
        self.high_range: Range | None = None
        self.colour_codes, self.mastering = (2, 2), Mastering()  # not told
        self._end_seen = 0  # in ticks

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    @property
    def keeps_deep(self) -> bool:
        """Whether frames of high range are handed on; known with the first frame."""
        return self._keep_deep and self.high_range is not None

    @property
    def pixel_aspect(self) -> Fraction:
        """Width by height of a pixel as it is shown; known with the first frame."""
        told = self.stream.sample_aspect_ratio or Fraction(1)
        return 1 / told if self._swaps_sides else told

    @property
    def chapters(self) -> list[Any]:
        """As PyAV has them, with titles alone."""
        return [
            chapter | {"metadata": {"title": chapter["metadata"].get("title", "")}}
            for chapter in self._container.chapters()
        ]

    def size_wh(self) -> tuple[int, int]:
        """Of the frames, upright; the first one is decoded for that, and kept.

        Raises:
            InputError: There are no frames, or the file is damaged before the first.
        """
        while not self._waiting or not isinstance(self._waiting[-1], Timed):
            try:
                self._waiting.append(next(self._rest))
            except StopIteration:
                raise InputError(f"{self.name}: has no frames") from None
        return self._waiting[-1].image.shape[1], self._waiting[-1].image.shape[0]

    def frames(self, sound: "TakesSound | None" = None) -> Iterator[Timed]:
        """Every frame in the order it is shown, once.

        Args:
            sound: Gets the packets of sound as they come, or None drops them.

        Raises:
            InputError: The file is damaged; what came before it was handed on.
        """
        for each in chain(_emptied(self._waiting), self._rest):
            if isinstance(each, Timed):
                yield each
            elif sound is not None:
                sound.take(each)

    def _demuxed(self) -> Iterator[Any]:
        """Frames, and packets of sound and subtitles between them."""
        kind = self._container.format.name
        timeline = Timeline(kind, self._container.start_time or 0)
        times, whole = FrameTimes(kind, self._step), Progressive(self.time_base)
        ended, decode = True, decoder_of(self.stream)
        try:
            for packet in self._container.demux(self.stream, *self.audio, *self.subtitles):
                timeline.place(packet)
                if packet.stream is not self.stream:
                    if packet.dts is not None:
                        yield packet
                    continue
                ended = (ended or kind in TORN) and not packet.is_corrupt
                self._remember_end(packet)
                times.sent(packet)
                for decoded in decode(packet):
                    for frame in whole.frames(decoded):
                        yield self._timed(frame, times.of(frame))
            for frame in whole.rest():
                yield self._timed(frame, times.of(frame))
        except av.error.FFmpegError as error:
            grown = error.errno == errno.EINVAL  # what FFmpeg says of frames beyond the bound, too
            size = f", or a frame has more than {self._max_pixels:,} pixels" * grown
            raise InputError(f"{self._damaged(times.last)}{size} ({error})") from error
        if not ended or float(self._end_seen * self.time_base) < self._end_s() - _SHORT_S:
            raise InputError(f"{self.name}: cut off after {self._s(times.last)}")

    def _ended(self, rest: Iterator[Any]) -> Iterator[Any]:
        """The same, and how long the last frame stands, where the file tells that."""
        if not self._tells_end():
            yield from rest
            return
        held: Timed | None = None
        try:
            for each in rest:
                if isinstance(each, Timed):
                    if held is not None:
                        yield held
                    held = each
                else:
                    yield each
        except InputError:
            if held is not None:
                yield held
            raise
        if held is not None:
            lasts = round(self._end_s() / self.time_base) - held.pts
            yield replace(held, duration=lasts if lasts > 2 * self._step else None)

    def _remember_end(self, packet: Any) -> None:
        """When the last frame ends, by the packets."""
        if packet.pts is not None:
            self._end_seen = max(self._end_seen, packet.pts + (packet.duration or self._step))

    def _timed(self, frame: Any, pts: int) -> Timed:
        """A frame in standard range, upright, in the size of the first one."""
        light, turn = range_of(frame), turn_of(frame)
        if light is None:
            image = turn(rgb(frame, self._reformatter))
        else:
            image = turn(light.standard(deep_rgb(frame, self._reformatter)))
        if self._size_wh is None:
            self._size_wh = image.shape[1], image.shape[0]
            self._swaps_sides, self.has_alpha = turn.swaps_sides, has_alpha(frame)
            self.high_range = light
            self.colour_codes = int(frame.color_primaries), int(frame.color_trc)
            self.mastering = mastering_of(frame)
        source = None
        if self._keep_deep and light is not None:
            source = DeepFrame(frame, light, turn, self._size_wh)
        return Timed(fitted(image, self._size_wh), pts, source=source)

    def _damaged(self, last: int | None) -> str:
        if self.name == STANDARD_STREAM and last is None:
            return "standard input: not made for streaming; give the file, or pipe Matroska"
        return f"{self.name}: damaged after {self._s(last)}"

    def _s(self, pts: int | None) -> str:
        return f"{max(0.0, float((pts or 0) * self.time_base)):.2f} s"

    def _tells_end(self) -> bool:
        """Whether the file says when the last frame ends; other formats guess."""
        return str(self._container.format.name).startswith(_TELLING_ENDS)

    def _end_s(self) -> float:
        """When the last frame ends by what the file says, or 0."""
        if not self._tells_end():
            return 0.0
        told = self.stream.metadata.get("DURATION", "")  # Matroska
        with suppress(ValueError):
            hours, minutes, seconds = (float(part) for part in told.split(":"))
            return 3600 * hours + 60 * minutes + seconds
        if self.stream.duration is None:
            return 0.0
        return float(((self.stream.start_time or 0) + self.stream.duration) * self.time_base)


def _emptied(waiting: "deque[Any]") -> Iterator[Any]:
    while waiting:
        yield waiting.popleft()
