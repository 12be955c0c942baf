import json
import math

import pytest

from ganonymization.training.devices import open_fabric
from ganonymization.training.harness import Intervals, fit
from ganonymization.training.run_dir import RunDir

EVERY_STEP = Intervals(log_steps=1)


@pytest.fixture
def run(tmp_path):
    """Runs ``fit`` on some batches and tells what happened after which of them."""

    def run(batches, intervals=EVERY_STEP, **options):
        done = []

        def step(batch):
            done.append(batch)
            return 2 * len(done), {"loss": batch / 10}

        def happened(what):
            return lambda: done.append(what)

        fabric = open_fabric("cpu", folder=tmp_path)
        with RunDir(fabric, tmp_path, 10) as run_dir:
            ended = fit(step, batches, run_dir, intervals, save=happened("save"),
                        draw=happened("draw"), **options)  # fmt: skip
        return ended, done

    return run


def metrics(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_the_end_is_drawn_and_saved_once(run):
    assert run([1, 2, 3]) == (True, [1, 2, 3, "draw", "save"])
    assert run([1, 2], Intervals(1, save_s=-1.0, sheet_s=-1.0)) == (
        True, [1, "draw", "save", 2, "draw", "save"]
    )  # fmt: skip


def test_a_run_that_is_over_writes_nothing(run, tmp_path):
    assert run([]) == (True, [])
    assert not (tmp_path / "metrics.jsonl").exists()


def test_the_time_limit_stops_after_a_step_and_saves(run):
    assert run([1, 2, 3], minutes=0) == (False, [1, "draw", "save"])


def test_checkpoints_are_counted_in_steps_of_the_run(run):
    intervals = Intervals(log_steps=1, save_steps=2)
    assert run([1, 2, 3], intervals, first_step=4) == (
        True, [1, "save", 2, 3, "save", "draw"]
    )  # fmt: skip


def test_lines_are_logged_by_the_number_of_the_step(run, tmp_path):
    run([1, 2, 3, 4], Intervals(log_steps=3), first_step=2)
    (line,) = metrics(tmp_path)
    assert (line["samples"], line["loss"]) == (4, 0.2)
    assert math.isfinite(line["images_per_s"])
