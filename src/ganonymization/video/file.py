"""A video file: every frame anonymized, the sound copied, and a report beside it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError, OptionError, OutputError
from ..io.files import check_writable
from ..pipeline import Anonymizer
from ..types import Detection, Image
from .added_boxes import AddedBox
from .animation import AnimationReader, AnimationWriter
from .behind import Behind, remembered
from .container import Reader, Timed, is_live
from .detections_json import Frames, write_boxes
from .exclusions import Keeper, Region, both
from .frame_rules import audited, boxes_at, regions_at
from .frames import Anonymized, anonymize_frames
from .kinds import ANIMATIONS, BESIDE, CONTAINERS
from .report import Strip, VideoReport, write_beside
from .streams import described
from .writer import Writer

_CODECS = {".webm": "libvpx-vp9"}
_DEEP_CODECS = {".webm": "libsvtav1"}  # ten bits
_CRF = {"libvpx-vp9": 31, "libsvtav1": 30}
_INSTANT_S = 1e-6
_JUMPY_RATE = 5  # frames a second; with fewer, every frame is looked at


@dataclass(frozen=True)
class VideoOptions:
    """How a video is written.

    Attributes:
        seed: Of the run.
        codec: Of the pictures, as FFmpeg names it; None for the container's usual one.
        crf: Constant rate factor, lower is better; None for the codec's usual one.
        sound: Copy it. A voice identifies, too.
        subtitles: Copy them and the chapters. They may name people.
        strict: Refuse a video of which something would be dropped.
        hdr: Keep high dynamic range, in ten bits; False makes it standard, and None, too, but
            tells so.
        salvage: Of a damaged input keep what comes before the damage.
        seconds: Of the input are read; None reads all.
        stop: Asked before each frame whether to end there, as for a camera, which has no end.
        ignored: Regions whose faces stay.
        only: Regions outside of which faces stay, if there are any.
        people: Says which faces stay for who they are, or None.
        boxes: Detections from elsewhere, a list for each frame; None looks for faces.
        export_boxes: A file to write all faces' boxes to, or None.
        added: Boxes of faces that a detector misses.
    """

    seed: int
    codec: str | None = None
    crf: int | None = None
    sound: bool = True
    subtitles: bool = False
    strict: bool = False
    hdr: bool | None = None
    salvage: bool = False
    seconds: float | None = None
    stop: Callable[[], bool] = lambda: False
    ignored: tuple[Region, ...] = ()
    only: tuple[Region, ...] = ()
    people: Keeper | None = None
    boxes: Frames | None = None
    export_boxes: Path | None = None
    added: tuple[AddedBox, ...] = ()


def anonymize_video(
    anonymizer: Anonymizer,
    source: Path | str,
    out: Path | None,
    options: VideoOptions,
    advance: Callable[[], None] = lambda: None,
) -> VideoReport:
    """Anonymize a video file.

    Args:
        anonymizer: In portrait mode the head of the first face that was seen is written, on black.
        source: A video or animation; or what else
            :class:`ganonymization.video.container.Reader` takes.
        out: The video or animation to write; its suffix decides the container. ``out.json`` tells
            what became of each face, ``out.png`` shows a frame for each second. None writes
            Matroska to standard output, and nothing beside it.
        options: See :class:`VideoOptions`.
        advance: Called after each frame.

    Raises:
        UnreadableError: The video cannot be read.
        InputError: It is damaged, and ``salvage`` was not asked for.
        OutputError: A file cannot be written.
        OptionError: The suffix is no container's.
    """
    check_video_output(source, out)
    if options.export_boxes is not None:
        if options.export_boxes in _written(out):
            raise OptionError(f"{options.export_boxes}: is written already; name another file")
        check_writable(options.export_boxes)
    report, strip = VideoReport(seed=options.seed), Strip()
    boxes: list[list[tuple[int, Detection]]] = []
    with open_reader(source, _can_keep_deep(anonymizer, out) and options.hdr is True) as reader:
        damage: list[InputError] = []
        size_wh = reader.size_wh()
        if anonymizer.mode == "portrait":
            size_wh = anonymizer.portrait_size_px, anonymizer.portrait_size_px
        with _writer(out, reader, size_wh, options) as writer:
            report.sound = writer.sound_told
            report.dropped = [*reader.dropped, *writer.dropped, *_looks_dropped(reader, options)]
            if options.strict and report.dropped:
                raise InputError(f"{reader.name}: {report.dropped_told()}; allow it or convert it")
            frames = _wanted(reader, writer, options, damage)
            regions = regions_at(options.ignored, options.only, reader.time_base)
            keepers = [keeper for keeper in (options.people, regions) if keeper is not None]
            waiting: dict[int, Timed] = {}  # frames on their way
            anonymized = anonymize_frames(
                anonymizer, remembered(frames, waiting), options.seed,
                reader.name.rpartition("/")[2],
                everywhere=isinstance(reader, AnimationReader) or reader.rate < _JUMPY_RATE,
                boxes=options.boxes, added=boxes_at(options.added, reader.time_base),
                keep=both(keepers) if keepers else None,
            )  # fmt: skip
            if not (isinstance(source, str) and is_live(source)):  # a camera waits for nobody
                anonymized = audited(anonymized, anonymizer, regions, reader.time_base)
            with Behind(writer.write) as write:
                for frame in anonymized:
                    image = _shown(frame, size_wh)
                    time_s = float(frame.payload * reader.time_base)
                    write(_drawn(waiting.pop(frame.payload), image, frame))
                    report.add(frame, time_s)
                    strip.add(image, time_s)
                    if options.export_boxes is not None:
                        boxes.append(list(frame.boxes.items()))
                    advance()
            if not report.frames:
                raise InputError(f"{reader.name}: stopped before the first frame")
        report.salvaged = str(damage[0]) if damage else None
    if options.export_boxes is not None:
        write_boxes(options.export_boxes, boxes)
    if out is not None:
        write_beside(out, report, strip)
    return report


def check_video_output(source: Path | str, out: Path | None) -> None:
    """Refuse an output name before any work is done.

    Raises:
        OptionError: Its suffix is no container's.
        OutputError: It is the input or cannot be written, or what lies beside it.
    """
    if out is None:
        return
    if out.suffix.lower() not in (*CONTAINERS, *ANIMATIONS):
        raise OptionError(f"{out}: videos are written as {', '.join((*CONTAINERS, *ANIMATIONS))}")
    for path in _written(out):
        check_writable(path)
        if isinstance(source, Path) and path.exists() and source.exists() and path.samefile(source):
            raise OutputError(f"{path}: is the input; give another name")


def open_reader(source: Path | str, keep_deep: bool = False) -> Reader | AnimationReader:
    """A video or an animation, told by its suffix; see :class:`Reader`.

    Raises:
        UnreadableError: It is none.
    """
    if isinstance(source, Path) and source.suffix.lower() in ANIMATIONS:
        return AnimationReader(source)
    return Reader(source, keep_deep)


def _writer(
    out: Path | None,
    reader: Reader | AnimationReader,
    size_wh: tuple[int, int],
    options: VideoOptions,
) -> Writer | AnimationWriter:
    if out is not None and out.suffix.lower() in ANIMATIONS:
        loops = 0 if isinstance(reader, Reader) else reader.loops
        others = [described(stream) for stream in (*reader.audio, *reader.subtitles)]
        return AnimationWriter(
            out, reader.time_base, reader.rate, loops, bool(reader.audio),
            others if options.sound else others[len(reader.audio):],
        )  # fmt: skip
    suffix = "" if out is None else out.suffix.lower()
    deep = isinstance(reader, Reader) and reader.keeps_deep
    usual = _DEEP_CODECS.get(suffix, "libx265") if deep else _CODECS.get(suffix, "libx264")
    codec = options.codec or usual
    crf = options.crf if options.crf is not None else _CRF.get(codec, 20)
    return Writer(out, reader, size_wh, codec, crf, options.sound, options.subtitles, deep)


def _can_keep_deep(anonymizer: Anonymizer, out: Path | None) -> bool:
    """Heads on black and animations have standard range."""
    is_animation = out is not None and out.suffix.lower() in ANIMATIONS
    return anonymizer.mode == "scene" and not is_animation


def _wanted(
    reader: Reader | AnimationReader,
    writer: Writer | AnimationWriter,
    options: VideoOptions,
    damage: list[InputError],
) -> Iterator[Timed]:
    """The frames up to where to stop; an error ends them and is remembered, or raised."""
    sound = writer if isinstance(writer, Writer) else None
    limit_s = float("inf") if options.seconds is None else options.seconds
    first: int | None = None
    try:
        for timed in reader.frames(sound):
            first = timed.pts if first is None else first
            elapsed_s = float((timed.pts - first) * reader.time_base)
            if elapsed_s > limit_s - _INSTANT_S or options.stop():
                return
            yield timed
    except InputError as error:
        if not options.salvage:
            raise InputError(str(error), "`salvage` keeps what comes before") from error
        damage.append(error)


def _drawn(timed: Timed, image: Image, frame: Anonymized[int]) -> Timed:
    """A frame to write: what was drawn, in high range where that is kept."""
    if timed.source is None:
        return replace(timed, image=image)
    deep = timed.source.with_faces(timed.image, image, frame.result.composite_mask)
    return replace(timed, image=image, source=None, deep=deep)


def _looks_dropped(reader: Reader | AnimationReader, options: VideoOptions) -> list[str]:
    """What the pictures lose, in words."""
    if isinstance(reader, AnimationReader):
        return []
    dropped = ["transparency"] if reader.has_alpha else []
    if reader.high_range is not None and not reader.keeps_deep and options.hdr is not False:
        dropped.append("high dynamic range (tone-mapped; `hdr` keeps it, `sdr` is silent)")
    return dropped


def _shown(frame: Anonymized[int], size_wh: tuple[int, int]) -> Image:
    if frame.result.image is not None:
        return frame.result.image
    if not frame.result.portraits:
        return np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    return frame.result.portraits[int(np.argmin(frame.tracks))]


def _written(out: Path | None) -> tuple[Path, ...]:
    """The video, its report and its strip."""
    return () if out is None else tuple(out.with_name(out.name + end) for end in ("", *BESIDE))
