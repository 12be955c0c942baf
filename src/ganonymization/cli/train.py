"""Commands that make training data, networks and shape models."""

from pathlib import Path
from typing import Annotated

import typer

from ..options import ExportPrecision
from .options import DetectorOption, require_torch
from .skipped import print_skipped


def prepare(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A folder of face pictures.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The prepared folder to write.")],
    detector: DetectorOption = "centerface",
    segmenter: Annotated[
        Path | None, typer.Option(help="An ONNX file that finds persons. [default: MediaPipe's]")
    ] = None,
) -> None:
    """Make crops, landmarks and head masks of pictures, for training."""
    from ..training.prepare import prepare_folder
    from ..training.segment import OnnxSegmenter

    plugged = None if segmenter is None else OnnxSegmenter(segmenter)
    made, skipped = prepare_folder(source, out, detector, plugged)
    print(f"{made} faces in {out}")
    print_skipped(skipped)


def train(
    config: Annotated[Path, typer.Argument(help="A TOML file, such as configs/default.toml.")],
    out: Annotated[Path, typer.Argument(help="The run's folder; a run in it goes on.")],
    data: Annotated[
        list[Path] | None,
        typer.Option(help="A prepared folder, or a folder of face pictures. [default: CONFIG's]"),
    ] = None,
    accelerator: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    devices: Annotated[int, typer.Option(help="On each node.", min=1)] = 1,
    nodes: Annotated[int, typer.Option(help="How many machines.", min=1)] = 1,
    minutes: Annotated[
        float | None, typer.Option(help="Stop after so long; the same command goes on.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="One step of each stage, nothing written.")
    ] = False,
) -> None:
    """Train a generator, or go on with one."""
    require_torch()
    from ..training.command import run_training, show_rehearsal
    from ..training.config import read_config

    settings = read_config(config)
    if dry_run:
        show_rehearsal(settings, data or [], accelerator)
    else:
        run_training(settings, data or [], out, accelerator, devices, nodes, minutes)


def fit_shape(
    source: Annotated[Path, typer.Argument(metavar="FOLDER", help="Pictures of faces.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The shape model to write, an .npz.")],
    people: Annotated[
        Path, typer.Option(help="CSV with the columns file, person and, if known, expression.")
    ],
    faces: Annotated[
        Path | None, typer.Option(help="A prepared folder of further faces, one each of a person.")
    ] = None,
) -> None:
    """Fit the model that takes the person out of the landmarks, from pictures of people."""
    require_torch()
    from ..training.shape_command import fit_and_save

    skipped = fit_and_save(source, people, out, faces)
    print(out)
    print_skipped(skipped)


def export(
    checkpoint: Annotated[
        Path, typer.Argument(help="A checkpoint of 'ganonymize train', or a published .ckpt.")
    ],
    out: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
    precision: Annotated[
        ExportPrecision, typer.Option(help="fp16 stores half and computes in single precision.")
    ] = "fp16",
    size: Annotated[int, typer.Option(help="Side of the pictures ours will draw.")] = 256,
    calibrate: Annotated[
        Path | None, typer.Option(help="A prepared folder: ranges for int8, and test conditions.")
    ] = None,
) -> None:
    """Write a trained generator as an ONNX file for --model, compared with PyTorch."""
    require_torch()
    from ..training.export import export as export_file
    from ..weights import sha256_of

    report = export_file(checkpoint, out, precision, size, calibrate)
    written = report.path
    print(f"{written}  {written.stat().st_size / 1e6:.1f} MB  sha256 {sha256_of(written)}")
    print(f"  against PyTorch {report.psnr_db:.1f} dB, {report.milliseconds:.1f} ms a picture")
