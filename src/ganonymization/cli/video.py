"""``ganonymize video``."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import with_options
from .options import HdrOption, JsonOption, SeedOption, StrictOption, progress, takes_config
from .say import complain, say, warn

if TYPE_CHECKING:
    from ..config import AnonymizerConfig
    from ..video.report import VideoReport

Boxes = Annotated[list[str] | None, typer.Option(metavar="X1,Y1,X2,Y2@START-END")]


@takes_config(detect_size=640)
def video(
    config: "AnonymizerConfig",
    source: Annotated[str, typer.Argument(metavar="IN")],
    out: Annotated[str, typer.Argument(metavar="OUT")],
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
    as_json: JsonOption = False,
) -> None:
    """Anonymize a video; the same nobody in every frame, sound and times as they were.

    The exit code is 3 where a face was missed at first, and covered by the audit of the frames.

    Options:
        source: A video, animated GIF, WebP, PNG, AVIF; - for standard input; an address; a camera.
        out: The video, GIF or WebP to write; - for standard output.
        codec: FFmpeg's name. [default: libx264, libvpx-vp9 for WebM]
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
    from .. import seeds
    from ..video.added_boxes import AddedBox
    from ..video.container import Reader
    from ..video.detections_json import read_boxes
    from ..video.exclusions import KeptPeople, Region
    from ..video.file import VideoOptions, anonymize_video, check_video_output
    from ..video.kinds import READ_AS_ANIMATIONS
    from ..video.sources import STANDARD_STREAM, is_live
    from . import console

    live = is_live(source)
    place = source if live or source == STANDARD_STREAM else Path(source)
    target = None if out == STANDARD_STREAM else Path(out)
    check_video_output(place, target)  # told before the models load
    ignored, only = (tuple(map(Region.parse, texts or ())) for texts in (ignore_box, only_box))
    added = tuple(AddedBox.parse(text) for text in add_box or ())
    frames = 0
    if isinstance(place, Path) and place.suffix.lower() not in READ_AS_ANIMATIONS:
        with Reader(place) as reader:
            frames = reader.frames_told
    detections = None if boxes is None else read_boxes(boxes)
    anonymizer = config.with_threads(1, os.cpu_count() or 1).load()
    people = None
    if keep_person:
        from ..recognize.recogniser import load_recogniser

        people = KeptPeople.of(keep_person, anonymizer, load_recogniser(None))
    with _until_stopped(live) as stopped, progress("", frames or None) as advance:
        report = anonymize_video(
            anonymizer, place, target,
            VideoOptions(
                seeds.fresh_seed() if seed is None else seed, codec, crf, audio, keep_subtitles,
                strict, hdr, salvage, seconds, stopped, ignored, only, people, detections,
                export_boxes, added,
            ),
            advance,
        )  # fmt: skip
    _tell(report, source, out, as_json)
    if report.salvaged:
        complain(report.salvaged)
        raise typer.Exit(1)
    if report.covered_by_audit:
        raise typer.Exit(console.COVERED_BY_AUDIT_EXIT)


@contextmanager
def _until_stopped(live: bool) -> Iterator[Callable[[], bool]]:
    """Of what has no end, Ctrl-C ends the input; what came before is finished."""
    stopped = threading.Event()
    if not live:
        yield stopped.is_set
        return
    before = signal.signal(signal.SIGINT, lambda *_: stopped.set())
    try:
        yield stopped.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _searched(report: "VideoReport") -> str:
    """What the audit says of the frames."""
    if not report.searched:
        return "not audited"
    return f"{report.searched} frames audited: {len(report.covered_by_audit)} faces covered"


def _tell(report: "VideoReport", source: str, out: str, as_json: bool) -> None:
    """What became of the video; on the error stream where the other carries it."""
    stream = sys.stderr if out == "-" else sys.stdout
    if as_json:
        print(json.dumps(report.as_dict(), indent=1), file=stream)
    else:
        drawn = sum(track.synthesized for track in report.tracks.values())
        say(f"{out}: {report.frames} frames, {len(report.tracks)} tracks, {drawn} of "
            f"{report.faces} faces redrawn, {_searched(report)}, seed {report.seed}",
            stream)  # fmt: skip
    if report.dropped:
        warn(f"{source}: {with_options(report.dropped_told())}")
    if not report.faces:
        warn(f"{source}: no face found in any frame, passed on")
    if report.covered_by_audit:
        times_s = sorted({entry["time_s"] for entry in report.covered_by_audit})
        warn(f"{len(report.covered_by_audit)} faces covered by the audit, "
             f"at {times_s[0]:g} to {times_s[-1]:g} s")  # fmt: skip
    for reason, count in report.reasons.items():
        warn(f"{count} faces covered: {reason}")
    for number, track in report.tracks.items():
        if track.kept:
            warn(f"track {number}: left as it was in {track.kept} frames, "
                  f"{track.kept_because}")  # fmt: skip
