"""Commands that make training data, networks and shape models."""

from pathlib import Path
from typing import Annotated

import typer

from ..options import ExportPrecision
from .options import Count, DetectorOption, In, Out, print_skipped, require_torch


def prepare(
    source: In, out: Out, detector: DetectorOption = "centerface", segmenter: Path | None = None
) -> None:
    """Make crops, landmarks and head masks of pictures, for training.

    Options:
        source: A folder of face pictures.
        out: The prepared folder to write.
        segmenter: An ONNX file that finds persons. [default: MediaPipe's]
    """
    from ..training.prepare import prepare_folder
    from ..training.segment import OnnxSegmenter

    plugged = None if segmenter is None else OnnxSegmenter(segmenter)
    made, skipped = prepare_folder(source, out, detector, plugged)
    print(f"{made} faces in {out}")
    print_skipped(skipped)


def train(
    config: Path,
    out: Path,
    data: list[Path] | None = None,
    accelerator: str = "auto",
    devices: Count = 1,
    nodes: Count = 1,
    minutes: float | None = None,
    dry_run: bool = False,
) -> None:
    """Train a generator, or go on with one.

    Options:
        config: A TOML file, such as configs/default.toml.
        out: The run's folder; a run in it goes on.
        data: A prepared folder, or a folder of face pictures. [default: CONFIG's]
        accelerator: cpu, cuda or auto.
        devices: On each node.
        nodes: How many machines.
        minutes: Stop after so long; the same command goes on.
        dry_run: One step of each stage, nothing written.
    """
    require_torch()
    from ..training.command import run_training, show_rehearsal
    from ..training.config import read_config

    settings = read_config(config)
    if dry_run:
        show_rehearsal(settings, data or [], accelerator)
    else:
        run_training(settings, data or [], out, accelerator, devices, nodes, minutes)


def fit_shape(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER")],
    out: Out,
    people: Annotated[Path, typer.Option()],
    faces: Path | None = None,
) -> None:
    """Fit the model that takes the person out of the landmarks, from pictures of people.

    Options:
        folder: Pictures of faces.
        out: The shape model to write, an .npz.
        people: CSV with the columns file, person and, if known, expression.
        faces: A prepared folder of further faces, one each of a person.
    """
    require_torch()
    from ..training.shape_command import fit_and_save

    skipped = fit_and_save(folder, people, out, faces)
    print(out)
    print_skipped(skipped)


def export(
    checkpoint: Path,
    out: Path,
    precision: ExportPrecision = "fp16",
    size: int = 256,
    calibrate: Path | None = None,
) -> None:
    """Write a trained generator as an ONNX file for --model, compared with PyTorch.

    Options:
        checkpoint: A checkpoint of 'ganonymize train', or a published .ckpt.
        out: The ONNX file to write.
        precision: fp16 stores half and computes in single precision.
        size: Side of the pictures ours will draw.
        calibrate: A prepared folder: ranges for int8, and test conditions.
    """
    require_torch()
    from ..training.export import export as export_file
    from ..weights import sha256_of

    report = export_file(checkpoint, out, precision, size, calibrate)
    written = report.path
    print(f"{written}  {written.stat().st_size / 1e6:.1f} MB  sha256 {sha256_of(written)}")
    print(f"  against PyTorch {report.psnr_db:.1f} dB, {report.milliseconds:.1f} ms a picture")
