import time
from dataclasses import replace

import pytest
import torch
from lightning.fabric import Fabric

from ganonymization.errors import ModelError
from ganonymization.training import run as training_run
from ganonymization.training.losses import generator_loss, unpack
from ganonymization.training.run import Run

from .conftest import STAGES


@pytest.mark.parametrize(
    ("steps", "batch", "left"), [(24, 4, 0.98), pytest.param(40, 8, 0.92, marks=pytest.mark.slow)]
)
def test_optimisation_steps_lower_the_reconstruction(config, steps, batch, left):
    """On one batch: the picture comes closer."""
    run = Run(Fabric(accelerator="cpu", devices=1), config)
    x = unpack(next(run.batches(run.faces(STAGES[0]), 0, batch, batch)))
    run.nets.features.calibrate(x["picture"])
    optimizer = torch.optim.Adam(run.nets.painters(), 1e-3)
    found = []
    for _ in range(steps):
        loss = generator_loss(run.nets, x, config, 0.1, foreign_styles=True)
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        found.append(float(loss.parts["l1"]))
    # Styles are drawn anew in every step: means, for one step's loss is noisy.
    assert sum(found[-6:]) < left * sum(found[:6])


def test_a_loss_leaves_the_bank_of_styles_to_the_step(config):
    run = Run(Fabric(accelerator="cpu", devices=1), config)
    batch = next(run.batches(run.faces(STAGES[0]), 0, 4, 4))
    loss = generator_loss(run.nets, unpack(batch), config, 0.1, foreign_styles=True)
    portraits = int(batch["portrait"].sum())
    assert loss.styles.shape == (portraits, 16)
    assert int(run.nets.styles.seen) == 0
    run.step(batch, STAGES[0], 0)
    assert int(run.nets.styles.seen) == portraits


class Stuck(torch.utils.data.Dataset):
    """Never gives its sample."""

    def __getitem__(self, index):
        time.sleep(60)


def test_a_loader_that_locks_up_ends_the_run(config, monkeypatch):
    monkeypatch.setattr(training_run, "_PATIENCE_S", 1.0)
    run = Run(Fabric(accelerator="cpu", devices=1), replace(config, workers=1))
    with pytest.raises(ModelError, match="goes on from the last checkpoint"):
        next(run.batches(Stuck(), 0, 2, 2))


class TwoDevices:
    """A fabric whose other device has the same sum, or another."""

    world_size = 2

    def __init__(self, other: float) -> None:
        self.other = other

    def all_reduce(self, tensor, reduce_op):
        assert reduce_op == "max"
        return torch.maximum(tensor, tensor + self.other)


def test_replicas_that_drift_apart_are_not_saved(config):
    run = Run(Fabric(accelerator="cpu", devices=1), config)
    run.fabric = TwoDevices(0.0)
    run._check_replicas()
    run.fabric = TwoDevices(1e-3)
    with pytest.raises(ModelError, match="differ"):
        run._check_replicas()
