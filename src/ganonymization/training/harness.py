"""The loop that every training here runs in: steps, metrics, sheets, checkpoints, a time limit."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from .run_dir import RunDir

Batch = TypeVar("Batch")
Metrics = Mapping[str, Tensor | float]


@dataclass(frozen=True)
class Intervals:
    """How often a run reports and saves.

    Attributes:
        log_steps: Steps between lines of metrics.
        save_s: Seconds between checkpoints.
        save_steps: Steps between checkpoints; 0 for none but by time.
        sheet_s: Seconds between picture sheets.
    """

    log_steps: int
    save_s: float = math.inf
    save_steps: int = 0
    sheet_s: float = math.inf


def fit(
    step: Callable[[Batch], tuple[int, Metrics]],
    batches: Iterable[Batch],
    run_dir: RunDir,
    intervals: Intervals,
    *,
    save: Callable[[], None],
    draw: Callable[[], None] = lambda: None,
    first_step: int = 0,
    minutes: float = math.inf,
) -> bool:
    """Step through batches; at their end, or when the time is over, draw and save once more.

    Args:
        step: Learns from a batch; gives the samples of the whole run so far, and metrics.
        batches: What is left of the run.
        run_dir: Keeps the metrics and the time.
        intervals: Of logging, saving and drawing.
        save: Writes a checkpoint.
        draw: Writes a picture sheet.
        first_step: Number of the first step here; those divisible by ``log_steps`` are logged.
        minutes: After this long, counted from the opening of ``run_dir``, no step begins.

    Returns:
        Whether all batches were seen.
    """
    saved = drawn = True
    late = False
    for number, batch in enumerate(batches, first_step):
        samples, metrics = step(batch)
        images_per_s = run_dir.progress(samples)
        if number % intervals.log_steps == 0:
            run_dir.log(samples, {"images_per_s": images_per_s, **metrics})
        late = run_dir.is_late(minutes)
        saved, drawn = run_dir.due(intervals.save_s, intervals.sheet_s)
        saved |= intervals.save_steps > 0 and number % intervals.save_steps == 0
        if drawn:
            draw()
        if saved:
            save()
        if late:
            break
    if not drawn:
        draw()
    if not saved:
        save()
    return not late


def reason_of(error: Exception) -> str:
    """The message of an error; that of a loader's process carries its whole traceback."""
    text = str(error).strip()
    return text.splitlines()[-1].partition(": ")[2] if "Traceback" in text else text
