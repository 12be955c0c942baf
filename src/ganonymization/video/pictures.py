"""The frames of a video on their way into a container: colours, exact times, a codec."""

import os
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

import av
from av.video.reformatter import Colorspace, VideoReformatter

from .container import Timed
from .decoded import colourspace
from .hdr import colour_codes
from .mastering import Mastering
from .streams import retold

_OPTIONS = {
    "libx265": {"preset": "veryfast", "x265-params": "log-level=error"},
    "libsvtav1": {"preset": "8"},
}
"""Of codecs, where they are not the usual ones."""


class Source(Protocol):
    """What a writer takes over of what is read."""

    name: str
    time_base: Fraction
    rate: Fraction

    @property
    def pixel_aspect(self) -> Fraction:
        """Width by height of a pixel as it is shown."""
        ...

    @property
    def colour_codes(self) -> tuple[int, int]:
        """Primaries and transfer of its first frame, as H.273 counts; 2 where it is not told."""
        ...

    @property
    def stream(self) -> Any:
        """The one of the pictures, or None where there are no streams."""
        ...

    @property
    def audio(self) -> list[Any]:
        """The sound streams."""
        ...

    @property
    def subtitles(self) -> list[Any]:
        """The streams of subtitles."""
        ...

    @property
    def chapters(self) -> list[Any]:
        """As PyAV has them, with titles alone."""
        ...

    def size_wh(self) -> tuple[int, int]:
        """Of the frames, upright."""
        ...


class Coding(NamedTuple):
    """How a video is coded.

    Attributes:
        reader: Its times, colours and language are taken over.
        size_wh: Of the frames.
        codec: As FFmpeg names it.
        crf: Constant rate factor, lower is better.
        deep: Frames are in the source's high range and are coded in ten bits.
        mastering: What is said of its light.
    """

    reader: Source
    size_wh: tuple[int, int]
    codec: str
    crf: int
    deep: bool = False
    mastering: Mastering = Mastering()


class Pictures:
    """Codes the frames of one video.

    Args:
        container: To be written; it gets a stream.
        coding: How.
    """

    def __init__(self, container: Any, coding: Coding) -> None:
        reader, size_wh, codec, crf, deep, mastering = coding
        self._reformatter = VideoReformatter()
        self._end: int | None = None  # of the last frame, in ticks
        stream = container.add_stream(codec, rate=reader.rate)
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p" if not any(n % 2 for n in size_wh) else "yuv444p"
        stream.pix_fmt += "10le" if deep else ""
        stream.options = {"crf": str(crf), **_OPTIONS.get(codec, {"preset": "veryfast"})}
        if deep:
            stream.options |= mastering.options(codec)
        if codec == "libx265":
            stream.codec_context.codec_tag = "hvc1"  # Apple's players know no other
        os.environ.setdefault("SVT_LOG", "1")  # it would print its settings
        stream.time_base = stream.codec_context.time_base = reader.time_base
        self._colours = Colorspace.BT2020 if deep else colourspace(None, size_wh[1])
        self._codes = colour_codes(reader.colour_codes, deep)
        stream.codec_context.colorspace = self._colours
        stream.codec_context.color_primaries, stream.codec_context.color_trc = self._codes
        stream.codec_context.sample_aspect_ratio = reader.pixel_aspect
        if reader.stream is not None:
            retold(reader.stream, stream)
        self._stream = stream

    def packets(self, timed: Timed) -> list[Any]:
        """What becomes of a frame, perhaps later."""
        if timed.deep is None:
            frame = av.VideoFrame.from_ndarray(timed.image, format="rgb24")
        else:
            frame = av.VideoFrame.from_ndarray(timed.deep, format="rgb48le")
        frame.colorspace = self._colours
        frame.color_primaries, frame.color_trc = self._codes
        coded = self._reformatter.reformat(
            frame,
            format=self._stream.pix_fmt,
            src_colorspace=self._colours,
            dst_colorspace=self._colours,
        )
        self._end = None if timed.duration is None else timed.pts + timed.duration
        coded.pts, coded.time_base = timed.pts, self._stream.codec_context.time_base
        packets: list[Any] = self._stream.encode(coded)
        return packets

    def rest(self) -> list[Any]:
        """What the codec holds back."""
        packets: list[Any] = self._stream.encode()
        if packets and self._end is not None:  # the frame coded last may be shown before the last
            packets[-1].duration = max(packets[-1].duration or 0, self._end - packets[-1].pts)
        return packets
