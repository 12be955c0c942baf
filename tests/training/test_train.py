import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from ganonymization.errors import InputError, ModelError, OptionError
from ganonymization.training import config as settings
from ganonymization.training.config import Stage
from ganonymization.training.losses import Networks
from ganonymization.training.train import rehearse, train

from .conftest import STAGES


def state_of(path):
    return torch.load(path, weights_only=True)


def assert_same(a, b, where=""):
    """Two checkpoints, to the bit."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}.{i}")
    elif isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    else:
        assert a == b, where


def test_a_run_changes_every_network_but_the_frozen_features(checkpoint):
    state = state_of(checkpoint)
    assert state["samples"] == 16
    torch.manual_seed(0)
    fresh = Networks().state_dict()
    for room in ("generator", "encoder", "discriminator", "average"):
        names = [k for k in fresh if k.startswith(f"{room}.")]
        changed = [not torch.equal(state["nets"][k], fresh[k]) for k in names]
        assert sum(changed) > 0.8 * len(changed), room
    frozen = [k for k in fresh if k.startswith("features.layers")]
    assert all(torch.equal(state["nets"][k], fresh[k]) for k in frozen)


def test_a_run_explains_itself(checkpoint, config):
    folder = checkpoint.parent
    assert settings.read_config(folder / "config.toml") == config
    assert "checkpoint.pt" in (folder / "README.txt").read_text()
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["samples"] for line in lines if "l1" in line] == [4, 8, 12, 14, 16]
    assert {"images_per_s", "perceptual", "landmarks", "discriminator"} <= lines[-1].keys()
    assert len(list((folder / "sheets").glob("*.png"))) == 2
    assert list(folder.glob("events.out.*"))
    assert not list(folder.glob("*.part"))


def test_going_on_is_the_same_as_never_having_stopped(checkpoint, config, tmp_path):
    whole = train(config, tmp_path / "whole", accelerator="cpu")
    assert_same(state_of(whole), state_of(checkpoint))


CHILD = """
import sys
from pathlib import Path
from ganonymization.training.config import read_config
from ganonymization.training.train import train
train(read_config(Path(sys.argv[1])), Path(sys.argv[2]), accelerator="cpu")
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_exactly(config, tmp_path):
    """SIGKILL between two checkpoints; what was lost is done again, bit for bit the same."""
    stage = Stage(size_px=64, batch=2, samples=40, head_start=0)
    longer = replace(config, stages=(stage,), save_every_s=0.0, workers=1)
    settings.write_config(longer, tmp_path / "c.toml")
    out = tmp_path / "killed"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, tmp_path / "c.toml", out], start_new_session=True
    )
    checkpoint = out / "checkpoint.pt"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and child.poll() is None:
        if checkpoint.exists() and state_of(checkpoint)["samples"] >= 6:
            break
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    stopped = state_of(checkpoint)["samples"]
    assert 6 <= stopped < 40
    for folder in (out, tmp_path / "whole"):  # forked workers want a fresh process
        answer = subprocess.run(
            [sys.executable, "-c", CHILD, tmp_path / "c.toml", folder],
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert answer.returncode == 0, answer.stderr
    assert_same(state_of(checkpoint), state_of(tmp_path / "whole" / "checkpoint.pt"))


@pytest.mark.slow
def test_two_processes_train_one_network(config, tmp_path):
    """Gloo on the CPU; a run whose replicas drift apart stops itself."""
    one = replace(config, stages=(replace(STAGES[0], batch=2, samples=12),))
    settings.write_config(one, tmp_path / "c.toml")
    child = "from ganonymization.cli import main; main()"
    (tmp_path / "child.py").write_text(child)
    answer = subprocess.run(
        [sys.executable, tmp_path / "child.py", "train", tmp_path / "c.toml", tmp_path / "run",
         "--accelerator", "cpu", "--devices", "2", "--debug"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert "distributed_backend=gloo" in answer.stderr
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    samples = [json.loads(line)["samples"] for line in lines if "l1" in line]
    assert samples == [4, 8, 12]
    assert state_of(tmp_path / "run" / "checkpoint.pt")["samples"] == 12


def test_a_rehearsal_writes_nothing(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    timed = rehearse(config, "cpu")
    assert [stage for stage, _ in timed] == list(STAGES)
    assert all(seconds > 0 for _, seconds in timed)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is such a device")
def test_missing_devices_are_told(config, tmp_path):
    for start in (
        lambda: rehearse(config, "cuda"),
        lambda: train(config, tmp_path, accelerator="cuda"),
    ):
        with pytest.raises(OptionError, match="no such devices"):
            start()


def test_a_minute_limit_stops_and_saves(config, tmp_path):
    path = train(config, tmp_path, accelerator="cpu", minutes=0)
    assert state_of(path)["samples"] == 4


def test_folders_that_are_not_prepared_are_refused(config, tmp_path):
    for data in ((), (str(tmp_path),)):
        with pytest.raises(InputError, match="ganonymize prepare"):
            train(replace(config, data=data), tmp_path / "run", accelerator="cpu")


def test_a_checkpoint_of_another_network_is_refused(config, tmp_path):
    for content in ({"nets": {}}, {"nets": {"x": torch.zeros(1)}}):
        torch.save(content, tmp_path / "checkpoint.pt")
        with pytest.raises(ModelError, match="another network"):
            train(config, tmp_path, accelerator="cpu")
    (tmp_path / "checkpoint.pt").write_text("hello")
    with pytest.raises(ModelError, match="not a checkpoint"):
        train(config, tmp_path, accelerator="cpu")
