"""Options that mean the same in every command, and what they ask for."""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import MissingExtraError, OptionError
from ..options import DetectorName, Device, Mode, OnFailure, OnNoFace, Privacy

if TYPE_CHECKING:
    from ..config import AnonymizerConfig

ModelOption = Annotated[str, typer.Option(help="A name from 'ganonymize models' or a file.")]
DetectorOption = Annotated[
    DetectorName,
    typer.Option(help="centerface finds small faces; blazeface is fast, for near ones."),
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
MaxPixelsOption = Annotated[
    int, typer.Option(help="Larger pictures are refused.", min=1, max=178_956_970)
]
DeviceOption = Annotated[
    Device,
    typer.Option(help="cuda draws and finds faces on an NVIDIA GPU; needs onnxruntime-gpu."),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Refuse what could not be taken over whole.")
]
HdrOption = Annotated[
    bool | None,
    typer.Option(
        "--hdr/--sdr", show_default=False,
        help="Keep high dynamic range in 10 bits, or make it standard. "
        "[default: --sdr, and say so]",
    ),
]  # fmt: skip
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _config_of(
    mode: Annotated[
        Mode,
        typer.Option(help="scene: each face where it was; portrait: a head on black per face."),
    ] = "scene",
    model: ModelOption = "default",
    detector: DetectorOption = "centerface",
    on_failure: Annotated[
        OnFailure, typer.Option(help="What covers a face that cannot be redrawn.")
    ] = "solid",
    privacy: Annotated[
        Privacy,
        typer.Option(
            help="How much of the shape goes with the person; high keeps less expression."
        ),
    ] = "balanced",
    keep_shape: Annotated[
        bool, typer.Option("--keep-shape", help="As the paper: keep the shape, which identifies.")
    ] = False,
    shape: Annotated[
        Path | None,
        typer.Option(help="A model of 'ganonymize fit-shape'. [default: shipped]",
                     show_default=False),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(help="Detections scored lower are dropped. [default: the detector's own]",
                     min=0, max=1, show_default=False),
    ] = None,
    min_face: Annotated[float, typer.Option(help="Smallest face, in pixels.", min=0)] = 8.0,
    detect_size: Annotated[
        int, typer.Option(help="Longer side the picture is shrunk to for detection.", min=64)
    ] = 1600,
    device: DeviceOption = "cpu",
) -> "AnonymizerConfig":  # fmt: skip
    """The configuration that the options name.

    Raises:
        OptionError: Two options contradict each other.
    """
    from ..config import AnonymizerConfig
    from ..detect.base import DetectorOptions

    if keep_shape and privacy != "balanced":
        raise OptionError(f"--keep-shape and --privacy {privacy} contradict each other")
    return AnonymizerConfig(
        mode=mode, model=model, detector=detector, on_failure=on_failure,
        privacy=None if keep_shape else privacy, shape=shape, device=device,
        detector_options=DetectorOptions(min_score, min_face, detect_size),
    )  # fmt: skip


def takes_config(
    *, without: tuple[str, ...] = (), **defaults: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command all options of :class:`AnonymizerConfig` in place of its argument ``config``.

    Args:
        without: Options that the command does not take.
        defaults: Of options whose default is another one here.
    """
    options = [
        option.replace(default=defaults.get(name, option.default))
        for name, option in inspect.signature(_config_of).parameters.items()
        if name not in without
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command).parameters
        before = [p for p in own.values() if p.default is p.empty and p.name != "config"]
        after = [p for p in own.values() if p.default is not p.empty]

        def run(**given: Any) -> None:
            config = _config_of(**{option.name: given.pop(option.name) for option in options})
            command(config=config, **given)

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        parameters = [*before, *options, *after]
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        )
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return decorate


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


def require_extra(feature: str, extra: str, *packages: str) -> None:
    """Refuse a command whose extra is not installed.

    Args:
        feature: What was asked for.
        extra: What brings the packages.
        packages: Looked for, not imported.

    Raises:
        MissingExtraError: The message has the command that installs it.
    """
    from importlib.util import find_spec

    if not all(find_spec(name) for name in packages):
        raise MissingExtraError(feature, extra)


def require_torch() -> None:
    """Refuse to train without the extra that brings torch.

    Raises:
        MissingExtraError: The message has the command that installs it.
    """
    require_extra("training", "train", "torch", "lightning", "tensorboard")
