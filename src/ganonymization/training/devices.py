"""Processes and devices of a run."""

from collections.abc import Sequence
from pathlib import Path

import torch
from lightning.fabric import Fabric
from lightning.fabric.loggers.tensorboard import TensorBoardLogger
from torch import Tensor

from ..errors import OptionError


def open_fabric(
    accelerator: str,
    precision: str = "32-true",
    devices: int | list[int] = 1,
    nodes: int = 1,
    folder: Path | None = None,
) -> Fabric:
    """Processes, devices and precision of a run, launched.

    Args:
        accelerator: ``"cpu"``, ``"cuda"`` or ``"auto"``.
        precision: Lightning's name of it.
        devices: How many on each node, or which.
        nodes: How many.
        folder: For TensorBoard's events; None leaves nothing on disk.

    Raises:
        OptionError: The machine has no such devices.
    """
    several = (len(devices) if isinstance(devices, list) else devices) * nodes > 1
    try:
        fabric = Fabric(
            accelerator=accelerator, devices=devices, num_nodes=nodes,
            strategy="ddp" if several else "auto", precision=precision,  # type: ignore[arg-type]
            loggers=None if folder is None else TensorBoardLogger(folder, name="", version=""),
        )  # fmt: skip
        fabric.launch()
    except (RuntimeError, ValueError) as error:  # Lightning's, on devices that are not there
        reason = str(error).strip().splitlines()[0]
        raise OptionError(f"no such devices: {reason}", "try the `accelerator` cpu") from error
    return fabric


def descend(
    fabric: Fabric,
    loss: Tensor,
    optimizer: torch.optim.Optimizer,
    moved: Sequence[torch.nn.Parameter],
) -> None:
    """A step of an optimizer down the mean gradient of all devices."""
    optimizer.zero_grad()
    fabric.backward(loss)
    average_gradients(fabric, moved)
    optimizer.step()


def average_gradients(fabric: Fabric, parameters: Sequence[torch.nn.Parameter]) -> None:
    """Give every device the mean gradient.

    Distributed data parallelism by one reduction after the backward pass: the two networks of a GAN
    pass gradients through each other, for which one wrapper per network is not made.
    """
    if fabric.world_size == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    flat = fabric.all_reduce(flat, reduce_op="mean")  # type: ignore[assignment]
    means = torch.split(flat, [g.numel() for g in gradients])
    for gradient, mean in zip(gradients, means, strict=True):
        gradient.copy_(mean.view_as(gradient))
