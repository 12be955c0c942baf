"""Video files: frames in and out with their exact times, sound copied, metadata dropped."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.video.reformatter import Colorspace

from .errors import InputError, OutputError, UnreadableError
from .types import Image

CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv", ".webm")  # AVI knows no times
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
    """

    image: Image
    pts: int


class Reader:
    """Frames and sound of a video file.

    Attributes:
        time_base: Seconds in a unit of time.
        rate: Frames a second on average.
        frames_told: How many frames the file says that it has; 0 if it does not.

    Args:
        path: Of the file.

    Raises:
        UnreadableError: Missing, no video, or damaged from the start.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if not path.is_file():
                raise UnreadableError(f"{path}: no such file; check the path")
            # "file:": a colon in a name is no protocol's
            self._container: Any = av.open(f"file:{path.absolute()}", metadata_errors="replace")
        except av.error.FFmpegError as error:
            raise UnreadableError(f"{path}: not a video that can be read ({error})") from error
        if not self._container.streams.video or self._container.format.name in _NOT_VIDEO:
            self.close()
            raise UnreadableError(f"{path}: has no pictures; give a video")
        self._stream = self._pictures()
        self._stream.thread_type = "AUTO"
        self.time_base: Fraction = self._stream.time_base
        self.rate: Fraction = self._stream.average_rate or Fraction(25)
        self.frames_told: int = self._stream.frames

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def _pictures(self) -> Any:
        return self._container.streams.video[0]

    @property
    def pixel_aspect(self) -> Fraction:
        """Width by height of a pixel as it is shown."""
        return self._stream.sample_aspect_ratio or Fraction(1)

    @property
    def audio(self) -> list[Any]:
        """The sound streams."""
        return list(self._container.streams.audio)

    def frames(self, sound: "Writer | None" = None) -> Iterator[Timed]:
        """Every frame in the order it is shown.

        Args:
            sound: Gets the packets of sound as they come, or None drops them.

        Raises:
            InputError: The file is damaged; what came before it was handed on.
        """
        last, step = -1, max(1, round(1 / (self.rate * self.time_base)))
        ended = True
        try:
            for packet in self._container.demux(self._stream, *(self.audio if sound else ())):
                if packet.stream is not self._stream:
                    if sound is not None and packet.dts is not None:
                        sound.copy(packet)
                    continue
                ended = ended and not packet.is_corrupt
                for frame in packet.decode():
                    # times that are missing or go back, as in AVI, are counted instead
                    known = frame.pts is not None and (last < 0 or frame.pts > last)
                    last = frame.pts if known else last + step
                    yield Timed(_upright(frame), last)
        except av.error.FFmpegError as error:
            raise InputError(f"{self.path}: damaged after {self._s(last)} ({error})") from error
        if not ended or float(last * self.time_base) < self._end_s() - _SHORT_S:
            raise InputError(f"{self.path}: cut off after {self._s(last)}")

    def _s(self, pts: int) -> str:
        return f"{float(pts * self.time_base):.2f} s"

    def _end_s(self) -> float:
        """When the last frame is shown by what the file says, or 0."""
        told = self._stream.metadata.get("DURATION", "")  # Matroska
        with contextlib.suppress(ValueError):
            hours, minutes, seconds = (float(part) for part in told.split(":"))
            return 3600 * hours + 60 * minutes + seconds - float(1 / self.rate)
        if self._stream.duration is None:
            return 0.0
        start = self._stream.start_time or 0
        return float((start + self._stream.duration) * self.time_base - 1 / self.rate)


def _upright(frame: Any) -> Image:
    """RGB as it is meant to be seen."""
    colours = _colourspace(frame.colorspace, frame.height)
    rgb = frame.reformat(format="rgb24", src_colorspace=colours, dst_colorspace=colours)
    quarters = round(frame.rotation / 90) % 4  # counterclockwise, as rot90 counts
    return np.ascontiguousarray(np.rot90(rgb.to_ndarray(), quarters))


def _colourspace(told: Any, rows: int) -> Colorspace:
    if told is not None and int(told) in _BT601:
        return Colorspace.ITU601
    if told is not None and int(told) == _BT709:
        return Colorspace.ITU709
    return Colorspace.ITU709 if rows > _HD_ROWS else Colorspace.ITU601


class Writer:
    """Writes a video under a temporary name; it gets its own when it is complete.

    Args:
        path: Its suffix decides the container.
        reader: Its times and sound are taken over.
        size_wh: Of the frames.
        codec: Of the pictures, as FFmpeg names it.
        crf: Constant rate factor, lower is better.
        sound: Copy the sound.

    Raises:
        OutputError: The file cannot be made, or FFmpeg has no such codec.
    """

    def __init__(
        self, path: Path, reader: Reader, size_wh: tuple[int, int], codec: str, crf: int,
        sound: bool = True,
    ) -> None:  # fmt: skip
        self.path = path
        self._temporary = path.parent / f".{secrets.token_hex(8)}.part{path.suffix}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            place = f"file:{self._temporary.absolute()}"
            self._container: Any = av.open(place, "w", options=_muxing(path, reader))
            self._stream = _pictures(self._container, codec, reader.rate)
            self._stream.width, self._stream.height = size_wh
            self._stream.pix_fmt = "yuv420p" if not any(n % 2 for n in size_wh) else "yuv444p"
            self._stream.options = {"crf": str(crf), "preset": "veryfast"}
            self._stream.time_base = self._stream.codec_context.time_base = reader.time_base
            self._colours = _colourspace(None, size_wh[1])
            self._stream.codec_context.colorspace = self._colours
            self._stream.codec_context.sample_aspect_ratio = reader.pixel_aspect
            self._sound = {
                stream.index: self._taken_over(stream) for stream in (reader.audio if sound else ())
            }
        except (av.error.FFmpegError, ValueError, TypeError, OSError) as error:
            self._discard()
            raise OutputError(f"{path}: cannot be written ({error})") from error

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._discard()
            return
        try:
            for packet in self._stream.encode():
                self._container.mux(packet)
            self._container.close()
            self._temporary.replace(self.path)
        except (av.error.FFmpegError, OSError) as problem:
            self._discard()
            raise OutputError(f"{self.path}: cannot be written ({problem})") from problem
        except BaseException:  # a stop: leave no scraps
            self._discard()
            raise

    def _taken_over(self, stream: Any) -> Any:
        """A stream of sound like another one.

        Raises:
            OutputError: The container cannot hold it.
        """
        codec = stream.codec_context.name
        if codec not in self._container.supported_codecs:
            self._discard()
            raise OutputError(
                f"{self.path}: {self.path.suffix} cannot hold {codec} sound; write .mkv, or leave "
                "the sound out with --no-audio"
            )
        return self._container.add_stream_from_template(stream)

    def write(self, timed: Timed) -> None:
        """Append a frame.

        Raises:
            OutputError: The disk is full.
        """
        frame = av.VideoFrame.from_ndarray(timed.image, format="rgb24")
        frame.colorspace = self._colours
        coded = frame.reformat(
            format=self._stream.pix_fmt, src_colorspace=self._colours, dst_colorspace=self._colours
        )
        coded.pts, coded.time_base = timed.pts, self._stream.codec_context.time_base
        try:
            packets = self._stream.encode(coded)
        except (av.error.FFmpegError, ValueError) as error:
            raise OutputError(f"{self.path}: cannot be coded ({error})") from error
        self._mux(packets)

    def copy(self, packet: Any) -> None:
        """Append a packet of sound as it is."""
        packet.stream = self._sound[packet.stream.index]
        self._mux([packet])

    def _mux(self, packets: list[Any]) -> None:
        try:
            for packet in packets:
                self._container.mux(packet)
        except (av.error.FFmpegError, OSError) as error:
            raise OutputError(f"{self.path}: cannot be written ({error})") from error

    def _discard(self) -> None:
        with contextlib.suppress(Exception):
            self._container.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)


def _pictures(container: Any, codec: str, rate: Fraction) -> Any:
    return container.add_stream(codec, rate=rate)


def _muxing(path: Path, reader: Reader) -> dict[str, str]:
    if path.suffix in (".mp4", ".m4v", ".mov"):
        return {"video_track_timescale": str(reader.time_base.denominator),
                "movflags": "+faststart"}  # fmt: skip
    return {}
