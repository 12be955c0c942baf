"""``ganonymize dataset``."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .options import (
    DebugOption,
    DetectorOption,
    DetectSizeOption,
    JsonOption,
    KeepShapeOption,
    MaxPixelsOption,
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


def dataset(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A WebDataset shard, or a folder of them.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write.")],
    mode: ModeOption = "scene",
    model: ModelOption = "default",
    detector: DetectorOption = "centerface",
    on_failure: OnFailureOption = "solid",
    privacy: PrivacyOption = "balanced",
    keep_shape: KeepShapeOption = False,
    shape: ShapeOption = None,
    seed: SeedOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Do shards again that are there.")
    ] = False,
    min_score: MinScoreOption = None,
    min_face: MinFaceOption = 8.0,
    detect_size: DetectSizeOption = 1600,
    max_pixels: MaxPixelsOption = 120_000_000,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Anonymize the pictures of a data set; labels, names and order stay as they are.

    Shards that are there already are left as they are, so a run that was killed goes on.
    """
    from .. import seeds
    from ..shards import anonymize_shard, find_shards

    shards = find_shards(source)
    root = source.parent if source.is_file() else source
    kept = released(privacy, keep_shape)
    anonymizer = make_anonymizer(
        mode, model, detector, on_failure, kept, min_score, min_face, detect_size, shape
    )
    chosen = seeds.fresh_seed() if seed is None else seed
    reports = []
    with progress("", None) as advance:
        for shard in shards:
            made = out / shard.relative_to(root)
            if made.exists() and not overwrite:
                print(f"{made}: is there, left as it is", file=sys.stderr)
                continue
            report = anonymize_shard(
                anonymizer, shard, made, seed=chosen, max_pixels=max_pixels, advance=advance
            )
            reports.append(report)
            for key, why in report.left_out.items():
                print(f"error: {shard.name}: {key} left out: {why}", file=sys.stderr)
    if as_json:
        print(json.dumps({"seed": chosen, "shards": [asdict(report) for report in reports]}))
    else:
        for report in reports:
            print(f"{report.shard}: {report.samples} samples, {report.faces - report.filled} of "
                  f"{report.faces} faces redrawn, {report.without_face} pictures without a face, "
                  f"{len(report.left_out)} samples left out, seed {chosen}")  # fmt: skip
    if any(report.left_out for report in reports):
        raise typer.Exit(1)
