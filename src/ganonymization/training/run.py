"""A run on one process: networks, optimizers, how far it is, and one step of it."""

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from ..errors import ModelError, OutputError
from .config import Stage, TrainingConfig
from .data import Batches, PreparedFaces
from .devices import descend
from .from_onnx import load_exported
from .losses import Batch, Networks, discriminator_loss, generator_loss, unpack
from .run_dir import RunDir, read_checkpoint, save_checkpoint

_RESTORED = ("nets", "optimizer_g", "optimizer_d")
_ADAM = (0.5, 0.99)
_SHEET_ROWS = 6
_FIRST_OF_SHEET = 1 << 40  # beyond any sample of a run
_PATIENCE_S = 300.0  # with a loader's process that gives nothing: forked ones can lock up
_FLOOR = 0.1  # of a stage's learning rate, at its end


class Run:
    """A run on this process: its networks and optimizers, and the samples seen over all devices."""

    def __init__(self, fabric: Fabric, config: TrainingConfig) -> None:
        self.fabric, self.config = fabric, config
        torch.manual_seed(config.seed)
        nets = Networks().to(fabric.device)
        if config.start_from:
            load_exported(nets.generator, config.start_from)
            nets.average.load_state_dict(nets.generator.state_dict())
        self.nets = nets.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer_g = torch.optim.Adam(self.nets.painters(), 1e-3, _ADAM)
        self.optimizer_d = torch.optim.Adam(self.nets.discriminator.parameters(), 1e-3, _ADAM)
        self.samples = 0

    def restore(self, checkpoint: Path) -> None:
        """Go on where a checkpoint stopped, if there is one.

        Raises:
            ModelError: The file is none, or of another network.
        """
        state = read_checkpoint(checkpoint)
        if state is None:
            return
        try:
            for name in _RESTORED:
                getattr(self, name).load_state_dict(state[name])
            self.samples = state["samples"]
        except (KeyError, RuntimeError, ValueError) as error:
            raise ModelError(
                f"{checkpoint}: of another network or version; name another run folder"
            ) from error

    def save(self, checkpoint: Path) -> None:
        """Write the checkpoint; its bank of styles is the first device's.

        Raises:
            OutputError: It cannot be written.
        """
        self._check_replicas()
        failed = ""
        if self.fabric.is_global_zero:
            state = {name: getattr(self, name).state_dict() for name in _RESTORED}
            try:
                save_checkpoint(checkpoint, state | {"samples": self.samples})
            except OutputError as error:
                failed = str(error)
        failed = self.fabric.broadcast(failed)  # all stop, rather than wait for the first
        if failed:
            raise OutputError(failed)

    def _check_replicas(self) -> None:
        """Refuse to save networks that have drifted apart."""
        if self.fabric.world_size == 1:
            return
        moved = [*self.nets.painters(), *self.nets.discriminator.parameters()]
        total = torch.stack([p.detach().double().sum() for p in moved]).sum()
        largest = self.fabric.all_reduce(total.clone(), reduce_op="max")
        smallest = -self.fabric.all_reduce(-total, reduce_op="max")  # type: ignore[operator]
        if largest != smallest:
            raise ModelError("the devices' networks differ; start again from the last checkpoint")

    def faces(self, stage: Stage) -> PreparedFaces:
        """The samples of a stage."""
        c = self.config
        folders = [Path(folder) for folder in c.data]
        return PreparedFaces(folders, stage.size_px, c.portrait_share, c.jitter_eyes, c.seed)

    def batches(self, faces: Dataset[Batch], first: int, end: int, batch: int) -> Iterator[Batch]:
        """This device's share of the samples from ``first`` on to before ``end``.

        Raises:
            ModelError: A process that loads pictures has died or locked up; go on from the last
                checkpoint.
        """
        workers = self.config.workers
        loader = DataLoader(
            faces,
            batch_sampler=Batches(
                first, end, batch, self.fabric.global_rank, self.fabric.world_size
            ),
            num_workers=workers,
            pin_memory=self.fabric.device.type == "cuda",
            prefetch_factor=4 if workers else None,
            timeout=_PATIENCE_S if workers else 0,
        )
        try:
            for loaded in loader:
                yield {
                    name: layer.to(self.fabric.device, non_blocking=True)
                    for name, layer in loaded.items()
                }
        except RuntimeError as error:
            if not str(error).startswith("DataLoader"):
                raise
            raise ModelError(
                "a process that loads pictures gave nothing; "
                "the same call goes on from the last checkpoint"
            ) from error

    def calibrate(self, pictures: Tensor) -> None:
        """Scale the frozen features by the run's first pictures, alike on all devices."""
        self.nets.features.calibrate(pictures)
        for deviation in self.nets.features.buffers():
            if self.fabric.world_size > 1 and deviation.is_floating_point():
                deviation.copy_(self.fabric.all_reduce(deviation, reduce_op="mean"))

    def step(self, batch: Batch, stage: Stage, step: int) -> dict[str, Tensor]:
        """One step of both networks, the stage's ``step``-th; the parts of the losses come back."""
        count = stage.batch * self.fabric.world_size
        self._set_rates(stage, step * count / stage.samples)
        nets, x = self.nets, unpack(batch)
        # the noise of a step depends on the seed, the samples seen and the device alone
        torch.manual_seed(hash((self.config.seed, self.samples, self.fabric.global_rank)))
        nets.discriminator.requires_grad_(False)
        with self.fabric.autocast():
            loss, parts, judged, styles = generator_loss(
                nets, x, self.config, stage.weight_gan, stage.foreign_styles
            )
        nets.styles.follow(styles)
        warm = step * count >= stage.head_start
        nets.generator.requires_grad_(warm)
        moved = nets.painters() if warm else list(nets.encoder.parameters())
        descend(self.fabric, loss, self.optimizer_g, moved)
        nets.discriminator.requires_grad_(True)
        with self.fabric.autocast():
            loss_d = discriminator_loss(nets, judged)
        descend(self.fabric, loss_d, self.optimizer_d, list(nets.discriminator.parameters()))
        nets.follow(count, step, stage.average_samples)
        self.samples += count
        return parts | {"discriminator": loss_d.detach()}

    def _set_rates(self, stage: Stage, progress: float) -> None:
        """Half a cosine down to a tenth; ``progress`` of the stage is 0 to 1."""
        falling = _FLOOR + (1 - _FLOOR) * (1 + math.cos(math.pi * progress)) / 2
        for optimizer, rate in (
            (self.optimizer_g, stage.learning_rate),
            (self.optimizer_d, stage.discriminator_rate),
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate * falling

    @torch.no_grad()
    def draw_sheet(self, run_dir: RunDir, faces: PreparedFaces) -> None:
        """Fixed samples: condition, picture, redrawn in its own style, and in two foreign ones."""
        loaded = default_collate([faces[_FIRST_OF_SHEET + i] for i in range(_SHEET_ROWS)])
        x = unpack({name: layer.to(self.fabric.device) for name, layer in loaded.items()})
        mean, _ = self.nets.encoder(x["picture"] * x["opacity"])
        columns = [x["condition"], x["picture"]]
        for number in range(3):
            drawn = self.nets.average(x["input"], mean.roll(number, 0))
            columns.append(drawn * x["opacity"] + x["picture"] * (1 - x["opacity"]))
        run_dir.sheet(self.samples, columns)
