"""A run on one process: networks, optimizers, how far it is, and one step of it."""

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..errors import ModelError, OutputError
from .config import Stage, TrainingConfig
from .data import Batches, PreparedFaces
from .devices import average_gradients
from .from_onnx import load_exported
from .losses import Batch, Networks, discriminator_loss, generator_loss, unpack
from .run_dir import RunFolder, load, save

_ADAM = (0.5, 0.99)
_SHEET_ROWS = 6
_FIRST_OF_SHEET = 1 << 40  # beyond any sample of a run
_FLOOR = 0.1  # of a stage's learning rate, at its end


class Run:
    """A run on this process: its networks and optimizers, and how far it is.

    Attributes:
        samples: That the generator has seen, over all devices and stages.
    """

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

    def state(self) -> dict[str, object]:
        """All that a later process needs to go on as if nothing had happened."""
        return {
            "nets": self.nets.state_dict(),
            "optimizer_g": self.optimizer_g.state_dict(),
            "optimizer_d": self.optimizer_d.state_dict(),
            "samples": self.samples,
        }

    def restore(self, checkpoint: Path) -> None:
        """Go on where a checkpoint stopped, if there is one.

        Raises:
            ModelError: The file is none, or of another network.
        """
        state = load(checkpoint)
        if state is None:
            return
        try:
            self.nets.load_state_dict(state["nets"])
            for name in ("optimizer_g", "optimizer_d"):
                getattr(self, name).load_state_dict(state[name])
            self.samples = state["samples"]
        except (KeyError, RuntimeError, ValueError) as error:
            raise ModelError(
                f"{checkpoint}: of another network or version; name another run folder"
            ) from error

    def faces(self, stage: Stage) -> PreparedFaces:
        """The samples of a stage."""
        c = self.config
        folders = [Path(folder) for folder in c.data]
        return PreparedFaces(folders, stage.size_px, c.portrait_share, c.jitter_eyes, c.seed)

    def batches(self, faces: Dataset[Batch], first_sample: int, batch: int) -> Iterator[Batch]:
        """This device's share of the samples from the first unseen one on."""
        workers = self.config.workers
        loader = DataLoader(
            faces,
            batch_sampler=Batches(
                first_sample, batch, self.fabric.global_rank, self.fabric.world_size
            ),
            num_workers=workers,
            pin_memory=self.fabric.device.type == "cuda",
            prefetch_factor=4 if workers else None,
        )
        for loaded in loader:
            yield {
                name: layer.to(self.fabric.device, non_blocking=True)
                for name, layer in loaded.items()
            }

    def calibrate(self, pictures: Tensor) -> None:
        """Scale the frozen features by the run's first pictures, alike on all devices."""
        self.nets.features.calibrate(pictures)
        for deviation in self.nets.features.buffers():
            self._average(deviation)

    def _average(self, statistic: Tensor) -> None:
        if self.fabric.world_size > 1 and statistic.is_floating_point():
            statistic.copy_(self.fabric.all_reduce(statistic, reduce_op="mean"))  # type: ignore[arg-type]

    def seed_step(self) -> None:
        """Make the noise of a step depend on the seed, the samples seen and the device alone."""
        torch.manual_seed(hash((self.config.seed, self.samples, self.fabric.global_rank)))

    def step(self, batch: Batch, stage: Stage, step: int) -> dict[str, Tensor]:
        """One step of both networks; the parts of the losses come back.

        Args:
            batch: As the loader gives it.
            stage: The current one.
            step: Of the stage.
        """
        seen = stage.batch * self.fabric.world_size
        falling = _FLOOR + (1 - _FLOOR) * (1 + math.cos(math.pi * step * seen / stage.samples)) / 2
        for optimizer, rate in (
            (self.optimizer_g, stage.learning_rate),
            (self.optimizer_d, stage.discriminator_rate),
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate * falling
        nets, x = self.nets, unpack(batch)
        encoder = list(nets.encoder.parameters())
        self.seed_step()
        nets.discriminator.requires_grad_(False)
        with self.fabric.autocast():
            loss, judged, parts = generator_loss(
                nets, x, self.config, stage.weight_gan, stage.foreign_styles
            )
        warm = step * seen >= stage.head_start
        nets.generator.requires_grad_(warm)
        self._descend(loss, self.optimizer_g, nets.painters() if warm else encoder)
        nets.discriminator.requires_grad_(True)
        with self.fabric.autocast():
            loss_d = discriminator_loss(nets, judged)
        self._descend(loss_d, self.optimizer_d, list(nets.discriminator.parameters()))
        nets.follow(seen, step, stage.average_samples)
        self.samples += seen
        return parts | {"discriminator": loss_d.detach()}

    def _descend(
        self, loss: Tensor, optimizer: torch.optim.Optimizer, moved: list[torch.nn.Parameter]
    ) -> None:
        optimizer.zero_grad()
        self.fabric.backward(loss)
        average_gradients(self.fabric, moved)
        optimizer.step()

    def save(self, checkpoint: Path) -> None:
        """Write the checkpoint; its bank of styles is the first device's.

        Raises:
            OutputError: It cannot be written.
        """
        self._check_replicas()
        failed = ""
        if self.fabric.is_global_zero:
            try:
                save(checkpoint, self.state())
            except OutputError as error:
                failed = str(error)
        failed = self.fabric.broadcast(failed)  # all stop, rather than wait for the first
        if failed:
            raise OutputError(failed)

    def _check_replicas(self) -> None:
        """Refuse to save networks that have drifted apart.

        Raises:
            ModelError: They have; some device did not take part in a step.
        """
        if self.fabric.world_size == 1:
            return
        moved = [*self.nets.painters(), *self.nets.discriminator.parameters()]
        total = torch.stack([p.detach().double().sum() for p in moved]).sum()
        largest = self.fabric.all_reduce(total.clone(), reduce_op="max")
        smallest = -self.fabric.all_reduce(-total, reduce_op="max")  # type: ignore[operator]
        if largest != smallest:
            raise ModelError("the devices' networks differ; start again from the last checkpoint")

    @torch.no_grad()
    def draw_sheet(self, folder: RunFolder, faces: PreparedFaces) -> None:
        """Fixed samples: condition, picture, redrawn in its own style, and in two foreign ones."""
        loaded = [faces[_FIRST_OF_SHEET + i] for i in range(_SHEET_ROWS)]
        stacked = {name: torch.stack([sample[name] for sample in loaded]) for name in loaded[0]}
        x = unpack({name: layer.to(self.fabric.device) for name, layer in stacked.items()})
        mean, _ = self.nets.encoder(x["picture"] * x["opacity"])
        columns = [x["condition"], x["picture"]]
        for number in range(3):
            drawn = self.nets.average(x["input"], mean.roll(number, 0))
            columns.append(drawn * x["opacity"] + x["picture"] * (1 - x["opacity"]))
        folder.sheet(self.samples, columns)
