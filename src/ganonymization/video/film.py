"""A file's videos on their way, each of them read, anonymized and searched once more."""

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..io import images
from ..pipeline import Anonymizer
from ..types import Image
from .animation import AnimationReader
from .behind import remembered
from .container import Reader, TakesSound, Timed
from .exclusions import both
from .frame_rules import audited, boxes_at, regions_at
from .frames import Anonymized, anonymize_frames
from .kinds import ANIMATIONS, READ_AS_ANIMATIONS
from .options import VideoOptions
from .sources import STANDARD_STREAM, is_live
from .streams import described

_INSTANT_S = 1e-6
_MOST_VIDEOS = 8  # of a file; each holds frames in memory
_JUMPY_RATE = 5  # frames a second; with fewer, every frame is looked at


@dataclass(eq=False)
class Film:
    """One of a file's videos.

    Attributes:
        number: Among the file's videos, from 0 on.
        reader: Of its frames.
        size_wh: Of what is written.
        options: What is asked for of it.
        live: Whether it comes from a camera, which waits for nobody.
        damage: What ended it early, where it was to be salvaged.
    """

    number: int
    reader: Reader | AnimationReader
    size_wh: tuple[int, int]
    options: VideoOptions
    live: bool = False
    damage: InputError | None = None
    _waiting: dict[int, Timed] = field(default_factory=dict)  # frames on their way

    @property
    def keeps_deep(self) -> bool:
        """Whether its high range is kept."""
        return isinstance(self.reader, Reader) and self.reader.keeps_deep

    def anonymized(
        self, anonymizer: Anonymizer, sound: TakesSound | None
    ) -> "Iterator[tuple[Film, Anonymized[int]]]":
        """Its frames, in order.

        Args:
            anonymizer: That draws.
            sound: Gets the packets of sound; None drops them.

        Raises:
            InputError: It is damaged, and shall not be salvaged.
        """
        options, time_base = self.options, self.reader.time_base
        regions = regions_at(options.ignored, options.only, time_base)
        keepers = [keeper for keeper in (options.people, regions) if keeper is not None]
        frames = anonymize_frames(
            anonymizer, remembered(self._wanted(sound), self._waiting), options.seed,
            self.reader.name.rpartition("/")[2] + f"#{self.number}" * bool(self.number),
            everywhere=isinstance(self.reader, AnimationReader) or self.reader.rate < _JUMPY_RATE,
            boxes=options.boxes, added=boxes_at(options.added, time_base),
            keep=both(keepers) if keepers else None,
        )  # fmt: skip
        if not self.live:
            frames = audited(frames, anonymizer, regions, time_base)
        return ((self, frame) for frame in frames)

    def _wanted(self, sound: TakesSound | None) -> Iterator[Timed]:
        """The frames up to where to stop; an error ends them and is remembered, or raised."""
        limit_s = float("inf") if self.options.seconds is None else self.options.seconds
        first: int | None = None
        try:
            for timed in self.reader.frames(sound):
                first = timed.pts if first is None else first
                elapsed_s = float((timed.pts - first) * self.reader.time_base)
                if elapsed_s > limit_s - _INSTANT_S or self.options.stop():
                    return
                yield timed
        except InputError as error:
            if not self.options.salvage:
                raise InputError(str(error), "`salvage` keeps what comes before") from error
            self.damage = error

    def time_s(self, frame: Anonymized[int]) -> Fraction:
        """When a frame is shown."""
        return frame.payload * self.reader.time_base

    def drawn(self, frame: Anonymized[int]) -> Timed:
        """A frame to write: what was drawn, in high range where that is kept."""
        timed, image = self._waiting.pop(frame.payload), self._shown(frame)
        if timed.source is None:
            return replace(timed, image=image, video=self.number)
        deep = timed.source.with_faces(timed.image, image, frame.result.composite_mask)
        return replace(timed, image=image, source=None, deep=deep, video=self.number)

    def _shown(self, frame: Anonymized[int]) -> Image:
        if frame.result.image is not None:
            return frame.result.image
        if not frame.result.portraits:
            return np.zeros((self.size_wh[1], self.size_wh[0], 3), np.uint8)
        return frame.result.portraits[int(np.argmin(frame.tracks))]

    def looks_dropped(self) -> list[str]:
        """What its pictures lose, in words."""
        if isinstance(self.reader, AnimationReader):
            return []
        name = f"{described(self.reader.stream)}: " if self.number else ""
        dropped = [f"{name}transparency"] if self.reader.has_alpha else []
        if self.reader.high_range and not self.keeps_deep and self.options.hdr is not False:
            dropped.append(
                f"{name}high dynamic range (tone-mapped; `hdr` keeps it, `sdr` is silent)"
            )
        if self.keeps_deep and self.reader.mastering.dynamic:
            dropped.append(f"{name}dynamic metadata (HDR10+, Dolby Vision)")
        return dropped


def open_reader(
    source: Path | str, keep_deep: bool = False, video: int = 0,
    max_pixels: int = images.DEFAULT_MAX_PIXELS,
) -> Reader | AnimationReader:  # fmt: skip
    """A video or an animation, told by its suffix; see :class:`Reader`.

    Raises:
        UnreadableError: It is none.
    """
    if isinstance(source, Path) and source.suffix.lower() in READ_AS_ANIMATIONS:
        return AnimationReader(source)
    return Reader(source, keep_deep, video, max_pixels)


def open_films(
    anonymizer: Anonymizer,
    source: Path | str,
    out: Path | None,
    options: VideoOptions,
    files: ExitStack,
) -> tuple[list[Film], list[str]]:
    """A file's videos, and in words those that cannot be taken along.

    A portrait, an animation, and what can be read only once have a single video.

    Args:
        anonymizer: Its mode decides the size.
        source: The file, stream or camera.
        out: To be written.
        options: Of the run.
        files: Closes the readers.

    Raises:
        UnreadableError: There is no video.
        InputError: The first one has no frames.
    """
    single = anonymizer.mode != "scene" or (out is not None and out.suffix.lower() in ANIMATIONS)
    keep_deep = options.hdr is True and not single
    first = open_reader(source, keep_deep, max_pixels=options.max_pixels)
    files.callback(first.close)
    size_wh = first.size_wh()
    if anonymizer.mode == "portrait":
        size_wh = anonymizer.portrait_size_px, anonymizer.portrait_size_px
    live = isinstance(source, str) and is_live(source)
    films, lost = [Film(0, first, size_wh, options, live)], []
    once = single or live or source == STANDARD_STREAM
    for number, stream in enumerate(first.further, 1):
        try:
            if once or number >= _MOST_VIDEOS:
                raise InputError("cannot be taken along")
            reader = open_reader(source, keep_deep, number, options.max_pixels)
            files.callback(reader.close)
            films.append(Film(number, reader, reader.size_wh(), options.of_further()))
        except InputError:
            lost.append(described(stream))
    return films, lost


def in_order(
    videos: Iterable[Iterator[tuple[Film, Anonymized[int]]]],
) -> Iterator[tuple[Film, Anonymized[int]]]:
    """The frames of several videos by the time at which they are shown."""
    return heapq.merge(*videos, key=lambda each: (each[0].time_s(each[1]), each[0].number))
