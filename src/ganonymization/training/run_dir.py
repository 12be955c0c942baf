"""What a run leaves in its folder: settings, checkpoints, metrics, picture sheets.

config.toml        every setting
checkpoint.pt      networks, optimizers, how far the run is; replaced whole or not at all
metrics.jsonl      one line per ``log_every`` steps
sheets/            fixed samples drawn by the moving average
events.out.*       the same for TensorBoard
README.txt         says what these are, and how to go on
"""

import json
import math
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning.fabric import Fabric
from lightning.fabric.loggers.tensorboard import TensorBoardLogger
from rich.progress import Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from ..errors import ModelError, OutputError
from ..io import images

README = """A training run.

config.toml     every setting of the run
checkpoint.pt   networks, optimizers and progress; the same command again goes on from here
metrics.jsonl   one JSON object a line: stage, samples, images per second, each part of the loss
sheets/         drawn samples; each row: condition, picture, drawn in its own style, in two foreign
events.out.*    the same numbers and sheets for TensorBoard
"""


def save(path: Path, state: object) -> None:
    """Write a checkpoint completely or not at all.

    Raises:
        OutputError: It cannot be written; what was there before stays.
    """
    images.write_whole(path, lambda file: torch.save(state, file))


def load(path: Path) -> dict[str, Any] | None:
    """The state in a checkpoint of :func:`save`, or None where there is none.

    Raises:
        ModelError: The file is not one.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds on a wrong file
        state = error
    if not isinstance(state, dict):
        raise ModelError(f"{path}: not a checkpoint of 'ganonymize train'; name another run folder")
    return state


class RunFolder:
    """Writes metrics, sheets and checkpoints of one run; only the first process does.

    Args:
        fabric: Launched.
        folder: The run's.
        total_samples: Of the whole run, for the time that is left.
    """

    def __init__(self, fabric: Fabric, folder: Path, total_samples: int) -> None:
        self.fabric, self.folder = fabric, folder
        self._started = self._began = self._saved = self._sheet = time.monotonic()
        self._first: int | None = None
        self._bar = Progress(
            *Progress.get_default_columns()[:-1], TimeRemainingColumn(),
            TextColumn("{task.fields[rate]:.1f} images/s"), disable=not fabric.is_global_zero,
        )  # fmt: skip
        self._task = self._bar.add_task("training", total=total_samples, rate=math.nan)

    def __enter__(self) -> "RunFolder":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        self.fabric.logger.finalize("success")

    def minutes(self) -> float:
        """Since this process began."""
        return (time.monotonic() - self._started) / 60

    def progress(self, samples: int) -> float:
        """Move the bar; images per second since this process began."""
        if self._first is None:
            self._first, self._began = samples, time.monotonic()
        spent = time.monotonic() - self._began
        rate = (samples - self._first) / spent if spent else 0.0
        self._bar.update(self._task, completed=samples, rate=rate)
        return rate

    def log(self, samples: int, numbers: dict[str, float]) -> None:
        """Append a line of metrics, here and for TensorBoard."""
        if not self.fabric.is_global_zero:
            return
        line = {"samples": samples} | {name: round(value, 5) for name, value in numbers.items()}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be written ({error.strerror})") from error
        self.fabric.log_dict(numbers, step=samples)

    def due(self, save_every_s: float, sheet_every_s: float) -> tuple[bool, bool]:
        """Whether a checkpoint and a sheet are due; asking starts their time anew.

        The first process decides for all.
        """
        now = time.monotonic()
        due = (now - self._saved > save_every_s, now - self._sheet > sheet_every_s)
        if self.fabric.world_size > 1:
            due = self.fabric.broadcast(due)
        self._saved = now if due[0] else self._saved
        self._sheet = now if due[1] else self._sheet
        return due

    def sheet(self, samples: int, rows: list[Tensor]) -> None:
        """Write pictures (N, 3, S, S) in [-1, 1], one column for each entry of ``rows``."""
        if not self.fabric.is_global_zero:
            return
        grid = torch.cat([torch.cat(list(column), 1) for column in rows], 2)
        pixels = ((grid.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
        picture = images.Picture(np.ascontiguousarray(pixels))
        images.write(self.folder / "sheets" / f"{samples:09d}.png", picture)
        board = cast(TensorBoardLogger, self.fabric.logger)
        board.experiment.add_image("sheet", pixels, samples, dataformats="HWC")
