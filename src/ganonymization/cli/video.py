"""``ganonymize video``."""

import json
import math
import os
import signal
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import with_options
from .options import (
    HdrOption,
    JsonOption,
    ReportOption,
    SeedOption,
    StrictOption,
    progress,
    report_folder,
    takes_config,
)
from .say import complain, say, warn

if TYPE_CHECKING:
    from ..config import AnonymizerConfig
    from ..pipeline import Anonymizer
    from ..video.options import VideoOptions
    from ..video.report import VideoReport

Boxes = Annotated[list[str] | None, typer.Option(metavar="X1,Y1,X2,Y2@START-END")]


@takes_config(detect_size=640)
def video(
    config: "AnonymizerConfig",
    source: Annotated[str, typer.Argument(metavar="IN")],
    out: Annotated[str | None, typer.Argument(metavar="OUT")] = None,
    seed: SeedOption = None,
    codec: str | None = None,
    crf: Annotated[int | None, typer.Option(min=0, max=63)] = None,
    audio: bool = True,
    keep_subtitles: bool = False,
    hdr: HdrOption = None,
    strict: StrictOption = False,
    salvage: bool = False,
    seconds: Annotated[float | None, typer.Option(min=0.001)] = None,
    ignore_box: Boxes = None,
    only_box: Boxes = None,
    keep_person: Annotated[list[Path] | None, typer.Option(metavar="PICTURE")] = None,
    add_box: Annotated[
        list[str] | None, typer.Option(metavar="X,Y,W,H[,START,END]", show_default=False)
    ] = None,
    boxes: Path | None = None,
    export_boxes: Path | None = None,
    report: ReportOption = False,
    as_json: JsonOption = False,
) -> None:
    """Anonymize a video; the same nobody in every frame, sound and times as they were.

    The exit code is 3 where a face was missed at first, and covered by the audit of the frames.

    Options:
        source: A video, animated GIF, WebP, PNG, AVIF; - for standard input; an address; a camera,
            as 0.
        out: The video, GIF or WebP to write, or a folder to write into; - for standard output.
            [default: IN-anon beside it; of a camera or an address a page shows it]
        codec: h264, h265, av1, vp9 or FFmpeg's name. [default: h264, vp9 for WebM]
        crf: Lower is better and larger. [default: 20, 31 for VP9]
        audio: Copy the sound. A voice identifies, too.
        keep_subtitles: And chapters; they may name people.
        salvage: Of a damaged video keep what comes before.
        seconds: Stop after so much of the input. [default: all]
        ignore_box: Faces there stay; in pixels, seconds, or both. May be repeated.
        only_box: Faces elsewhere stay. May be repeated.
        keep_person: This person's face stays where a recogniser is sure. May be repeated.
        add_box: A face that is missed, in pixels and seconds. May be repeated.
        boxes: Faces' boxes from elsewhere, as --export-boxes writes.
        export_boxes: Write all faces' boxes to this JSON file.
    """
    from ..video.added_boxes import AddedBox
    from ..video.detections_json import read_boxes
    from ..video.exclusions import KeptPeople, Region
    from ..video.file import VideoOptions, check_video_output
    from ..video.sources import is_live
    from .places import video_in, video_out

    place = video_in(source)
    if out is None and isinstance(place, str) and is_live(place):
        show_camera(config, place, seed)
        return
    target = video_out(place, out)
    reports = report_folder(target, out) if report else None
    check_video_output(place, target, reports)  # told before the models load
    check_codec(codec)
    ignored, only = (tuple(map(Region.parse, texts or ())) for texts in (ignore_box, only_box))
    added = tuple(AddedBox.parse(text) for text in add_box or ())
    detections = None if boxes is None else read_boxes(boxes)
    check_readable(place)
    anonymizer = config.with_threads(1, os.cpu_count() or 1).load()
    people = None
    if keep_person:
        from ..recognize.recogniser import load_recogniser

        people = KeptPeople.of(keep_person, anonymizer, load_recogniser(None))
    options = VideoOptions(
        seeds_or_fresh(seed), codec, crf, audio, keep_subtitles, strict, hdr, salvage, seconds,
        ignored=ignored, only=only, people=people, boxes=detections, export_boxes=export_boxes,
        added=added, report=reports,
    )  # fmt: skip
    if code := write_video(anonymizer, place, target, options, as_json):
        raise typer.Exit(code)


def seeds_or_fresh(seed: int | None) -> int:
    """A seed, fresh where none is asked for."""
    from .. import seeds

    return seeds.fresh_seed() if seed is None else seed


def check_codec(codec: str | None) -> None:
    """Refuse a codec that is not there."""
    from ..video.codecs import encoder_of

    if codec is not None:
        encoder_of(codec)


def check_readable(place: "Path | str") -> None:
    """Refuse a file that is no video."""
    from ..video.container import Reader
    from ..video.kinds import READ_AS_ANIMATIONS

    if isinstance(place, Path) and place.suffix.lower() not in READ_AS_ANIMATIONS:
        Reader(place).close()


def write_video(
    anonymizer: "Anonymizer", place: "Path | str", target: "Path | None",
    options: "VideoOptions", as_json: bool,
) -> int:  # fmt: skip
    """Anonymize a video with a progress bar, and print what became of it.

    Returns:
        The exit code.

    Raises:
        GanonymizationError: As ``anonymize_video`` does.
    """
    from ..video.sources import is_live
    from . import console

    live = isinstance(place, str) and is_live(place)
    with until_stopped(live) as stopped:
        made = with_bar(anonymizer, place, target, replace(options, stop=stopped.is_set))
    _tell(made, str(place), "-" if target is None else str(target), as_json)
    if made.salvaged:
        complain(made.salvaged)
        return 1
    return console.COVERED_BY_AUDIT_EXIT if made.covered_by_audit else 0


def with_bar(
    anonymizer: "Anonymizer", place: "Path | str", target: "Path | None", options: "VideoOptions"
) -> "VideoReport":
    """Anonymize a video with a progress bar.

    Raises:
        GanonymizationError: As ``anonymize_video`` does.
    """
    from ..video.file import anonymize_video

    with progress("", _frames(place, options.seconds)) as advance:
        return anonymize_video(anonymizer, place, target, options, advance)


def _frames(place: "Path | str", seconds: float | None) -> int | None:
    """How many are told to come, or None."""
    from ..video.container import Reader
    from ..video.kinds import READ_AS_ANIMATIONS

    if not isinstance(place, Path) or place.suffix.lower() in READ_AS_ANIMATIONS:
        return None
    with Reader(place) as reader:
        if seconds is None:
            return reader.frames_told or None
        asked = math.ceil(seconds * reader.rate)
        return min(asked, reader.frames_told or asked)


def show_camera(config: "AnonymizerConfig", place: str, seed: int | None) -> None:
    """Show a camera without its faces on a page of this machine, until Ctrl-C.

    Faces are found by BlazeFace, which is fast enough for it.

    Raises:
        UnreadableError: It cannot be opened.
    """
    from ..detect.blazeface import BlazeFace
    from ..video.container import Reader
    from ..video.live import LiveAnonymizer
    from ..video.preview import Screen, show_live, shown

    with Reader(place) as reader:
        anonymizer = config.load().using(detector=BlazeFace(config.detector_options))
        screen = Screen()
        with until_stopped(True) as stopped, shown(screen, place) as address:
            say(f"{address}  shows {place} without its faces; Ctrl-C ends it", sys.stderr)
            if sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & {*os.environ}:
                webbrowser.open(address)
            live = LiveAnonymizer(anonymizer, seeds_or_fresh(seed))
            count = show_live(reader.frames(), live, screen, stopped.is_set)
    say(f"{place}: {count} frames shown, none kept")


@contextmanager
def until_stopped(endless: bool) -> Iterator[threading.Event]:
    """Of what has no end, Ctrl-C ends the input; what came before is finished."""
    stopped = threading.Event()
    if not endless:
        yield stopped
        return
    before = signal.signal(signal.SIGINT, lambda *_: stopped.set())
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(report: "VideoReport", source: str, out: str, as_json: bool) -> None:
    """What became of the video; on the error stream where the other carries it."""
    stream = sys.stderr if out == "-" else sys.stdout
    if as_json:
        print(json.dumps(report.as_dict(), indent=1), file=stream)
    else:
        say(f"{out}: {report.frames} frames, {_tracks(report)}, {_faces(report)}, "
            f"{_searched(report)}, seed {report.seed}", stream)  # fmt: skip
    if report.dropped:
        warn(f"{source}: {with_options(report.dropped_told())}")
    if not report.faces:
        warn(f"{source}: no face found in any frame, passed on")
    kept = [f"track {number} in {track.kept} frames, {track.kept_because}"
            for number, track in report.tracks.items() if track.kept]  # fmt: skip
    if kept:
        warn(f"left as they were: {'; '.join(kept)}")


def _tracks(report: "VideoReport") -> str:
    count = len(report.tracks)
    return f"{count} track{'s' * (count != 1)}"


def _faces(report: "VideoReport") -> str:
    from .console import redrawn

    drawn = sum(track.synthesized for track in report.tracks.values())
    return redrawn(drawn, report.faces, report.reasons)


def _searched(report: "VideoReport") -> str:
    """What the audit says of the frames."""
    if not report.searched:
        return "not audited"
    covered = report.covered_by_audit
    times_s = sorted({entry["time_s"] for entry in covered})
    when = f" at {times_s[0]:g} to {times_s[-1]:g} s" if covered else ""
    return f"{report.searched} frames audited: {len(covered)} faces covered{when}"
