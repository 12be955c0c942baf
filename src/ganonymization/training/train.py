"""The training loop of the default generator, resumable exactly."""

import dataclasses
import itertools
import math
import time
from pathlib import Path

from torch import Tensor

from ..io.text import write_text
from .config import Stage, TrainingConfig, write_config
from .devices import open_fabric
from .harness import Intervals, fit
from .losses import Batch, unpack
from .run import Run
from .run_dir import RunDir

README = """A training run.

config.toml     every setting of the run
checkpoint.pt   networks, optimizers and progress; the same command again goes on from here
metrics.jsonl   one JSON object a line: stage, samples, images per second, each part of the loss
sheets/         drawn samples; each row: condition, picture, drawn in its own style, in two foreign
events.out.*    the same numbers and sheets for TensorBoard
"""


def train(
    config: TrainingConfig,
    out: Path,
    *,
    accelerator: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    minutes: float = math.inf,
) -> Path:
    """Train, or go on where the checkpoint in ``out`` stopped, and return its path.

    ``accelerator`` is ``"cpu"``, ``"cuda"`` or ``"auto"``; ``devices`` counts those of each node.
    After so many minutes it stops; the next call goes on.

    Raises:
        InputError: The data are no prepared folders.
        ModelError: ``out`` holds the checkpoint of another network.
        OptionError: The machine has no such devices.
        OutputError: The checkpoint cannot be written.
    """
    write_text(out / "README.txt", README)
    fabric = open_fabric(accelerator, config.precision, devices, nodes, out)
    run, checkpoint = Run(fabric, config), out / "checkpoint.pt"
    run.restore(checkpoint)
    if fabric.is_global_zero:
        write_config(config, out / "config.toml")
    ends = list(itertools.accumulate(stage.samples for stage in config.stages))
    with RunDir(fabric, out, ends[-1]) as run_dir:
        for number, end in enumerate(ends):
            if run.samples < end and not _train_stage(
                run, run_dir, checkpoint, number, end, minutes
            ):
                break
    return checkpoint


def _train_stage(
    run: Run, run_dir: RunDir, checkpoint: Path, number: int, end: int, minutes: float
) -> bool:
    """Train until the run has seen the stage's samples or the time is over; whether to go on."""
    config, stage = run.config, run.config.stages[number]
    faces, begin = run.faces(stage), end - stage.samples
    count = stage.batch * run.fabric.world_size

    def step(batch: Batch) -> tuple[int, dict[str, Tensor | float]]:
        if run.samples == 0:
            run.calibrate(unpack(batch)["picture"])
        losses = run.step(batch, stage, (run.samples - begin) // count)
        return run.samples, {"stage": number, **losses}

    return fit(
        step, run.batches(faces, run.samples, end, stage.batch), run_dir,
        Intervals(config.log_every, save_s=config.save_every_s, sheet_s=config.sheet_every_s),
        save=lambda: run.save(checkpoint), draw=lambda: run.draw_sheet(run_dir, faces),
        first_step=(run.samples - begin) // count, minutes=minutes,
    )  # fmt: skip


def rehearse(config: TrainingConfig, accelerator: str = "auto") -> list[tuple[Stage, float]]:
    """The second step of every stage, in memory: its seconds beside it. Nothing is written.

    Raises:
        InputError: The data are no prepared folders.
        OptionError: The machine has no such device.
    """
    run = Run(open_fabric(accelerator, config.precision), dataclasses.replace(config, workers=0))
    timed = []
    for stage in config.stages:
        for batch in run.batches(run.faces(stage), 0, 2 * stage.batch, stage.batch):
            start = time.monotonic()
            for value in run.step(batch, stage, stage.head_start).values():
                float(value)  # waits for the device
        timed.append((stage, time.monotonic() - start))
    return timed
