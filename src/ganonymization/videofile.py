"""A video file: every frame anonymized, the sound copied, and a report beside it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

from . import images
from .errors import InputError, OptionError, OutputError
from .images import Picture
from .movie import CONTAINERS, Reader, Timed, Writer
from .pipeline import Anonymizer
from .types import Image
from .video import Anonymized, anonymize_frames

_CODECS = {".webm": "libvpx-vp9"}
_CRF = {"libvpx-vp9": 31}
_THUMBNAIL_PX = 160
_STRIP_COLUMNS = 10
_MOST_THUMBNAILS = 600  # ten minutes; of longer videos the strip shows every n-th second


@dataclass
class TrackReport:
    """What became of one face.

    Attributes:
        first_s: When it was first seen, in seconds.
        last_s: When it was last seen.
        synthesized: Frames in which it was redrawn.
        filled: Frames in which it was covered.
    """

    first_s: float
    last_s: float
    synthesized: int = 0
    filled: int = 0


@dataclass
class VideoReport:
    """What became of a video.

    Attributes:
        frames: Written.
        faces: Seen in all frames together.
        seed: That it can be repeated with.
        tracks: By number.
        filled_s: Times of the frames in which some face was covered rather than redrawn.
        reasons: How often each reason for a cover was given.
        salvaged: Why the input ended early, or None.
    """

    frames: int = 0
    faces: int = 0
    seed: int = 0
    tracks: dict[int, TrackReport] = field(default_factory=dict)
    filled_s: list[float] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    salvaged: str | None = None

    def add(self, frame: Anonymized[int], time_s: float) -> None:
        """Count a frame."""
        self.frames += 1
        self.faces += len(frame.tracks)
        for number, face in zip(frame.tracks, frame.result.faces, strict=True):
            track = self.tracks.setdefault(number, TrackReport(time_s, time_s))
            track.last_s = time_s
            if face.synthesized:
                track.synthesized += 1
            else:
                track.filled += 1
                reason = face.outcome.removeprefix("filled: ")
                self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if not all(face.synthesized for face in frame.result.faces):
            self.filled_s.append(round(time_s, 3))

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class VideoOptions:
    """How a video is written.

    Attributes:
        seed: Of the run.
        codec: Of the pictures, as FFmpeg names it; None for the container's usual one.
        crf: Constant rate factor, lower is better; None for the codec's usual one.
        sound: Copy it. A voice identifies, too.
        salvage: Of a damaged input keep what comes before the damage.
    """

    seed: int
    codec: str | None = None
    crf: int | None = None
    sound: bool = True
    salvage: bool = False


def anonymize_video(
    anonymizer: Anonymizer,
    source: Path,
    out: Path,
    options: VideoOptions,
    advance: Callable[[], None] = lambda: None,
) -> VideoReport:
    """Anonymize a video file.

    Args:
        anonymizer: In portrait mode the head of the first face that was seen is written, on black.
        source: The video.
        out: The video to write; its suffix decides the container. ``out.json`` tells what became
            of each face, ``out.png`` shows a frame for each second.
        options: See :class:`VideoOptions`.
        advance: Called after each frame.

    Raises:
        UnreadableError: The video cannot be read.
        InputError: It is damaged, and ``salvage`` was not asked for.
        OutputError: A file cannot be written.
        OptionError: The suffix is no container's.
    """
    check_video_output(source, out)
    report, strip = VideoReport(seed=options.seed), _Strip()
    with Reader(source) as reader:
        damage: list[InputError] = []
        size_wh = _size_wh(anonymizer, source)
        codec = options.codec or _CODECS.get(out.suffix.lower(), "libx264")
        crf = options.crf if options.crf is not None else _CRF.get(codec, 20)
        with Writer(out, reader, size_wh, codec, crf, options.sound) as writer:
            sound = writer if options.sound else None
            frames = _until_damage(reader, sound, damage if options.salvage else None)
            pairs = ((timed.image, timed.pts) for timed in frames)
            for frame in anonymize_frames(anonymizer, pairs, options.seed, source.name):
                image = _shown(frame, size_wh)
                time_s = float(frame.payload * reader.time_base)
                writer.write(Timed(image, frame.payload))
                report.add(frame, time_s)
                strip.add(image, time_s)
                advance()
            if not report.frames:
                raise InputError(f"{source}: has no frames")
        report.salvaged = str(damage[0]) if damage else None
    _write_beside(out, report, strip)
    return report


def check_video_output(source: Path, out: Path) -> None:
    """Refuse an output name before any work is done.

    Raises:
        OptionError: Its suffix is no container's.
        OutputError: It is the input or a folder.
    """
    if out.suffix.lower() not in CONTAINERS:
        raise OptionError(f"{out}: videos are written as {', '.join(CONTAINERS)}")
    if out.is_dir():
        raise OutputError(f"{out}: is a folder; give the name of a file in it")
    if out.exists() and source.exists() and out.samefile(source):
        raise OutputError(f"{out}: is the input; give another name")


def _size_wh(anonymizer: Anonymizer, source: Path) -> tuple[int, int]:
    """Of the frames to write."""
    if anonymizer.mode == "portrait":
        return anonymizer.portrait_size_px, anonymizer.portrait_size_px
    with Reader(source) as reader:
        first = next(iter(reader.frames()), None)
    if first is None:
        raise InputError(f"{source}: has no frames")
    return first.image.shape[1], first.image.shape[0]


def _until_damage(
    reader: Reader, sound: Writer | None, damage: list[InputError] | None
) -> Iterator[Timed]:
    """The frames; an error ends them and is remembered, or raised."""
    try:
        yield from reader.frames(sound)
    except InputError as error:
        if damage is None:
            raise InputError(f"{error}; --salvage keeps what comes before") from error
        damage.append(error)


def _shown(frame: Anonymized[int], size_wh: tuple[int, int]) -> Image:
    if frame.result.image is not None:
        return frame.result.image
    if not frame.result.portraits:
        return np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    return frame.result.portraits[int(np.argmin(frame.tracks))]


class _Strip:
    """One thumbnail a second, of what was written."""

    def __init__(self) -> None:
        self._shown: list[Image] = []
        self._next_s, self._step_s = 0.0, 1.0

    def add(self, image: Image, time_s: float) -> None:
        if time_s < self._next_s:
            return
        self._next_s = time_s + self._step_s
        height = max(1, round(_THUMBNAIL_PX * image.shape[0] / image.shape[1]))
        small = cv2.resize(image, (_THUMBNAIL_PX, height), interpolation=cv2.INTER_AREA)
        self._shown.append(np.asarray(small, np.uint8))
        if len(self._shown) > _MOST_THUMBNAILS:  # memory does not grow with the video
            self._shown, self._step_s = self._shown[::2], 2 * self._step_s

    def picture(self) -> Image:
        blank = np.zeros_like(self._shown[0])
        missing = -len(self._shown) % min(_STRIP_COLUMNS, len(self._shown))
        cells = self._shown + [blank] * missing
        columns = min(_STRIP_COLUMNS, len(self._shown))
        rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
        return np.vstack(rows)


def _write_beside(out: Path, report: VideoReport, strip: _Strip) -> None:
    text = json.dumps(report.as_dict(), indent=1)
    images.write_whole(out.with_name(out.name + ".json"), lambda file: file.write(text.encode()))
    images.write(out.with_name(out.name + ".png"), Picture(strip.picture()))
