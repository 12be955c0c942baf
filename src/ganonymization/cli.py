"""The command line. Every command is a thin call of the library, imported when it runs."""

import io
import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .errors import GanonymizationError, OptionError
from .options import DetectorName, ExportPrecision, Mode, OnFailure, OnNoFace, Privacy

if TYPE_CHECKING:
    from .people import People
    from .pipeline import Anonymizer

app = typer.Typer(
    help="Replace every face in pictures by nobody's face, and keep the expression.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


ModeOption = Annotated[
    Mode, typer.Option(help="scene: each face where it was; portrait: a head on black per face.")
]
ModelOption = Annotated[str, typer.Option(help="A name from 'ganonymize models' or a file.")]
DetectorOption = Annotated[
    DetectorName,
    typer.Option(help="centerface finds small faces; blazeface is fast, for near ones."),
]
PrivacyOption = Annotated[
    Privacy,
    typer.Option(help="How much of the shape goes with the person; high keeps less expression."),
]
KeepShapeOption = Annotated[
    bool, typer.Option("--keep-shape", help="As the paper: keep the shape, which identifies.")
]
ShapeOption = Annotated[
    Path | None,
    typer.Option(help="A model of 'ganonymize fit-shape'. [default: shipped]", show_default=False),
]
OnFailureOption = Annotated[
    OnFailure, typer.Option(help="What covers a face that cannot be redrawn.")
]
OnNoFaceOption = Annotated[
    OnNoFace | None,
    typer.Option(
        help="A picture without a face: pass it on, leave it out, or stop. "
        "[default: copy for scenes, skip for portraits]",
        show_default=False,
    ),
]
SeedOption = Annotated[
    int | None, typer.Option(help="Repeats a result. [default: a fresh one]", show_default=False)
]
MinScoreOption = Annotated[
    float | None,
    typer.Option(help="Detections scored lower are dropped. [default: the detector's own]",
                 min=0, max=1, show_default=False),
]  # fmt: skip
MinFaceOption = Annotated[float, typer.Option(help="Smallest face, in pixels.", min=0)]
DetectSizeOption = Annotated[
    int, typer.Option(help="Longer side the picture is shrunk to for detection.", min=64)
]
MaxPixelsOption = Annotated[
    int, typer.Option(help="Larger pictures are refused.", min=1, max=178_956_970)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@app.command()
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
    from . import console, images

    images.check_output(source, out)  # told before the models load
    kept = _released(privacy, keep_shape)
    anonymizer = _anonymizer(
        mode, model, detector, on_failure, kept, min_score, min_face, detect_size, shape
    )
    console.anonymize_image(anonymizer, source, out, seed, on_no_face, max_pixels, as_json)


@app.command()
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
    jobs: Annotated[int, typer.Option(help="Pictures in work at a time.", min=1)] = 2,
    overwrite: Annotated[bool, typer.Option(help="Do again what is done.")] = False,
    min_score: MinScoreOption = None,
    min_face: MinFaceOption = 8.0,
    detect_size: DetectSizeOption = 1600,
    max_pixels: MaxPixelsOption = 120_000_000,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Anonymize every picture in a folder; manifest.jsonl tells what became of each file."""
    from . import batch, console, seeds

    batch.check_folders(source, out)  # told before the models load
    seed = seeds.fresh_seed() if seed is None else seed
    kept = _released(privacy, keep_shape)
    anonymizer = _anonymizer(
        mode, model, detector, on_failure, kept, min_score, min_face, detect_size, shape
    )
    chosen = (
        mode, model, detector, on_failure, on_no_face, kept, min_score, min_face, detect_size,
        shape,
    )  # fmt: skip
    job = batch.FolderJob(
        anonymizer, source, out, seed, on_no_face, overwrite, max_pixels, settings=repr(chosen)
    )
    if not console.anonymize_folder(job, jobs, as_json):
        raise typer.Exit(1)


@app.command()
def models(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """List the generators that ship with the package, with their speed here."""
    from .speed import generator_ms
    from .weights import SHIPPED

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


@app.command()
def demo(
    picture: Annotated[
        Path | None, typer.Argument(help="A picture of yours; else a public-domain portrait.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("demo"),
    seed: SeedOption = 1,
    debug: DebugOption = False,
) -> None:
    """Anonymize a portrait in both modes with four seeds, and say where the pictures lie."""
    from .demo import run_demo

    for path in run_demo(picture, out, 1 if seed is None else seed):
        print(path)


@app.command()
def prepare(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A folder of face pictures.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The prepared folder to write.")],
    detector: DetectorOption = "centerface",
    segmenter: Annotated[
        Path | None, typer.Option(help="An ONNX file that finds persons. [default: MediaPipe's]")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Make crops, landmarks and head masks of pictures, for training."""
    from .training.prepare import prepare_folder
    from .training.segment import OnnxSegmenter

    plugged = None if segmenter is None else OnnxSegmenter(segmenter)
    made, refused = prepare_folder(source, out, detector, plugged)
    print(f"{made} faces in {out}")
    for path, reason, _ in refused:
        print(f"left out {path}: {reason}", file=sys.stderr)
    if any(picture.unreadable for picture in refused):
        raise typer.Exit(1)


@app.command()
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
    debug: DebugOption = False,
) -> None:
    """Train a generator, or go on with one."""
    require_torch()
    from .training.command import run_training, show_rehearsal
    from .training.config import read_config

    settings = read_config(config)
    if dry_run:
        show_rehearsal(settings, data or [], accelerator)
    else:
        run_training(settings, data or [], out, accelerator, devices, nodes, minutes)


@app.command("fit-shape")
def fit_shape(
    source: Annotated[Path, typer.Argument(metavar="FOLDER", help="Pictures of faces.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The shape model to write, an .npz.")],
    people: Annotated[
        Path, typer.Option(help="CSV with the columns file, person and, if known, expression.")
    ],
    faces: Annotated[
        Path | None, typer.Option(help="A prepared folder of further faces, one each of a person.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Fit the model that takes the person out of the landmarks, from pictures of people."""
    require_torch()
    from .training.shape_command import fit_and_save

    left_out = fit_and_save(source, people, out, faces)
    for path, reason, _ in left_out:
        print(f"left out {path}: {reason}", file=sys.stderr)
    print(out)
    if any(picture.unreadable for picture in left_out):
        raise typer.Exit(1)


@app.command()
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
    debug: DebugOption = False,
) -> None:
    """Write a trained generator as an ONNX file for --model, compared with PyTorch."""
    require_torch()
    from .training.export import export as export_file
    from .weights import sha256_of

    report = export_file(checkpoint, out, precision, size, calibrate)
    written = report.path
    print(f"{written}  {written.stat().st_size / 1e6:.1f} MB  sha256 {sha256_of(written)}")
    print(f"  against PyTorch {report.psnr_db:.1f} dB, {report.milliseconds:.1f} ms a picture")


@app.command()
def evaluate(
    originals: Annotated[Path, typer.Argument(help="Pictures of people.")],
    people: Annotated[
        Path, typer.Option(help="CSV with the columns file, person and, if known, expression.")
    ],
    only: Annotated[Literal["geometry"], typer.Option(help="What to look at.")] = "geometry",
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write.")] = Path("report"),
    privacy: PrivacyOption = "balanced",
    keep_shape: KeepShapeOption = False,
    shape: ShapeOption = None,
    fit: Annotated[
        Path | None,
        typer.Option(
            help="Fit the shape model anew on a third of the people and this prepared folder, as "
            "pictures need that the shipped model was fitted on. [default: the shipped model]",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Attack released landmarks: who is still recognised, and what is left of the expression."""
    from .evaluation.command import evaluate_geometry
    from .shape import ShapeModel

    if shape is not None and fit is not None:
        raise OptionError("--shape and --fit contradict each other: one names a model, one fits it")
    given = None if shape is None else ShapeModel.load(shape)
    fitter: Callable[[People], ShapeModel] | None = None
    if fit is not None:
        require_torch()
        from .training.shape_command import fitter_beside

        fitter = fitter_beside(fit)
    kept = _released(privacy, keep_shape)
    report, left_out = evaluate_geometry(originals, people, out, kept, given, fitter)
    for path, reason, _ in left_out:
        print(f"left out {path}: {reason}", file=sys.stderr)
    print(json.dumps(report.as_dict(), indent=1) if as_json else report.table())
    if any(picture.unreadable for picture in left_out):
        raise typer.Exit(1)


def run(application: Callable[[], None]) -> None:
    """Run a command line: one line and exit code 1 for our errors, a traceback with ``--debug``."""
    debug = "--debug" in sys.argv
    if not debug:
        _silence_native_code()
    warnings.filterwarnings("ignore", "Image size", Warning)  # our own limit decides
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names may be no text
    try:
        application()
    except GanonymizationError as error:
        if debug:
            traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)


def main() -> None:
    """The entry point of ``ganonymize``."""
    run(app)


def _silence_native_code() -> None:
    """Send what MediaPipe's C++ code prints nowhere; Python keeps the real standard error."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _anonymizer(
    mode: Mode,
    model: str,
    detector: DetectorName,
    on_failure: OnFailure,
    privacy: Privacy | None,
    min_score: float | None,
    min_face: float,
    detect_size: int,
    shape: Path | None,
) -> "Anonymizer":
    from .detect.base import DetectorOptions
    from .pipeline import Anonymizer
    from .shape import ShapeModel

    return Anonymizer(
        mode=mode,
        model=model,
        detector=detector,
        detector_options=DetectorOptions(min_score, min_face, detect_size),
        on_failure=on_failure,
        privacy=privacy,
        shape=None if shape is None else ShapeModel.load(shape),
    )


def _released(privacy: Privacy, keep_shape: bool) -> Privacy | None:
    """The setting, or None for landmarks as they are.

    Raises:
        OptionError: Both were asked for.
    """
    if keep_shape and privacy != "balanced":
        raise OptionError(f"--keep-shape and --privacy {privacy} contradict each other")
    return None if keep_shape else privacy


def require_torch() -> None:
    """Refuse to train without the extra that brings torch.

    Raises:
        MissingExtraError: The message has the command that installs it.
    """
    from importlib.util import find_spec

    from .errors import MissingExtraError

    if not all(find_spec(name) for name in ("torch", "lightning", "tensorboard")):
        raise MissingExtraError("training", "train")
