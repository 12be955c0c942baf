"""A video file: every frame anonymized, the sound copied, and a report beside it."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError, OptionError, OutputError
from ..io.files import check_writable
from ..pipeline import Anonymizer
from ..types import Detection, Image
from .animation import AnimationWriter
from .behind import Behind
from .codecs import encoder_of
from .container import Reader
from .detections_json import write_boxes
from .film import Film, in_order, open_films
from .frames import Anonymized
from .kinds import ANIMATIONS, CONTAINERS, REPORT, STRIP
from .mastering import Mastering
from .options import VideoOptions as VideoOptions
from .pictures import Coding
from .report import Strip, VideoReport, write_report
from .streams import described
from .writer import Writer

_CODECS = {".webm": "libvpx-vp9"}
_DEEP_CODECS = {".webm": "libsvtav1"}  # ten bits
_CRF = {"libvpx-vp9": 31, "libsvtav1": 30}


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
        out: The video or animation to write; its suffix decides the container. None writes
            Matroska to standard output.
        options: See :class:`VideoOptions`.
        advance: Called after each frame.

    Raises:
        UnreadableError: The video cannot be read.
        InputError: It is damaged, and ``salvage`` was not asked for.
        OutputError: A file cannot be written.
        OptionError: The suffix is no container's.
    """
    check_video_output(source, out, options.report)
    _check_export(out, options)
    outcome = _Outcome(
        VideoReport(seed=options.seed if options.tells_seed else None), options.export_boxes
    )
    with ExitStack() as files:
        films, lost = open_films(anonymizer, source, out, options, files)
        with _writer(out, films, options) as writer:
            _tell_dropped(outcome.report, films, [*lost, *writer.dropped], options.strict)
            outcome.report.sound = writer.sound_told
            _rewrite(films, writer, anonymizer, outcome, advance)
        if damage := [film.damage for film in films if film.damage is not None]:
            outcome.report.salvaged = str(damage[0])
    outcome.write(out, options.report)
    return outcome.report


@dataclass
class _Outcome:
    """What became of a video, and where it is told."""

    report: VideoReport
    export_boxes: Path | None
    strip: Strip = field(default_factory=Strip)
    boxes: list[list[tuple[int, Detection]]] = field(default_factory=list)

    def add(self, film: Film, frame: Anonymized[int], image: Image) -> None:
        """Count a frame; boxes and thumbnails are the first video's."""
        time_s = float(film.time_s(frame))
        self.report.add(frame, time_s, film.number)
        if film.number:
            return
        self.strip.add(image, time_s)
        if self.export_boxes is not None:
            self.boxes.append(list(frame.boxes.items()))

    def write(self, out: Path | None, folder: Path | None) -> None:
        """Write the boxes, and a report and a strip into a folder."""
        if self.export_boxes is not None:
            write_boxes(self.export_boxes, self.boxes)
        if folder is not None:
            write_report(folder / _name(out), self.report, self.strip)


def _rewrite(
    films: list[Film],
    writer: Writer | AnimationWriter,
    anonymizer: Anonymizer,
    outcome: _Outcome,
    advance: Callable[[], None],
) -> None:
    """Write every frame anonymized, and the sound between them."""
    sounds = {0: writer} if isinstance(writer, Writer) else {}
    frames = in_order(film.anonymized(anonymizer, sounds.get(film.number)) for film in films)
    with Behind(writer.write) as write:
        for film, frame in frames:
            timed = film.drawn(frame)
            write(timed)
            outcome.add(film, frame, timed.image)
            advance()
    if not outcome.report.frames:
        raise InputError(f"{films[0].reader.name}: stopped before the first frame")


def check_video_output(source: Path | str, out: Path | None, report: Path | None = None) -> None:
    """Refuse an output name before any work is done.

    Raises:
        OptionError: Its suffix is no container's.
        OutputError: It is the input or cannot be written, or its reports in the folder ``report``.
    """
    if out is not None and out.suffix.lower() not in (*CONTAINERS, *ANIMATIONS):
        raise OptionError(f"{out}: videos are written as {', '.join((*CONTAINERS, *ANIMATIONS))}")
    for path in _written(out, report):
        check_writable(path)
        if isinstance(source, Path) and path.exists() and source.exists() and path.samefile(source):
            raise OutputError(f"{path}: is the input; give another name")


def _check_export(out: Path | None, options: VideoOptions) -> None:
    """Refuse the name of a file of boxes before any work is done."""
    if options.export_boxes is None:
        return
    if options.export_boxes in _written(out, options.report):
        raise OptionError(f"{options.export_boxes}: is written already; name another file")
    check_writable(options.export_boxes)


def _tell_dropped(report: VideoReport, films: list[Film], others: list[str], strict: bool) -> None:
    """Remember what the output does not hold, or refuse to write it."""
    reader = films[0].reader
    looks = [loss for film in films for loss in film.looks_dropped()]
    report.dropped = [*reader.dropped, *others, *looks]
    if strict and report.dropped:
        raise InputError(f"{reader.name}: {report.dropped_told()}; allow it or convert it")


def _writer(out: Path | None, films: list[Film], options: VideoOptions) -> Writer | AnimationWriter:
    reader = films[0].reader
    if out is not None and out.suffix.lower() in ANIMATIONS:
        loops = 0 if isinstance(reader, Reader) else reader.loops
        others = [described(stream) for stream in (*reader.audio, *reader.subtitles)]
        return AnimationWriter(
            out, reader.time_base, reader.rate, loops, bool(reader.audio),
            others if options.sound else others[len(reader.audio):],
        )  # fmt: skip
    codings = [_coding(out, film, options) for film in films]
    return Writer(out, codings, options.sound, options.subtitles)


def _coding(out: Path | None, film: Film, options: VideoOptions) -> Coding:
    suffix = "" if out is None else out.suffix.lower()
    deep = film.keeps_deep
    usual = _DEEP_CODECS.get(suffix, "libx265") if deep else _CODECS.get(suffix, "libx264")
    codec = encoder_of(options.codec or usual)
    crf = options.crf if options.crf is not None else _CRF.get(codec, 20)
    light = film.reader.mastering if isinstance(film.reader, Reader) else Mastering()
    return Coding(film.reader, film.size_wh, codec, crf, deep, light)


def _written(out: Path | None, report: Path | None) -> tuple[Path, ...]:
    """The video, its report and its strip."""
    video = () if out is None else (out,)
    if report is None:
        return video
    return *video, *(report / (_name(out) + end) for end in (REPORT, STRIP))


def _name(out: Path | None) -> str:
    return "video" if out is None else out.name
