"""Video files that are written: exact times, sound copied, metadata dropped."""

import math
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

import av

from ..errors import InputError, OutputError
from ..io.files import atomic_path
from . import audio, subtitles
from .container import Timed
from .pictures import Coding, Pictures
from .sources import STANDARD_STREAM
from .streams import described, retold
from .times import Increasing

_FINEST = 2**31 - 1  # ticks a second that MP4 counts


class Writer:
    """Writes a video under a temporary name; it gets its own when it is complete.

    Pictures may come from one thread and sound from another.

    Attributes:
        sound_told: What became of the sound: ``"none"``, ``"left out"``, ``"copied"`` or
            ``"coded anew"``.
        dropped: Streams that were not asked for or that the container cannot hold, in words.

    Args:
        path: Its suffix decides the container; None writes Matroska to standard output.
        codings: Of the videos in it; the sound of the first one's reader is taken over.
        sound: Take the sound over: as it is where the container can hold it, else coded anew.
        keep_subtitles: Take subtitles and chapters over, too. They may name people.

    Raises:
        OutputError: The file cannot be made, or FFmpeg has no such codec.
    """

    def __init__(
        self,
        path: Path | None,
        codings: Sequence[Coding],
        sound: bool = True,
        keep_subtitles: bool = False,
    ) -> None:
        self.path: Path | str = path or STANDARD_STREAM
        self._muxing, self._times = threading.Lock(), Increasing()
        self._file: AbstractContextManager[Path | None] = (
            nullcontext() if path is None else atomic_path(path, path.suffix)
        )
        temporary = self._file.__enter__()
        self._container: Any = None
        try:
            reader = codings[0].reader
            self._container = _created(temporary, codings)
            self._videos = [Pictures(self._container, coding) for coding in codings]
            self.dropped: list[str] = []
            self._tracks: dict[int, Any] = {}
            if sound:
                self._take_over(reader.audio, audio.taken_over)
            self._take_over(reader.subtitles, subtitles.taken_over if keep_subtitles else None)
            if keep_subtitles:
                self._container.set_chapters(reader.chapters)
            elif reader.chapters:
                self.dropped.append(f"{len(reader.chapters)} chapters")
            self._container.start_encoding()  # from here on streams know their units of time
        except (av.error.FFmpegError, ValueError, TypeError, OSError) as error:
            self._discard()
            raise OutputError(f"{self.path}: cannot be written ({error})") from error
        except BaseException:
            self._discard()
            raise
        self.sound_told = self._sound_told(bool(codings[0].reader.audio))

    def _sound_told(self, has_sound: bool) -> str:
        kinds = [type(track) for track in self._tracks.values()]
        if audio.RecodedSound in kinds:
            return "coded anew"
        return "copied" if audio.CopiedSound in kinds else "left out" if has_sound else "none"

    def _take_over(self, streams: list[Any], how: Callable[[Any, Any], Any] | None) -> None:
        """Prepare for the packets of streams, or remember that they are dropped."""
        for stream in streams:
            track = None if how is None else how(stream, self._container)
            if track is None:
                self.dropped.append(described(stream))
            else:
                retold(stream, track.stream)
                self._tracks[stream.index] = track

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._complete()
        except (av.error.FFmpegError, OSError) as problem:
            raise OutputError(f"{self.path}: cannot be written ({problem})") from problem
        finally:
            self._discard()

    def _complete(self) -> None:
        """Write what the codecs hold back, and give the file its name."""
        for pictures in self._videos:
            self._mux(pictures.rest())
        for track in self._tracks.values():
            self._mux(track.rest())
        self._container.close()
        self._file.__exit__(None, None, None)

    def write(self, timed: Timed) -> None:
        """Append a frame.

        Raises:
            OutputError: The disk is full.
        """
        try:
            packets = self._videos[timed.video].packets(timed)
        except (av.error.FFmpegError, ValueError) as error:
            raise OutputError(f"{self.path}: cannot be coded ({error})") from error
        self._mux(packets)

    def take(self, packet: Any) -> None:
        """Append a packet of sound or subtitles.

        Raises:
            InputError: It cannot be decoded, and must be.
            OutputError: The disk is full.
        """
        track = self._tracks.get(packet.stream.index)
        if track is None:
            return
        try:
            packets = track.packets(packet)
        except av.error.FFmpegError as error:
            raise InputError(
                f"{self.path}: the sound cannot be decoded ({error})", "drop it with `no_audio`"
            ) from error
        self._mux(packets)

    def _mux(self, packets: list[Any]) -> None:
        try:
            with self._muxing:
                for packet in packets:
                    self._times.place(packet, packet.stream.time_base)
                    self._container.mux(packet)
        except (av.error.FFmpegError, OSError) as error:
            raise OutputError(f"{self.path}: cannot be written ({error})") from error

    def _discard(self) -> None:
        """Leave no scraps; what is complete stays."""
        with suppress(Exception):
            self._container.close()
        self._file.__exit__(GeneratorExit, GeneratorExit(), None)


class _Pipe:
    """Standard output as FFmpeg takes it: it can only be written to."""

    def write(self, content: bytes) -> int:
        return sys.stdout.buffer.write(content)


def _created(path: Path | None, codings: Sequence[Coding]) -> Any:
    """A new container, in a file or on standard output."""
    if path is None:
        return av.open(_Pipe(), "w", format="matroska")
    options = {}
    if path.suffix.lower() in (".mp4", ".m4v", ".mov"):
        rates = [coding.reader.time_base.denominator for coding in codings]
        common = math.lcm(*rates)  # all videos of a file count alike
        rate = common if common <= _FINEST else rates[0]
        options = {"video_track_timescale": str(rate), "movflags": "+faststart"}
    return av.open(f"file:{path.absolute()}", "w", options=options)
