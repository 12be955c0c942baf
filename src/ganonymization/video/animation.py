"""Animations, read and written like videos; silent, and held in memory where they are written."""

import contextlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from ..errors import InputError, UnreadableError
from ..io import images
from .container import Timed

_FORMATS = ("GIF", "WEBP", "PNG", "AVIF")  # no others: EPS, say, would run a program
_ORIENTATION = 0x0112  # of EXIF
_TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT, 3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM, 5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270, 7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}  # fmt: skip
_TRANSPOSED = (5, 6, 7, 8)
_GIF_IMAGE, _GIF_END = 0x2C, 0x3B
_BEHIND = (255, 255, 255)  # what shows through transparent pixels
_USUAL_MS = 100  # of frames that tell no duration, as browsers do
_WEBP_QUALITY = 85


class AnimationReader:
    """Frames of an animation.

    Attributes:
        name: For messages.
        time_base: Milliseconds, in seconds.
        rate: Frames a second on average.
        frames_told: How many there are.
        loops: How often it is shown again; 0 without end, None not at all.
        stream: None, as there are no streams; the lists of others are empty.

    Args:
        path: A GIF, WebP, PNG or AVIF file; a still one has one frame.

    Raises:
        UnreadableError: Missing, or none of them.
    """

    time_base = Fraction(1, 1000)
    stream = None
    colour_codes = 2, 2  # not told
    dropped: tuple[str, ...] = ()
    further: tuple[Any, ...] = ()

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        try:
            self._file = Pillow.open(path, formats=_FORMATS)
        except FileNotFoundError as error:
            raise UnreadableError(f"{path}: no such file; check the path") from error
        except (OSError, UnidentifiedImageError, Pillow.DecompressionBombError) as error:
            raise UnreadableError(f"{path}: not an animation that can be read ({error})") from error
        try:
            self.frames_told: int = getattr(self._file, "n_frames", 1)
            self._orientation: int = self._file.getexif().get(_ORIENTATION, 1)
        except Exception as error:  # decoders raise anything on damaged files
            self.close()
            raise UnreadableError(f"{path}: damaged ({error}); copy it anew") from error
        gif = self._file.format == "GIF"
        told = self._file.info.get("loop")
        self.loops: int | None = told if gif else {0: 0, 1: None}.get(told or 0, (told or 0) - 1)
        self._whole = not gif or _ends(path)
        durations_ms = self._durations_ms()
        self.rate = Fraction(1000 * len(durations_ms), sum(durations_ms))

    def __enter__(self) -> "AnimationReader":
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
        self._file.close()

    @property
    def pixel_aspect(self) -> Fraction:
        """Pixels are square."""
        return Fraction(1)

    @property
    def audio(self) -> list[Any]:
        """No sound streams."""
        return []

    @property
    def subtitles(self) -> list[Any]:
        """No subtitles."""
        return []

    @property
    def chapters(self) -> list[Any]:
        """No chapters."""
        return []

    def size_wh(self) -> tuple[int, int]:
        """Of the frames, upright."""
        width, height = self._file.size
        return (height, width) if self._orientation in _TRANSPOSED else (width, height)

    def frames(self, sound: object = None) -> Iterator[Timed]:
        """Every frame with the time at which it is shown, in milliseconds.

        Raises:
            InputError: The file is damaged; what came before it was handed on.
        """
        shown_ms = 0
        try:
            for number in range(self.frames_told):
                self._file.seek(number)
                layers = self._upright(self._file.convert("RGBA"))
                behind = Pillow.new("RGBA", layers.size, (*_BEHIND, 255))
                pixels = np.asarray(Pillow.alpha_composite(behind, layers).convert("RGB"))
                lasts_ms = self._lasts_ms()
                yield Timed(np.ascontiguousarray(pixels), shown_ms, lasts_ms)
                shown_ms += lasts_ms
        except Exception as error:  # decoders raise anything on damaged files
            raise InputError(f"{self.name}: damaged after {shown_ms / 1000:.2f} s") from error
        if not self._whole:
            raise InputError(f"{self.name}: cut off after {shown_ms / 1000:.2f} s")

    def _upright(self, image: Pillow.Image) -> Pillow.Image:
        turn = _TURNS.get(self._orientation)
        return image if turn is None else image.transpose(turn)

    def _lasts_ms(self) -> int:
        """Of the frame that was loaded last."""
        return round(self._file.info.get("duration", 0)) or _USUAL_MS

    def _durations_ms(self) -> list[int]:
        """Of every frame up to the first damaged one."""
        found = []
        with contextlib.suppress(Exception):  # told when the frames are read
            for number in range(self.frames_told):
                self._file.seek(number)
                self._file.load()  # WebP tells no duration before
                found.append(self._lasts_ms())
        return found or [_USUAL_MS]


def _ends(gif: Path) -> bool:
    """Whether a GIF file has its end mark behind its blocks; what follows does not matter."""
    data = gif.read_bytes()
    try:
        place = 13 + _colour_table_bytes(data[10])
        while data[place] != _GIF_END:
            if data[place] == _GIF_IMAGE:
                place += 11 + _colour_table_bytes(data[place + 9])
            else:  # an extension
                place += 2
            while data[place]:  # blocks of data, each behind its length
                place += 1 + data[place]
            place += 1
    except IndexError:
        return False
    return True


def _colour_table_bytes(flags: int) -> int:
    return 3 * 2 ** (1 + (flags & 7)) if flags & 0x80 else 0


class AnimationWriter:
    """Writes an animation when it is complete.

    Attributes:
        sound_told: What became of the sound: ``"none"`` or ``"left out"``.
        dropped: Streams that animations cannot hold, in words.

    Args:
        path: Its suffix decides the format.
        time_base: Seconds in a unit of the frames' times.
        rate: Frames a second, for the last one's duration.
        loops: How often it is shown again; 0 without end, None not at all.
        has_sound: Whether the source has any.
        dropped: Streams that animations cannot hold, in words.
    """

    def __init__(
        self, path: Path, time_base: Fraction, rate: Fraction, loops: int | None, has_sound: bool,
        dropped: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._path, self._time_base, self._loops = path, time_base, loops
        self._last_ms = float(1000 / rate)  # unless the last frame tells itself
        self._frames: list[Pillow.Image] = []
        self._starts_ms: list[float] = []
        self.dropped = list(dropped)
        self.sound_told = "left out" if has_sound else "none"

    def __enter__(self) -> "AnimationWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None and self._frames:
            images.write_whole(self._path, self._save)

    def write(self, timed: Timed) -> None:
        """Append a frame."""
        frame = Pillow.fromarray(timed.image)
        if self._path.suffix.lower() == ".gif":
            frame = frame.quantize(method=Pillow.Quantize.MEDIANCUT)
        self._frames.append(frame)
        self._starts_ms.append(float(1000 * timed.pts * self._time_base))
        if timed.duration is not None:
            self._last_ms = float(1000 * timed.duration * self._time_base)

    def _save(self, file: Any) -> None:
        gif = self._path.suffix.lower() == ".gif"
        unit = 10 if gif else 1  # milliseconds in which the format counts
        starts = [*self._starts_ms, self._starts_ms[-1] + self._last_ms]
        ends = [unit * round(end / unit) for end in starts]
        ends[-1] = max(ends[-1], ends[-2] + unit)
        # frames that would last no time are left out: players show them for a tenth of a second
        shown = [(frame, b - a) for frame, (a, b) in zip(self._frames, pairwise(ends), strict=True)
                 if b > a]  # fmt: skip
        settings: dict[str, Any] = {"optimize": False} if gif else {"quality": _WEBP_QUALITY}
        if gif and self._loops is not None:
            settings["loop"] = self._loops
        elif not gif:  # counts how often it is played, where GIF counts how often again
            settings["loop"] = 0 if self._loops == 0 else (self._loops or 0) + 1
        shown[0][0].save(
            file, format="GIF" if gif else "WEBP", save_all=True,
            append_images=[frame for frame, _ in shown[1:]],
            duration=[lasts for _, lasts in shown], **settings,
        )  # fmt: skip
