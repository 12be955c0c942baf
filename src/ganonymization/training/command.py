"""What the training commands do around the library: find or make data, and print."""

import math
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..io.text import write_text
from .config import TrainingConfig
from .layout import is_prepared
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
    """Train and print the checkpoint's path; see :func:`~ganonymization.training.train.train`.

    ``data`` are prepared folders or folders of pictures; empty for the config's own.

    Raises:
        InputError: There is no data.
    """
    folders = _prepared(config, data, out / "prepared")
    with suppress(OSError, ValueError):  # under a test's capture it has no number
        os.dup2(sys.stderr.fileno(), 2)  # further devices' processes must be heard
    checkpoint = train(
        replace(config, data=folders), out, accelerator=accelerator, devices=devices, nodes=nodes,
        minutes=math.inf if minutes is None else minutes,
    )  # fmt: skip
    if int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))) == 0:
        print(checkpoint)


def show_rehearsal(config: TrainingConfig, data: list[Path], accelerator: str) -> None:
    """Print what each stage would take, by one step of it.

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
        if is_prepared(folder):
            folders.append(str(folder.absolute()))
            continue
        target, source = made / str(number), f"{folder.resolve()}\n"
        if not is_prepared(target):
            write_text(target / "source.txt", source)  # first: a prepared folder must name it
            _prepare(folder, target)
        elif (target / "source.txt").read_text(encoding="utf-8") != source:
            raise InputError(f"{target}: was prepared from other pictures; name another run folder")
        folders.append(str(target.absolute()))
    return tuple(folders)


def _prepare(folder: Path, target: Path) -> None:
    if int(os.environ.get("RANK", "0")) or int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(
            f"{folder}: not prepared; run 'ganonymize prepare {folder} PREPARED' once, then give "
            "PREPARED to every process"
        )
    from .prepare import prepare_folder  # brings MediaPipe, which training itself does not need

    count, skipped = prepare_folder(folder, target)
    print(f"{count} faces prepared in {target}")
    for path, reason, _ in skipped:
        print(f"left out {path}: {reason}", file=sys.stderr)
