"""Processes and devices of a run."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from lightning.fabric import Fabric
from lightning.fabric.loggers.tensorboard import TensorBoardLogger

from ..errors import OptionError


def open_fabric(
    folder: Path, accelerator: str, devices: int | list[int], nodes: int, precision: str
) -> Fabric:
    """Processes, devices and precision of a run, launched.

    Args:
        folder: Of the run; TensorBoard's events go there.
        accelerator: ``"cpu"``, ``"cuda"`` or ``"auto"``.
        devices: How many on each node, or which.
        nodes: How many.
        precision: Lightning's name of it.

    Raises:
        OptionError: The machine has no such devices.
    """
    with _missing_devices_told():
        return _launched(folder, accelerator, devices, nodes, precision)


def open_one_device(accelerator: str, precision: str) -> Fabric:
    """One device that leaves nothing on disk.

    Args:
        accelerator: ``"cpu"``, ``"cuda"`` or ``"auto"``.
        precision: Lightning's name of it.

    Raises:
        OptionError: The machine has no such device.
    """
    with _missing_devices_told():
        return Fabric(accelerator=accelerator, devices=1, precision=precision)  # type: ignore[arg-type]


@contextmanager
def _missing_devices_told() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError) as error:  # Lightning's, on devices that are not there
        reason = str(error).strip().splitlines()[0]
        raise OptionError(f"no such devices: {reason}; try --accelerator cpu") from error


def _launched(
    folder: Path, accelerator: str, devices: int | list[int], nodes: int, precision: str
) -> Fabric:
    several = (len(devices) if isinstance(devices, list) else devices) * nodes > 1
    fabric = Fabric(
        accelerator=accelerator, devices=devices, num_nodes=nodes,
        strategy="ddp" if several else "auto", precision=precision,  # type: ignore[arg-type]
        loggers=TensorBoardLogger(folder, name="", version=""),
    )  # fmt: skip
    fabric.launch()
    return fabric


def average_gradients(fabric: Fabric, parameters: Iterable[torch.nn.Parameter]) -> None:
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
