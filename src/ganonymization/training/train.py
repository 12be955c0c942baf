"""The training loop of the default generator, resumable and readable from top to bottom."""

import copy
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset

from .critic import Discriminator, FaceFeatures
from .data import PreparedFaces
from .networks import STYLE_SIZE, Generator, StyleDistribution, StyleEncoder

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class TrainingConfig:
    """Every setting of a run; saved beside its results as ``config.json``.

    Attributes:
        prepared: A folder made by ``ganonymize prepare``.
        out: Where checkpoint, sheets and metrics go.
        size_px: Side of the training pictures; start at 128 and go on at 256.
        batch: Pictures a step.
        minutes: Stop after this long.
        max_steps: Or when the run has so many steps, counted from its beginning; 0 for no limit.
        head_start: Steps that the discriminators learn alone before the generator's first.
        learning_rate: Adam's, of the generator, with betas (0.5, 0.99).
        discriminator_rate: Adam's, of the discriminators.
        portrait_share: Share of samples without context.
        seed: Of weights, data order and noise.
        workers: Processes that prepare samples.
        save_every_s: Seconds between checkpoints.
    """

    prepared: Path
    out: Path
    size_px: int = 128
    batch: int = 16
    minutes: float = 60.0
    max_steps: int = 0
    head_start: int = 100
    learning_rate: float = 3e-4
    discriminator_rate: float = 6e-4
    portrait_share: float = 0.45
    seed: int = 0
    workers: int = 1
    save_every_s: float = 240.0
    weight_l1: float = 3.0
    weight_perceptual: float = 4.0
    weight_gan: float = 1.0
    weight_kl: float = 0.01
    weight_tone: float = 15.0


class Networks(nn.Module):
    """What is trained, and the moving average of the generator, which is what ships."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.encoder = Generator(), StyleEncoder()
        self.styles = StyleDistribution()
        self.discriminator, self.features = Discriminator(), FaceFeatures()
        self.average = copy.deepcopy(self.generator).requires_grad_(False)

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move the average towards the generator; faster while the run is young."""
        decay = min(0.996, (1 + step) / (20 + step))
        for slow, fast in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)


class Judged(NamedTuple):
    """Feature maps of composed and of real pictures."""

    fake: list[Tensor]
    real: list[Tensor]


def unpack(batch: Batch) -> Batch:
    """uint8 layers to float: pictures in [-1, 1], masks in [0, 1], weights 0 to 4."""
    layers = {
        name: (batch[name].float() / 127.5 - 1) if name in ("condition", "picture")
        else batch[name].float() / 255
        for name in ("condition", "picture", "wall", "opacity")
    }  # fmt: skip
    layers["weight"] = batch["weight"].float() / 64
    layers["portrait"] = batch["portrait"].flatten()
    context = torch.where(layers["wall"] > 0.5, torch.zeros(()), layers["picture"])
    x = torch.cat([layers["condition"], context, layers["wall"]], 1)
    layers["input"] = x.contiguous(memory_format=torch.channels_last)
    return layers


def generator_loss(
    nets: Networks, x: Batch, config: TrainingConfig
) -> tuple[Tensor, Judged, dict[str, float]]:
    """Loss of generator and encoder, what the discriminator is to judge, and the loss's parts.

    All portraits and the first half of the batch have their style read from the picture and are
    compared with it (a conditional VAE-GAN, Zhu et al., "Toward multimodal image-to-image
    translation", NeurIPS 2017). The scenes of the second half have a random style, as at run time:
    they must fool the discriminator, and keep the light and skin tone that the context asks for. A
    portrait with a random style would have nothing but the discriminator to hold on to, and drifts
    into a caricature.
    """
    picture, count = x["picture"], len(x["picture"])
    read = x["portrait"] | (torch.arange(count) < count // 2)
    mean, log_variance = nets.encoder(picture * x["opacity"])
    nets.styles.follow(mean.detach(), log_variance.detach())
    noise = torch.randn(count, STYLE_SIZE)
    own_style = mean + noise * (log_variance / 2).exp()
    drawn = nets.generator(x["input"], torch.where(read[:, None], own_style, nets.styles(noise)))
    composed = drawn * x["opacity"] + picture * (1 - x["opacity"])

    weight = x["weight"] * (x["opacity"] > 0)
    gap = (drawn - picture).abs() * weight
    area = 3 * (weight > 0).float().sum()
    compared, free = read.float()[:, None, None, None], (~read).float()[:, None, None, None]
    coarse = F.avg_pool2d((composed - picture) * (x["weight"] > 0) * free, 16).abs()
    parts = {
        "l1": config.weight_l1 * (gap * compared).sum() / area,
        "ring": config.weight_l1 * (gap * free * (x["wall"] < 0.5)).sum() / area,
        "tone": config.weight_tone * coarse.mean(),
        "kl": config.weight_kl
        * (0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)).sum(1).mean(),
    }
    valid = (x["weight"] > 0).float()
    fake = nets.features(composed * valid)
    with torch.no_grad():
        real = nets.features(picture * valid)
    scores = nets.discriminator(fake, x["condition"], x["wall"])
    parts["gan"] = (
        -config.weight_gan
        * torch.stack([redrawn_mean(score, x["opacity"]) for score in scores]).mean()
    )
    distances = [(f[read] - r[read]).abs().mean() for f, r in zip(fake, real, strict=True)]
    parts["perceptual"] = config.weight_perceptual * torch.stack(distances).mean()
    total = torch.stack(list(parts.values())).sum()
    judged = Judged([f.detach() for f in fake], real)
    return total, judged, {name: float(v.detach()) for name, v in parts.items()}


def redrawn_mean(scores: Tensor, opacity: Tensor) -> Tensor:
    """Mean over the patches whose middle is redrawn; elsewhere real and composed are the same.

    Args:
        scores: (N, 1, h, w), one for each patch.
        opacity: (N, 1, S, S).
    """
    weight = (F.adaptive_avg_pool2d(opacity, (scores.shape[-2], scores.shape[-1])) > 0.1).float()
    return (scores * weight).sum() / weight.sum()


def discriminator_loss(nets: Networks, x: Batch, judged: Judged) -> Tensor:
    """The hinge loss on the features of real and composed pictures."""
    real = nets.discriminator(judged.real, x["condition"], x["wall"])
    fake = nets.discriminator(judged.fake, x["condition"], x["wall"])
    terms = [
        redrawn_mean(F.relu(1 - r) + F.relu(1 + f), x["opacity"])
        for r, f in zip(real, fake, strict=True)
    ]
    return torch.stack(terms).mean()


def save(path: Path, state: object) -> None:
    """Write a checkpoint completely or not at all."""
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def train(config: TrainingConfig) -> Path:
    """Train, or go on where the checkpoint in ``config.out`` stopped, and return its path."""
    config.out.mkdir(parents=True, exist_ok=True)
    (config.out / "config.json").write_text(json.dumps(asdict(config), default=str, indent=1))
    torch.manual_seed(config.seed)
    nets = Networks().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    painters = [*nets.generator.parameters(), *nets.encoder.parameters()]
    optimizer_g = torch.optim.Adam(painters, config.learning_rate, (0.5, 0.99))
    optimizer_d = torch.optim.Adam(
        nets.discriminator.parameters(), config.discriminator_rate, (0.5, 0.99)
    )
    checkpoint, step, samples = config.out / "checkpoint.pt", 0, 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        nets.load_state_dict(state["nets"])
        optimizer_g.load_state_dict(state["optimizer_g"])
        optimizer_d.load_state_dict(state["optimizer_d"])
        step, samples = state["step"], state["samples"]
        torch.manual_seed(config.seed + step)
    for optimizer, rate in (
        (optimizer_g, config.learning_rate),
        (optimizer_d, config.discriminator_rate),
    ):
        for group in optimizer.param_groups:
            group["lr"] = rate

    faces = PreparedFaces(
        config.prepared, config.size_px, config.portrait_share, config.seed, 100_000_000
    )
    loader = DataLoader(
        Subset(faces, range(samples, len(faces))), config.batch, num_workers=config.workers
    )
    if step == 0:
        nets.features.calibrate(unpack(next(iter(loader)))["picture"])
    started = last_save = time.monotonic()
    first_sample = samples
    for batch in loader:
        x = unpack(batch)
        nets.discriminator.requires_grad_(False)
        loss, judged, parts = generator_loss(nets, x, config)
        if step >= config.head_start:
            optimizer_g.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer_g.step()
        nets.discriminator.requires_grad_(True)
        loss_d = discriminator_loss(nets, x, judged)
        optimizer_d.zero_grad()
        loss_d.backward()  # type: ignore[no-untyped-call]
        optimizer_d.step()
        nets.follow(step)
        step, samples = step + 1, samples + config.batch
        now = time.monotonic()
        if step % 50 == 0:
            rate = (samples - first_sample) / (now - started)
            line = {"step": step, "samples": samples, "images_per_s": round(rate, 2),
                    "discriminator": round(float(loss_d.detach()), 4)}  # fmt: skip
            line |= {name: round(value, 4) for name, value in parts.items()}
            with (config.out / "metrics.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
        over = now - started > config.minutes * 60 or step == config.max_steps
        if over or now - last_save > config.save_every_s:
            last_save = now
            state = {"nets": nets.state_dict(), "optimizer_g": optimizer_g.state_dict(),
                     "optimizer_d": optimizer_d.state_dict(), "step": step,
                     "samples": samples}  # fmt: skip
            save(checkpoint, state)
        if over:
            break
    return checkpoint
