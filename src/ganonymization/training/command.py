"""What the training commands do around the library: find or make data, and print."""

import math
import os
import sys
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from .config import TrainingConfig
from .train import rehearse, train


def run_training(
    config: TrainingConfig,
    data: list[Path],
    out: Path,
    accelerator: str,
    devices: int,
    nodes: int,
    minutes: float | None,
) -> None:
    """Train and print the checkpoint's path.

    Args:
        config: The settings.
        data: Prepared folders or folders of pictures; empty for the config's own.
        out: The run's folder.
        accelerator: ``"cpu"``, ``"cuda"`` or ``"auto"``.
        devices: On each node.
        nodes: How many.
        minutes: Stop after this long, or None.

    Raises:
        InputError: There is no data.
    """
    folders = _prepared(config, data, out / "prepared")
    limit = math.inf if minutes is None else minutes
    checkpoint = train(
        replace(config, data=folders), out,
        accelerator=accelerator, devices=devices, nodes=nodes, minutes=limit,
    )  # fmt: skip
    if int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))) == 0:
        print(checkpoint)


def show_rehearsal(config: TrainingConfig, data: list[Path], accelerator: str) -> None:
    """Print what each stage would take, told from one step.

    Raises:
        InputError: The data are no prepared folders.
    """
    folders = tuple(str(folder) for folder in data) or config.data
    hours = 0.0
    for number, (stage, seconds) in enumerate(rehearse(replace(config, data=folders), accelerator)):
        hours += stage.samples / stage.batch * seconds / 3600
        print(
            f"stage {number}: {stage.samples} samples of {stage.size_px} px, "
            f"{stage.batch / seconds:.1f} images/s"
        )
    print(f"about {hours:.1f} hours on one such device; nothing was written")


def _prepared(config: TrainingConfig, data: list[Path], made: Path) -> tuple[str, ...]:
    """Prepared folders; those of pictures are prepared first, into the run's folder."""
    folders = []
    for number, folder in enumerate(data or [Path(f) for f in config.data]):
        if (folder / "crops.npy").exists():
            folders.append(str(folder.absolute()))
            continue
        target = made / str(number)
        if not (target / "crops.npy").exists():
            _prepare(folder, target)
        folders.append(str(target.absolute()))
    return tuple(folders)


def _prepare(folder: Path, target: Path) -> None:
    if int(os.environ.get("RANK", "0")) or int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(
            f"{folder}: not prepared; run 'ganonymize prepare {folder} PREPARED' once, then give "
            "PREPARED to every process"
        )
    from .prepare import prepare_folder  # brings MediaPipe, which training itself does not need

    count, refused = prepare_folder(folder, target)
    print(f"{count} faces prepared in {target}")
    for path, reason in refused:
        print(f"left out {path}: {reason}", file=sys.stderr)
