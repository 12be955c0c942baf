"""The paper's training: pix2pix on pictures that hold a face and its landmark map side by side.

Hellmann et al., "GANonymization", TOMM 2024: least squares GAN and 100 times the mean absolute
difference, Adam at 2e-4 with betas (0.5, 0.999). Checkpoints have the published layout.
"""

import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ModelError, OptionError
from ..io import images
from ..training.devices import descend, open_fabric
from ..training.harness import Intervals, Metrics, fit
from ..training.run_dir import RunDir, pixels_of, save_checkpoint
from ..types import Image
from .networks import PatchDiscriminator, Pix2PixGenerator, load_checkpoint
from .side_by_side import SideBySide

Batch = dict[str, Tensor]

LAMBDA_PIXEL = 100
_SEED = 42
_SHOWN = 5
_LOG_EVERY = 20


@dataclass(frozen=True)
class Pix2PixSettings:
    """Settings by their published names.

    Attributes:
        data_dir: Holds the data set's folder.
        models_dir: Where the checkpoints go; the newest one is resumed.
        output_dir: Where drawn validation pictures go.
        n_epochs: The run ends after so many.
        dataset_name: Folder in ``data_dir`` with ``train`` and ``val``.
        batch_size: Pictures a step.
        lr: Adam's rate.
        b1: Adam's first beta.
        b2: Adam's second beta.
        n_cpu: Processes that load pictures.
        img_size: Side in pixels, a multiple of 256.
        device: A GPU's number; -1 for the processor, which is also taken where there is no GPU.
    """

    data_dir: str
    models_dir: str
    output_dir: str
    n_epochs: int
    dataset_name: str
    batch_size: int
    lr: float
    b1: float
    b2: float
    n_cpu: int
    img_size: int
    device: int

    def __post_init__(self) -> None:
        if self.img_size < 256 or self.img_size % 256:
            raise OptionError(
                f"--img_size {self.img_size}: give a multiple of 256; the innermost level of the "
                "network halves eight times"
            )
        if self.batch_size < 1 or self.n_epochs < 1 or self.n_cpu < 0:
            raise OptionError("--batch_size and --n_epochs start at 1, --n_cpu at 0")
        if self.lr <= 0 or not 0 <= self.b1 < 1 or not 0 <= self.b2 < 1:
            raise OptionError("--lr must be above 0, --b1 and --b2 from 0 to below 1")
        if self.device < -1:
            raise OptionError(f"--device {self.device}: give -1 for the CPU or a GPU's number")


class Pix2PixRun:
    """Both networks with their optimizers, and how far the run is.

    ``batch`` counts those of the epoch that were seen, ``step`` those of all epochs.
    """

    def __init__(self, fabric: Fabric, settings: Pix2PixSettings, epoch: int = 0) -> None:
        torch.manual_seed(_SEED)
        self.fabric, self.settings = fabric, settings
        self.generator = Pix2PixGenerator().apply(_initialise).to(fabric.device)
        self.discriminator = PatchDiscriminator().apply(_initialise).to(fabric.device)
        betas = (settings.b1, settings.b2)
        self.optimizers = [
            torch.optim.Adam(network.parameters(), settings.lr, betas)
            for network in (self.generator, self.discriminator)
        ]
        self.epoch, self.batch, self.step = epoch, 0, 0

    def state(self) -> dict[str, Any]:
        """A checkpoint of the published layout."""
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        return {
            "epoch": self.epoch,
            "global_step": 2 * self.step,  # as published: each network's step counts
            "batches_in_epoch": self.batch,
            "pytorch-lightning_version": "1.9.5",  # the format of these names
            "state_dict": {
                f"{prefix}.{name}": tensor
                for prefix, network in networks.items()
                for name, tensor in network.state_dict().items()
            },
            "optimizer_states": [optimizer.state_dict() for optimizer in self.optimizers],
            "lr_schedulers": [],
            "hyper_parameters": asdict(self.settings),
        }

    def restore(self, checkpoint: Path) -> None:
        """Go on from a checkpoint of ours or a published one.

        Raises:
            ModelError: The file is none.
        """
        loaded = load_checkpoint(checkpoint)
        self.generator.load_state_dict(loaded.generator.state_dict())
        self.discriminator.load_state_dict(loaded.discriminator.state_dict())
        content, betas = loaded.content, (self.settings.b1, self.settings.b2)
        try:
            states = content["optimizer_states"]
            for optimizer, state in zip(self.optimizers, states, strict=True):
                optimizer.load_state_dict(state)
                for group in optimizer.param_groups:  # today's settings, not the file's
                    group["lr"], group["betas"] = self.settings.lr, betas
            self.epoch, self.step = int(content["epoch"]), int(content["global_step"]) // 2
            self.batch = int(content.get("batches_in_epoch", 0))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{checkpoint}: has no optimizers to go on with; take it out of --models_dir"
            ) from error

    def train_step(self, batch: Batch, ends_epoch: bool = False) -> dict[str, Tensor]:
        """One step of both networks on pictures and conditions, (N, 3, S, S) uint8."""
        torch.manual_seed(hash((_SEED, self.step, self.fabric.global_rank)))  # of the dropout
        picture, condition = self._scaled(batch)
        self.discriminator.requires_grad_(False)
        drawn = self.generator(condition)
        fooled = _distance(self.discriminator(drawn, condition), 1.0)
        pixel = F.l1_loss(drawn, picture)
        self._descend(0, self.generator, fooled + LAMBDA_PIXEL * pixel)
        self.discriminator.requires_grad_(True)
        real = _distance(self.discriminator(picture, condition), 1.0)
        fake = _distance(self.discriminator(drawn.detach(), condition), 0.0)
        loss = (real + fake) / 2
        self._descend(1, self.discriminator, loss)
        self.step += 1
        self.batch += 1
        if ends_epoch:
            self.epoch, self.batch = self.epoch + 1, 0
        return {"gan": fooled.detach(), "l1": pixel.detach(), "discriminator": loss.detach()}

    def _scaled(self, batch: Batch) -> list[Tensor]:
        """Picture and condition on the device, in [-1, 1]."""
        device = self.fabric.device
        return [batch[name].to(device).float() / 127.5 - 1 for name in ("picture", "condition")]

    def _descend(self, which: int, network: nn.Module, loss: Tensor) -> None:
        descend(self.fabric, loss, self.optimizers[which], list(network.parameters()))

    @torch.no_grad()
    def draw(self, batch: Batch) -> Image:
        """Pictures over their conditions over what is drawn."""
        picture, condition = self._scaled(batch)
        self.generator.eval()
        drawn = self.generator(condition)
        self.generator.train()
        return pixels_of(torch.cat([torch.cat(list(x), 2) for x in (picture, condition, drawn)], 1))


def train_pix2pix(
    settings: Pix2PixSettings,
    log_dir: Path,
    epoch: int = 0,
    checkpoint_interval: int = 500,
    minutes: float | None = None,
) -> Path:
    """Train the paper's networks, or go on from the newest checkpoint, and return the last one.

    Args:
        settings: By their published names.
        log_dir: For metrics and TensorBoard.
        epoch: Number of the first epoch of a new run.
        checkpoint_interval: Steps between checkpoints; the older one goes when the newer is safe.
        minutes: Stop after this long, or None.

    Raises:
        InputError: There are no pictures.
        OptionError: A setting makes no sense.
        OutputError: A checkpoint cannot be written.
    """
    if checkpoint_interval < 1 or epoch < 0:
        raise OptionError("--checkpoint_interval starts at 1, --epoch at 0")
    data, models = Path(settings.data_dir) / settings.dataset_name, Path(settings.models_dir)
    faces = SideBySide(data / "train", settings.img_size)
    shown = None
    if (data / "val").is_dir():
        shown = SideBySide(data / "val", settings.img_size).first(_SHOWN)
    cuda = settings.device >= 0 and torch.cuda.is_available()
    devices = [settings.device] if cuda else 1
    fabric = open_fabric("cuda" if cuda else "cpu", devices=devices, folder=log_dir)
    run, last, written = Pix2PixRun(fabric, settings, epoch), newest_checkpoint(models), None
    if last is not None:
        run.restore(last)

    def step(batch: tuple[Batch, bool]) -> tuple[int, Metrics]:
        losses = run.train_step(*batch)
        return run.step * settings.batch_size, {"epoch": float(run.epoch), **losses}

    def save() -> None:
        nonlocal written
        written = _keep(run, models, written)
        if shown is not None:
            path = Path(settings.output_dir) / settings.dataset_name / f"{run.epoch}-{run.step}.png"
            images.write(path, images.Picture(run.draw(shown)))

    batches = faces.epochs(
        run.epoch, settings.n_epochs, run.batch, settings.batch_size, settings.n_cpu
    )
    with RunDir(fabric, log_dir, (settings.n_epochs - epoch) * len(faces)) as run_dir:
        fit(
            step, batches, run_dir, Intervals(_LOG_EVERY, save_steps=checkpoint_interval),
            save=save, first_step=run.step + 1, minutes=math.inf if minutes is None else minutes,
        )  # fmt: skip
    last = written or last
    if last is None:
        raise OptionError(f"--epoch {epoch}: a run of {settings.n_epochs} epochs ends before it")
    return last


def newest_checkpoint(folder: Path) -> Path | None:
    """The ``.ckpt`` that has seen the most steps, or None."""

    def steps(path: Path) -> tuple[int, float]:
        number = re.search(r"step=(\d+)", path.name)
        return (int(number[1]) if number else -1, path.stat().st_mtime)

    return max(folder.glob("*.ckpt"), key=steps, default=None)


def _keep(run: Pix2PixRun, models: Path, previous: Path | None) -> Path:
    """Write a checkpoint; the one that this process wrote before goes, no other."""
    path = models / f"epoch={run.epoch}-step={2 * run.step}.ckpt"
    save_checkpoint(path, run.state())
    if previous is not None and previous != path:
        previous.unlink(missing_ok=True)
    return path


def _distance(scores: Tensor, wanted: float) -> Tensor:
    return F.mse_loss(scores, torch.full_like(scores, wanted))


def _initialise(module: nn.Module) -> None:
    """Weights of convolutions from N(0, 0.02), as published."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
