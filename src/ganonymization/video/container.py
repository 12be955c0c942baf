"""Video files: frames and packets of sound with their exact times."""

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter

from ..errors import InputError, UnreadableError
from ..types import Image

STANDARD_STREAM = "-"
CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv", ".webm")  # AVI knows no times
_CAMERAS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
_PATIENCE_S = 10.0  # for a stream or camera to answer
_NOT_VIDEO = {"tty"}  # FFmpeg would draw text files
_SHORT_S = 0.2  # a file that ends so much before it says so was cut off
_BT601 = (5, 6)  # BT.470BG and SMPTE 170M, as H.273 counts
_BT709 = 1
_HD_ROWS = 576  # more rows are coded by BT.709, unless the file says otherwise


@dataclass(frozen=True)
class Timed:
    """A frame and when it is shown.

    Attributes:
        image: (H, W, 3) uint8 RGB, upright.
        pts: In units of the reader's ``time_base``.
        duration: Alike; None where the next frame tells.
    """

    image: Image
    pts: int
    duration: int | None = None


class TakesSound(Protocol):
    """Where packets of sound go."""

    def take(self, packet: Any) -> None:
        """Append a packet."""
        ...


class Reader:
    """Frames and sound of a video.

    Attributes:
        name: For messages.
        time_base: Seconds in a unit of time.
        rate: Frames a second on average.
        frames_told: How many frames the file says that it has; 0 if it does not.

    Args:
        source: A file; or ``"-"`` for standard input, an address such as ``rtsp://…``, or a camera
            such as ``/dev/video0``.

    Raises:
        UnreadableError: Missing, no video, or damaged from the start.
    """

    def __init__(self, source: Path | str) -> None:
        self.name = str(source)
        try:
            self._container: Any = _opened(source)
        except (av.error.FFmpegError, ValueError) as error:
            raise UnreadableError(f"{source}: not a video that can be read ({error})") from error
        if not self._container.streams.video or self._container.format.name in _NOT_VIDEO:
            self.close()
            raise UnreadableError(f"{source}: has no pictures; give a video")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.time_base: Fraction = self._stream.time_base
        self.rate: Fraction = self._stream.average_rate or Fraction(25)
        self.frames_told: int = self._stream.frames
        self._waiting: deque[Any] = deque()
        self._rest = self._demuxed()
        self._reformatter = VideoReformatter()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    @property
    def pixel_aspect(self) -> Fraction:
        """Width by height of a pixel as it is shown."""
        return self._stream.sample_aspect_ratio or Fraction(1)

    @property
    def audio(self) -> list[Any]:
        """The sound streams."""
        return list(self._container.streams.audio)

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
        """Frames, and packets of sound between them."""
        last, step = -1, max(1, round(1 / (self.rate * self.time_base)))
        ended = True
        try:
            for packet in self._container.demux(self._stream, *self.audio):
                if packet.stream is not self._stream:
                    if packet.dts is not None:
                        yield packet
                    continue
                ended = ended and not packet.is_corrupt
                for frame in packet.decode():
                    # times that are missing or go back, as in AVI, are counted instead
                    known = frame.pts is not None and (last < 0 or frame.pts > last)
                    last = frame.pts if known else last + step
                    yield Timed(_upright(frame, self._reformatter), last)
        except av.error.FFmpegError as error:
            raise InputError(f"{self._damaged(last)} ({error})") from error
        if not ended or float(last * self.time_base) < self._end_s() - _SHORT_S:
            raise InputError(f"{self.name}: cut off after {self._s(last)}")

    def _damaged(self, last: int) -> str:
        if self.name == STANDARD_STREAM and last < 0:
            return "standard input: not made for streaming; give the file, or pipe Matroska"
        return f"{self.name}: damaged after {self._s(last)}"

    def _s(self, pts: int) -> str:
        return f"{float(pts * self.time_base):.2f} s"

    def _end_s(self) -> float:
        """When the last frame is shown by what the file says, or 0."""
        told = self._stream.metadata.get("DURATION", "")  # Matroska
        with suppress(ValueError):
            hours, minutes, seconds = (float(part) for part in told.split(":"))
            return 3600 * hours + 60 * minutes + seconds - float(1 / self.rate)
        if self._stream.duration is None:
            return 0.0
        start = self._stream.start_time or 0
        return float((start + self._stream.duration) * self.time_base - 1 / self.rate)


def _opened(source: Path | str) -> Any:
    """The container behind a file's, stream's or camera's name."""
    told: dict[str, Any] = {"metadata_errors": "replace"}
    if isinstance(source, str) and source != STANDARD_STREAM and not is_live(source):
        source = Path(source)
    if isinstance(source, Path):
        if not source.is_file():
            raise UnreadableError(f"{source}: no such file; check the path")
        return av.open(f"file:{source.absolute()}", **told)  # a colon in a name is no protocol's
    if source == STANDARD_STREAM:
        return av.open(sys.stdin.buffer, **told)
    if "://" in source:
        return av.open(source, timeout=_PATIENCE_S, options={"rtsp_transport": "tcp"}, **told)
    return av.open(source, format=_CAMERAS[sys.platform], timeout=_PATIENCE_S, **told)


def is_live(source: str) -> bool:
    """Whether it has no end of its own: an address or a camera."""
    return "://" in source or source.startswith("/dev/video")


def _emptied(waiting: "deque[Any]") -> Iterator[Any]:
    while waiting:
        yield waiting.popleft()


def _upright(frame: Any, reformatter: VideoReformatter) -> Image:
    """RGB as it is meant to be seen."""
    colours = colourspace(frame.colorspace, frame.height)
    rgb = reformatter.reformat(
        frame, format="rgb24", src_colorspace=colours, dst_colorspace=colours
    )
    quarters = round(frame.rotation / 90) % 4  # counterclockwise, as rot90 counts
    return np.ascontiguousarray(np.rot90(rgb.to_ndarray(), quarters))


def colourspace(told: Any, rows: int) -> Colorspace:
    """How colours are coded, by what a file says or else by its size."""
    if told is not None and int(told) in _BT601:
        return Colorspace.ITU601
    if told is not None and int(told) == _BT709:
        return Colorspace.ITU709
    return Colorspace.ITU709 if rows > _HD_ROWS else Colorspace.ITU601
