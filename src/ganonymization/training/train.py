"""The training loop of the default generator, resumable exactly."""

import dataclasses
import itertools
import math
import time
from pathlib import Path

from ..io import images
from .config import Stage, TrainingConfig, write_config
from .devices import open_fabric, open_one_device
from .losses import unpack
from .run import Run
from .run_dir import README, RunFolder


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

    Args:
        config: The settings.
        out: The run's folder.
        accelerator: ``"cpu"``, ``"cuda"`` or ``"auto"``.
        devices: On each node.
        nodes: How many.
        minutes: Stop after this long; the next call goes on.

    Raises:
        InputError: The data are no prepared folders.
        ModelError: ``out`` holds the checkpoint of another network.
        OutputError: The checkpoint cannot be written.
    """
    images.write_whole(out / "README.txt", lambda file: file.write(README.encode()))
    fabric = open_fabric(out, accelerator, devices, nodes, config.precision)
    run, checkpoint = Run(fabric, config), out / "checkpoint.pt"
    run.restore(checkpoint)
    total = sum(stage.samples for stage in config.stages)
    if fabric.is_global_zero:
        write_config(config, out / "config.toml")
    with RunFolder(fabric, out, total) as folder:
        begin = 0
        for number, stage in enumerate(config.stages):
            if not _train_stage(run, folder, checkpoint, number, begin, minutes):
                break
            begin += stage.samples
    return checkpoint


def rehearse(config: TrainingConfig, accelerator: str = "auto") -> list[tuple[Stage, float]]:
    """The second step of every stage, in memory: its seconds beside it. Nothing is written.

    Args:
        config: The settings.
        accelerator: ``"cpu"``, ``"cuda"`` or ``"auto"``.

    Raises:
        InputError: The data are no prepared folders.
        OptionError: The machine has no such device.
    """
    fabric = open_one_device(accelerator, config.precision)
    run = Run(fabric, dataclasses.replace(config, workers=0))
    timed = []
    for stage in config.stages:
        batches = run.batches(run.faces(stage), 0, stage.batch)
        for batch in itertools.islice(batches, 2):
            start = time.monotonic()
            for value in run.step(batch, stage, stage.head_start).values():
                float(value)  # waits for the device
        timed.append((stage, time.monotonic() - start))
    return timed


def _train_stage(
    run: Run, folder: RunFolder, checkpoint: Path, number: int, begin: int, minutes: float
) -> bool:
    """Train until the stage has seen its samples or the time is over; whether to go on."""
    config, stage = run.config, run.config.stages[number]
    faces = run.faces(stage)
    seen = stage.batch * run.fabric.world_size
    if run.samples >= begin + stage.samples:
        return True
    for batch in run.batches(faces, run.samples, stage.batch):
        step = (run.samples - begin) // seen
        if run.samples == 0:
            run.calibrate(unpack(batch)["picture"])
        parts = run.step(batch, stage, step)
        rate = folder.progress(run.samples)
        if step % config.log_every == 0:
            numbers = {name: float(value) for name, value in parts.items()}
            folder.log(run.samples, {"stage": number, "images_per_s": rate} | numbers)
        done = run.samples >= begin + stage.samples
        late = bool(run.fabric.broadcast(folder.minutes() > minutes))  # one clock for all
        save_due, sheet_due = folder.due(config.save_every_s, config.sheet_every_s)
        if sheet_due or done or late:
            run.draw_sheet(folder, faces)
        if save_due or done or late:
            run.save(checkpoint)
        if done or late:
            return done
    return True
