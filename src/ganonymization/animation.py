"""GIF and WebP animations, read and written like videos; silent, and held in memory."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageSequence, UnidentifiedImageError

from . import images
from .errors import InputError, UnreadableError
from .movie import Timed

ANIMATIONS = (".gif", ".webp")
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

    Args:
        path: A GIF or WebP file; a still one has one frame.

    Raises:
        UnreadableError: Missing, or none of both.
    """

    time_base = Fraction(1, 1000)

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        try:
            self._file = Pillow.open(path)
        except FileNotFoundError as error:
            raise UnreadableError(f"{path}: no such file; check the path") from error
        except (OSError, UnidentifiedImageError, Pillow.DecompressionBombError) as error:
            raise UnreadableError(f"{path}: not an animation that can be read ({error})") from error
        self.frames_told: int = getattr(self._file, "n_frames", 1)
        self.loops: int | None = self._file.info.get("loop")
        first_ms = self._file.info.get("duration", _USUAL_MS) or _USUAL_MS
        self.rate = Fraction(1000, round(first_ms))

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

    def size_wh(self) -> tuple[int, int]:
        """Of the frames."""
        return self._file.size

    def frames(self, sound: object = None) -> Iterator[Timed]:
        """Every frame with the time at which it is shown, in milliseconds.

        Raises:
            InputError: The file is damaged; what came before it was handed on.
        """
        shown_ms = 0
        try:
            for frame in ImageSequence.Iterator(self._file):
                layers = frame.convert("RGBA")
                behind = Pillow.new("RGBA", layers.size, (*_BEHIND, 255))
                pixels = np.asarray(Pillow.alpha_composite(behind, layers).convert("RGB"))
                yield Timed(np.ascontiguousarray(pixels), shown_ms)
                shown_ms += round(frame.info.get("duration", _USUAL_MS) or _USUAL_MS)
        except (OSError, EOFError, SyntaxError, ValueError) as error:
            raise InputError(f"{self.name}: damaged after {shown_ms / 1000:.2f} s") from error


class AnimationWriter:
    """Writes an animation when it is complete.

    Attributes:
        sound_told: What became of the sound: ``"none"`` or ``"left out"``.

    Args:
        path: Its suffix decides the format.
        time_base: Seconds in a unit of the frames' times.
        rate: Frames a second, for the last one's duration.
        loops: How often it is shown again; 0 without end, None not at all.
        has_sound: Whether the source has any.
    """

    def __init__(
        self, path: Path, time_base: Fraction, rate: Fraction, loops: int | None, has_sound: bool
    ) -> None:
        self._path, self._time_base, self._loops = path, time_base, loops
        self._last_ms = float(1000 / rate)
        self._frames: list[Pillow.Image] = []
        self._starts_ms: list[float] = []
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

    def _save(self, file: Any) -> None:
        starts = [*self._starts_ms, self._starts_ms[-1] + self._last_ms]
        gif = self._path.suffix.lower() == ".gif"
        unit = 10 if gif else 1  # milliseconds in which the format counts
        ends = [unit * round(end / unit) for end in starts]
        durations = [b - a for a, b in pairwise(ends)]
        settings: dict[str, Any] = {"optimize": False} if gif else {"quality": _WEBP_QUALITY}
        if self._loops is not None:
            settings["loop"] = self._loops
        self._frames[0].save(
            file, format="GIF" if gif else "WEBP", save_all=True, append_images=self._frames[1:],
            duration=durations, **settings,
        )  # fmt: skip
