"""``ganonymize video``."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import (
    DebugOption,
    DetectorOption,
    DetectSizeOption,
    JsonOption,
    KeepShapeOption,
    MinFaceOption,
    MinScoreOption,
    ModelOption,
    ModeOption,
    OnFailureOption,
    PrivacyOption,
    SeedOption,
    ShapeOption,
    make_anonymizer,
    progress,
    released,
)


def video(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A video.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The video to write.")],
    mode: ModeOption = "scene",
    model: ModelOption = "default",
    detector: DetectorOption = "centerface",
    on_failure: OnFailureOption = "solid",
    privacy: PrivacyOption = "balanced",
    keep_shape: KeepShapeOption = False,
    shape: ShapeOption = None,
    seed: SeedOption = None,
    codec: Annotated[
        str | None, typer.Option(help="FFmpeg's name. [default: libx264, libvpx-vp9 for WebM]",
                                 show_default=False),
    ] = None,
    crf: Annotated[
        int | None, typer.Option(help="Lower is better and larger. [default: 20, 31 for VP9]",
                                 min=0, max=63, show_default=False),
    ] = None,
    audio: Annotated[
        bool, typer.Option("--audio/--no-audio", help="Copy the sound. A voice identifies, too.")
    ] = True,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Of a damaged video keep what comes before.")
    ] = False,
    min_score: MinScoreOption = None,
    min_face: MinFaceOption = 8.0,
    detect_size: DetectSizeOption = 640,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:  # fmt: skip
    """Anonymize a video; the same nobody in every frame, sound and times as they were."""
    from .. import seeds
    from ..movie import Reader
    from ..videofile import VideoOptions, anonymize_video, check_video_output

    check_video_output(source, out)  # told before the models load
    with Reader(source) as reader:
        frames = reader.frames_told
    anonymizer = make_anonymizer(
        mode, model, detector, on_failure, released(privacy, keep_shape), min_score, min_face,
        detect_size, shape, threads=1,
    )  # fmt: skip
    options = VideoOptions(seeds.fresh_seed() if seed is None else seed, codec, crf, audio, salvage)
    with progress("", frames or None) as advance:
        report = anonymize_video(anonymizer, source, out, options, advance)
    if as_json:
        print(json.dumps(report.as_dict(), indent=1))
    else:
        drawn = sum(track.synthesized for track in report.tracks.values())
        print(f"{out}: {report.frames} frames, {len(report.tracks)} tracks, {drawn} of "
              f"{report.faces} faces redrawn, seed {report.seed}")  # fmt: skip
    if not report.faces:
        print(f"warning: {source}: no face found in any frame, passed on", file=sys.stderr)
    for reason, count in report.reasons.items():
        print(f"warning: {count} faces covered: {reason}", file=sys.stderr)
    if report.salvaged:
        print(f"error: {report.salvaged}", file=sys.stderr)
        raise typer.Exit(1)
