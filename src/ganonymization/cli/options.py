"""Options that mean the same in every command, what they ask for, and how commands get theirs."""

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import MissingExtraError, OptionError
from ..options import DetectorName, Device, Mode, OnFailure, OnNoFace, Privacy, Sex, Skin
from .help import documented, sign
from .say import say

if TYPE_CHECKING:
    from ..config import AnonymizerConfig
    from ..types import Skipped

Count = Annotated[int, typer.Option(min=1)]
In = Annotated[Path, typer.Argument(metavar="IN")]
Out = Annotated[Path, typer.Argument(metavar="OUT")]
ModelOption = Annotated[str, typer.Option(help="A name from 'ganonymize models' or a file.")]
DetectorOption = Annotated[
    DetectorName,
    typer.Option(help="centerface finds small faces; blazeface is fast, for near ones."),
]
OnNoFaceOption = Annotated[
    OnNoFace | None,
    typer.Option(
        help="A picture without a face: pass it on, leave it out, or stop. "
        "[default: copy for scenes, skip for portraits]"
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(help="Repeats a result. [default: a fresh one]", show_default=False, min=0),
]
MaxPixelsOption = Annotated[
    int, typer.Option(help="Larger pictures are refused.", min=1, max=178_956_970)
]
DeviceOption = Annotated[
    Device, typer.Option(help="cuda draws and finds faces on an NVIDIA GPU; needs onnxruntime-gpu.")
]
AddBoxOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="X,Y,W,H",
        show_default=False,
        help="Redraw or cover a face there, too; in pixels. May be repeated.",
    ),
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
ReportOption = Annotated[
    bool, typer.Option("--report", help="Write what became of it into the folder OUT-report.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@documented
def _config_of(
    mode: Mode = "scene",
    model: ModelOption = "default",
    detector: DetectorOption = "centerface",
    on_failure: OnFailure = "solid",
    privacy: Privacy = "balanced",
    keep_shape: bool = False,
    shape: Path | None = None,
    bank: Path | None = None,
    age: float | None = None,
    sex: Sex | None = None,
    skin: Skin | None = None,
    min_score: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    min_face: Annotated[float, typer.Option(min=0)] = 8.0,
    detect_size: Annotated[int | None, typer.Option(min=64)] = None,
    thorough: bool = False,
    audit: bool = True,
    device: DeviceOption = "cpu",
) -> "AnonymizerConfig":
    """The configuration that the options name; they must not contradict each other.

    Options:
        mode: scene: each face where it was; portrait: a head on black per face.
        on_failure: What covers a face that cannot be redrawn.
        privacy: How much of the shape goes with the person; high keeps less expression.
        keep_shape: As the paper: keep the shape, which identifies.
        shape: A model of 'ganonymize fit-shape'. [default: shipped]
        bank: Donors, of 'ganonymize bank build'. [default: shipped]
        age: About how old new faces are. [default: as hair and clothes have it]
        sex: Of new faces. [default: as hair and clothes have it]
        skin: Of portraits; in scenes it follows neck and ears. [default: any]
        min_score: Detections scored lower are dropped, and no doubtful one is looked at again.
            [default: the detector's own]
        min_face: Smallest face, in pixels.
        detect_size: Longer side the picture is shrunk to for detection; without it, it is not.
        thorough: Look enlarged, mirrored and turned, too: far slower.
        audit: Search what is written once more for faces.
    """
    from ..config import AnonymizerConfig
    from ..detect.base import DetectorOptions

    if keep_shape and privacy != "balanced":
        raise OptionError(f"--keep-shape and --privacy {privacy} contradict each other")
    return AnonymizerConfig(
        mode=mode, model=model, detector=detector, on_failure=on_failure,
        privacy=None if keep_shape else privacy, shape=shape, device=device,
        detector_options=DetectorOptions(min_score, min_face, detect_size, thorough=thorough),
        audit=audit, bank=bank, age=age, sex=sex, skin=skin,
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
        own = inspect.signature(documented(command)).parameters.values()
        before = [p for p in own if p.default is p.empty and p.name != "config"]
        after = [p for p in own if p.default is not p.empty]

        def run(**given: Any) -> None:
            config = _config_of(**{option.name: given.pop(option.name) for option in options})
            command(config=config, **given)

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        sign(run, [*before, *options, *after])
        return run

    return decorate


@contextmanager
def progress(title: str, total: int | None) -> "Iterator[Callable[[], None]]":
    """A bar on the error stream; what it yields is called after each step.

    Args:
        title: Before it.
        total: Of steps; None or a guess where nobody knows: at its end it is full.
    """
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn(title), rich.BarColumn(), rich.MofNCompleteColumn(),
        rich.TaskProgressColumn(show_speed=True), rich.TimeRemainingColumn(),
    )  # fmt: skip
    with rich.Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.advance(task)
        bar.update(task, total=bar.tasks[task].completed)  # it may have been a guess


def report_folder(out: Path | None, folder: str | None = None) -> Path:
    """Where the reports of a single output go: beside it, in a folder of its name.

    Args:
        out: The output, or None.
        folder: Where outputs were asked for; where it is one, reports lie beside it.
    """
    if (
        folder is not None
        and folder != "-"
        and (folder.endswith(("/", os.sep)) or out is None or Path(folder) != out)
    ):
        whole = Path(os.path.abspath(folder))
        return whole.with_name(whole.name + "-report")
    return Path("stream-report") if out is None else out.with_name(out.stem + "-report")


def require_extra(feature: str, extra: str, *packages: str) -> None:
    """Refuse a command where packages of its extra are not installed; nothing is imported.

    Raises:
        MissingExtraError: The message has the command that installs it.
    """
    from importlib.util import find_spec

    if not all(find_spec(name) for name in packages):
        raise MissingExtraError(feature, extra)


def require_torch() -> None:
    """Refuse to train without the extra that brings torch, as :func:`require_extra` does."""
    require_extra("training", "train", "torch", "lightning", "tensorboard")


def require_transformers() -> None:
    """Refuse to classify without the extra that brings transformers."""
    require_extra("classifying", "train", "torch", "lightning", "transformers", "sklearn")


def print_skipped(skipped: "Iterable[Skipped]") -> None:
    """Print what was skipped, and end with exit code 1 where a picture could not be read."""
    skipped = list(skipped)
    for path, reason, _ in skipped:
        say(f"left out {path}: {reason}", sys.stderr)
    if any(picture.unreadable for picture in skipped):
        sys.exit(1)
