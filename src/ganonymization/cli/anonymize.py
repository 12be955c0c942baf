"""Commands that anonymize, and tell with what."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    OnNoFaceOption,
    PrivacyOption,
    SeedOption,
    ShapeOption,
    make_anonymizer,
    released,
)

if TYPE_CHECKING:
    from ..pipeline import Anonymizer


def image(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
    mode: ModeOption = "scene",
    model: ModelOption = "default",
    detector: DetectorOption = "centerface",
    on_failure: OnFailureOption = "solid",
    on_no_face: OnNoFaceOption = None,
    privacy: PrivacyOption = "balanced",
    keep_shape: KeepShapeOption = False,
    shape: ShapeOption = None,
    seed: SeedOption = None,
    min_score: MinScoreOption = None,
    min_face: MinFaceOption = 8.0,
    detect_size: DetectSizeOption = 1600,
    max_pixels: MaxPixelsOption = 120_000_000,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Anonymize one picture."""
    from .. import console, images

    images.check_output(source, out)  # told before the models load
    kept = released(privacy, keep_shape)
    anonymizer = make_anonymizer(
        mode, model, detector, on_failure, kept, min_score, min_face, detect_size, shape
    )
    console.anonymize_image(anonymizer, source, out, seed, on_no_face, max_pixels, as_json)


def folder(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A folder, read recursively.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write.")],
    mode: ModeOption = "scene",
    model: ModelOption = "default",
    detector: DetectorOption = "centerface",
    on_failure: OnFailureOption = "solid",
    on_no_face: OnNoFaceOption = None,
    privacy: PrivacyOption = "balanced",
    keep_shape: KeepShapeOption = False,
    shape: ShapeOption = None,
    seed: SeedOption = None,
    jobs: Annotated[int, typer.Option(help="Files in work at a time.", min=1)] = 2,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do again what is done.")] = False,
    name: Annotated[str, typer.Option(help="Of outputs.")] = "{stem}{suffix}",
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            show_default=False,
            help="The I-th of N shares, for as many jobs. [default: all]",
        ),
    ] = None,
    audio: Annotated[
        bool,
        typer.Option(
            "--audio/--no-audio", help="Copy the sound of videos; a voice identifies, too."
        ),
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    min_score: MinScoreOption = None,
    min_face: MinFaceOption = 8.0,
    detect_size: DetectSizeOption = 1600,
    max_pixels: MaxPixelsOption = 120_000_000,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Anonymize every picture and video in a folder; what is done already is left as it is.

    manifest.jsonl tells what became of each file, report.html shows some of them.
    """
    from .. import batch, console, seeds

    batch.check_folders(source, out)  # told before the models load
    kept = released(privacy, keep_shape)
    chosen = (
        mode, model, detector, on_failure, on_no_face, kept, min_score, min_face, detect_size,
        shape, audio,
    )  # fmt: skip

    def job(anonymizer: "Anonymizer | None") -> batch.FolderJob:
        return batch.FolderJob(
            anonymizer, source, out, seeds.fresh_seed() if seed is None else seed, on_no_face,
            overwrite, max_pixels, repr(chosen), naming=name, shard=_shard(shard), sound=audio,
        )  # fmt: skip

    if dry_run:
        console.plan_folder(job(None), as_json)
        return
    threads = max(1, (os.cpu_count() or 1) // jobs)  # of one call: jobs share the cores
    anonymizer = make_anonymizer(
        mode, model, detector, on_failure, kept, min_score, min_face, detect_size, shape, threads
    )
    if not console.anonymize_folder(job(anonymizer), jobs, as_json):
        raise typer.Exit(1)


def _shard(text: str | None) -> tuple[int, int] | None:
    """``2/8`` as numbers.

    Raises:
        OptionError: It is no such share.
    """
    from ..errors import OptionError

    if text is None:
        return None
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise OptionError(f"--shard {text}: give I/N, as in 1/8")
    i, n = (int(part) for part in parts)
    if not 1 <= i <= n:
        raise OptionError(f"--shard {text}: I runs from 1 to N")
    return i, n


def models(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """List the generators that ship with the package, with their speed here."""
    from ..speed import generator_ms
    from ..weights import SHIPPED

    rows = [
        asdict(model)
        | {
            "bytes": model.path.stat().st_size if model.path.is_file() else None,
            "ms": round(generator_ms(model.path), 1) if model.path.is_file() else None,
        }
        for model in SHIPPED.values()
    ]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        size = "missing" if row["bytes"] is None else f"{row['bytes'] / 1e6:.1f} MB"
        speed = "" if row["ms"] is None else f"  {row['ms']:.1f} ms a face here"
        print(f"{row['name']}  {row['file']}  {size}{speed}  {row['licence']}")
        print(f"  reads {row['reads']}")
        print(f"  sha256 {row['sha256']}")


def demo(
    picture: Annotated[
        Path | None, typer.Argument(help="A picture of yours; else a public-domain portrait.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("demo"),
    seed: SeedOption = 1,
    debug: DebugOption = False,
) -> None:
    """Anonymize a portrait in both modes with four seeds, and say where the pictures lie."""
    from ..demo import run_demo

    for path in run_demo(picture, out, 1 if seed is None else seed):
        print(path)
