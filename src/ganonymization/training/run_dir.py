"""What a run leaves in its folder: checkpoints, metrics and picture sheets.

Metrics are lines of ``metrics.jsonl``, sheets are pictures in ``sheets/``; ``events.out.*`` hold
both for TensorBoard.
"""

import json
import math
import time
from collections.abc import Mapping
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
from ..io.files import atomic_path
from ..types import Image


def save_checkpoint(path: Path, state: object) -> None:
    """Write a checkpoint completely or not at all.

    Raises:
        OutputError: It cannot be written; what was there before stays.
    """
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            torch.save(state, file)  # a name would be written into it
    except RuntimeError as error:  # torch's own, as of a full disk
        raise OutputError(f"{path}: cannot be written ({error})") from error


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state in a checkpoint of :func:`save_checkpoint`, or None where there is none.

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


class RunDir:
    """Writes metrics and sheets of one run, and keeps its time; only the first process writes."""

    def __init__(self, fabric: Fabric, folder: Path, total_samples: int) -> None:
        self.fabric, self.folder = fabric, folder
        self._started = self._began = self._saved = self._sheet = time.monotonic()
        self._first: int | None = None
        self._bar = Progress(
            *Progress.get_default_columns()[:-1], TimeRemainingColumn(),
            TextColumn("{task.fields[rate]:.1f} images/s"), disable=not fabric.is_global_zero,
        )  # fmt: skip
        self._task = self._bar.add_task("training", total=total_samples, rate=math.nan)

    def __enter__(self) -> "RunDir":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        self.fabric.logger.finalize("success")

    def progress(self, samples: int) -> float:
        """Move the bar; images per second since this process began."""
        if self._first is None:
            self._first, self._began = samples, time.monotonic()
        spent = time.monotonic() - self._began
        rate = (samples - self._first) / spent if spent else 0.0
        self._bar.update(self._task, completed=samples, rate=rate)
        return rate

    def is_late(self, minutes: float) -> bool:
        """Whether this process has run for so long; the first process's clock counts for all."""
        return bool(self.fabric.broadcast(time.monotonic() - self._started > 60 * minutes))

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

    def log(self, samples: int, metrics: Mapping[str, Tensor | float]) -> None:
        """Append a line of metrics, here and for TensorBoard."""
        if not self.fabric.is_global_zero:
            return
        numbers = {n: v.item() if isinstance(v, Tensor) else v for n, v in metrics.items()}
        line = {"samples": samples} | {name: round(value, 5) for name, value in numbers.items()}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be written ({error.strerror})") from error
        self.fabric.log_dict(numbers, step=samples)

    def sheet(self, samples: int, columns: list[Tensor]) -> None:
        """Write pictures (N, 3, S, S) in [-1, 1], a row for each of the N."""
        if not self.fabric.is_global_zero:
            return
        pixels = pixels_of(torch.cat([torch.cat(list(column), 1) for column in columns], 2))
        images.write(self.folder / "sheets" / f"{samples:09d}.png", images.Picture(pixels))
        board = cast(TensorBoardLogger, self.fabric.logger)
        board.experiment.add_image("sheet", pixels, samples, dataformats="HWC")


def pixels_of(picture: Tensor) -> Image:
    """A drawn picture (3, H, W) in [-1, 1] as (H, W, 3) uint8."""
    scaled = ((picture.clamp(-1, 1) + 1) * 127.5).round().byte()
    return np.ascontiguousarray(scaled.permute(1, 2, 0).cpu().numpy())
