"""Options that mean the same in every command, and what they ask for."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import OptionError
from ..options import DetectorName, Device, Mode, OnFailure, OnNoFace, Privacy

if TYPE_CHECKING:
    from ..pipeline import Anonymizer
    from ..surrogate.shape_model import ShapeModel

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
DeviceOption = Annotated[
    Device,
    typer.Option(help="cuda draws and finds faces on an NVIDIA GPU; needs onnxruntime-gpu."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@contextmanager
def progress(title: str, total: int | None) -> "Iterator[Callable[[], None]]":
    """A bar on the error stream; what it yields is called after each step."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(),
               TaskProgressColumn(show_speed=True), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.advance(task)


def make_anonymizer(
    mode: Mode,
    model: str,
    detector: DetectorName,
    on_failure: OnFailure,
    privacy: Privacy | None,
    min_score: float | None,
    min_face: float,
    detect_size: int,
    shape: "Path | ShapeModel | None",
    threads: int = 0,
    detect_threads: int | None = None,
    device: Device = "cpu",
) -> "Anonymizer":
    """Load the stages that options name.

    Raises:
        GanonymizationError: As :class:`ganonymization.Anonymizer` does.
    """
    from ..detect.base import DetectorOptions
    from ..pipeline import Anonymizer
    from ..surrogate.shape_model import ShapeModel

    return Anonymizer(
        mode=mode,
        model=model,
        detector=detector,
        detector_options=DetectorOptions(
            min_score,
            min_face,
            detect_size,
            threads if detect_threads is None else detect_threads,
            device,
        ),
        on_failure=on_failure,
        privacy=privacy,
        threads=threads,
        device=device,
        shape=ShapeModel.load(shape) if isinstance(shape, Path) else shape,
    )


def released(privacy: Privacy, keep_shape: bool) -> Privacy | None:
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

    from ..errors import MissingExtraError

    if not all(find_spec(name) for name in ("torch", "lightning", "tensorboard")):
        raise MissingExtraError("training", "train")
