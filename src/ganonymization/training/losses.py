"""What the default generator is trained for: the networks of a run, and the losses."""

import copy
import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..geometry import topology
from .config import TrainingConfig
from .discriminator import Discriminator, FaceFeatures
from .facemesh import INPUT_PX, FaceMesh
from .networks import Generator, StyleBank, StyleEncoder

Batch = dict[str, Tensor]

_OUTER_EYES = (33, 263)
_VIVID_WEIGHT = 3.0
_OFF = 0.07  # of half a view's side, and radians


class Networks(nn.Module):
    """What is trained, and the moving average of the generator, which is what ships."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.encoder = Generator(), StyleEncoder()
        self.styles = StyleBank()
        self.discriminator, self.features = Discriminator(), FaceFeatures()
        self.facemesh = FaceMesh()
        self.average = copy.deepcopy(self.generator).requires_grad_(False)

    def painters(self) -> list[nn.Parameter]:
        """The parameters that the generator's optimizer moves."""
        return [*self.generator.parameters(), *self.encoder.parameters()]

    @torch.no_grad()
    def follow(self, samples: int, step: int, memory: float) -> None:
        """Move the average towards the generator.

        Args:
            samples: Seen in this step.
            step: Of the stage; the average moves faster while the stage is young.
            memory: About how many samples it remembers.
        """
        decay = min(math.exp(-samples / memory), (1 + step) / (20 + step))
        for slow, fast in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)


@dataclass(frozen=True)
class Judged:
    """What the discriminators compare: a square of M composed and of M real pictures.

    Feature maps of both, the composed ones without gradient, and (M, C, k, k) layers of the batch.
    Only pictures that were drawn in their own style are judged.
    """

    fake: list[Tensor]
    real: list[Tensor]
    condition: Tensor
    wall: Tensor
    opacity: Tensor


class GeneratorLoss(NamedTuple):
    """What a forward pass gives: the loss, its parts, what is to be judged, and styles, (M, 16).

    The parts are without gradient; the styles are the means of the portraits, for the bank.
    """

    total: Tensor
    parts: dict[str, Tensor]
    judged: Judged
    styles: Tensor


def unpack(batch: Batch) -> Batch:
    """uint8 layers to float: pictures in [-1, 1], masks in [0, 1], weights 0 to 4."""
    layers = {
        name: (batch[name].float() / 127.5 - 1) if name in ("condition", "picture")
        else batch[name].float() / 255
        for name in ("condition", "picture", "wall", "opacity")
    }  # fmt: skip
    layers["weight"] = batch["weight"].float() / 64
    layers["portrait"] = batch["portrait"].flatten()
    layers["landmarks"] = batch["landmarks"]
    context = layers["picture"] * (layers["wall"] <= 0.5)
    x = torch.cat([layers["condition"], context, layers["wall"]], 1)
    layers["input"] = x.contiguous(memory_format=torch.channels_last)
    return layers


def generator_loss(
    nets: Networks, x: Batch, config: TrainingConfig, weight_gan: float, foreign_styles: bool
) -> GeneratorLoss:
    """Loss of generator and encoder, and what the discriminators are to judge.

    All portraits and the first half of the batch have their style read from the picture and are
    compared with it (a conditional VAE-GAN, Zhu et al., "Toward multimodal image-to-image
    translation", NeurIPS 2017), and must fool the discriminators. The scenes of the second half may
    have another picture's style, as at run time: they must keep the light and skin tone that the
    context asks for, and the landmarks. Discriminators would be all that a drawing in a foreign
    style had to hold on to; portraits became caricatures that way, and scenes got scratches.
    """
    picture, count = x["picture"], len(x["picture"])
    order = torch.arange(count, device=picture.device)
    read = x["portrait"] | (order < (count // 2 if foreign_styles else count))
    mean, log_variance = nets.encoder(picture * x["opacity"])
    own_style = mean + torch.randn_like(mean) * (log_variance / 2).exp()
    another_style = own_style.roll(1, 0).detach()
    drawn = nets.generator(x["input"], torch.where(read[:, None], own_style, another_style))
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
        "landmarks": config.weight_landmarks * landmark_distance(nets, composed, x["landmarks"]),
    }
    valid = (x["weight"] > 0).float()
    square = random_square(picture.shape[-1], config.feature_crop_px)
    fake = nets.features(within(square, (composed * valid)[read]))
    with torch.no_grad():
        real = nets.features(within(square, (picture * valid)[read]))
    condition, wall, opacity = (
        within(square, x[name][read]) for name in ("condition", "wall", "opacity")
    )
    scores = nets.discriminator(fake, condition, wall)
    fooled = torch.stack([redrawn_mean(score, opacity) for score in scores]).mean()
    parts["gan"] = -weight_gan * fooled
    distances = [(f - r).abs().mean() for f, r in zip(fake, real, strict=True)]
    parts["perceptual"] = config.weight_perceptual * torch.stack(distances).mean()
    judged = Judged([f.detach() for f in fake], real, condition, wall, opacity)
    total = torch.stack([part.float() for part in parts.values()]).sum()
    styles = mean[x["portrait"]].detach()
    return GeneratorLoss(total, {name: p.detach() for name, p in parts.items()}, judged, styles)


def landmark_distance(nets: Networks, drawn: Tensor, wanted: Tensor) -> Tensor:
    """Mean distance between wanted and found landmarks, in outer-eye distances.

    Args:
        nets: Their FaceMesh looks.
        drawn: (N, 3, S, S) in [-1, 1].
        wanted: (N, 478, 2), the picture's sides at -1 and 1.
    """
    with torch.autocast(drawn.device.type, enabled=False):
        view = face_view(wanted)
        grid = F.affine_grid(view, [len(view), 3, INPUT_PX, INPUT_PX], align_corners=False)
        crop = F.grid_sample(drawn.float(), grid, padding_mode="border", align_corners=False)
        relative = 2 * nets.facemesh(crop) / INPUT_PX - 1
        found = relative @ view[:, :, :2].mT + view[:, None, :, 2]
        outer_eyes = (wanted[:, _OUTER_EYES[0]] - wanted[:, _OUTER_EYES[1]]).norm(dim=1)
        gap = (found - wanted).abs() / outer_eyes[:, None, None]
        distance: Tensor = (gap * point_weights().to(gap.device)).mean()
    return distance


def face_view(wanted: Tensor) -> Tensor:
    """Where FaceMesh looks, by wanted landmarks (N, 478, 2) with the picture's sides at -1 and 1.

    A level square about the face, half as large again, as MediaPipe cuts it out of a picture. A
    little off at random, lest the generator please one cut alone.

    Returns:
        (N, 2, 3), from the view's coordinates to the picture's, both from -1 to 1.
    """
    low, high = wanted.amin(1), wanted.amax(1)
    off = torch.rand(4, len(wanted), device=wanted.device) * 2 - 1
    half = 0.75 * (high - low).amax(1) * (1 + _OFF * off[0])
    centre = (low + high) / 2 + _OFF * half[:, None] * off[1:3].T
    along = wanted[:, _OUTER_EYES[1]] - wanted[:, _OUTER_EYES[0]]
    angle = torch.atan2(along[:, 1], along[:, 0]) + _OFF * off[3]
    cosine, sine = half * torch.cos(angle), half * torch.sin(angle)
    rows = torch.stack([cosine, -sine, centre[:, 0], sine, cosine, centre[:, 1]], 1)
    return rows.view(-1, 2, 3)


def point_weights() -> Tensor:
    """How much each landmark counts, (478, 1), 1 on average: eyes, brows and mouth more."""
    weights = torch.ones(topology.LANDMARK_COUNT)
    vivid = (topology.EYE_LEFT, topology.EYE_RIGHT, topology.LIPS_OUTER, topology.LIPS_INNER)
    for path in (*vivid, *topology.BROWS):
        weights[list(path)] = _VIVID_WEIGHT
    return (weights / weights.mean())[:, None]


def random_square(size_px: int, side_px: int) -> tuple[slice, slice]:
    """Rows and columns of a random square whose corners lie on the features' grid."""
    side = min(side_px, size_px)
    steps = (size_px - side) // 16 + 1
    top, left = (16 * int(v) for v in torch.randint(0, steps, (2,)))
    return slice(top, top + side), slice(left, left + side)


def within(square: tuple[slice, slice], x: Tensor) -> Tensor:
    """What lies in a square of :func:`random_square`, (N, C, k, k)."""
    return x[:, :, square[0], square[1]].contiguous(memory_format=torch.channels_last)


def redrawn_mean(scores: Tensor, opacity: Tensor) -> Tensor:
    """Mean over the patches whose middle is redrawn; elsewhere real and composed are the same.

    Args:
        scores: (N, 1, h, w), one for each patch.
        opacity: (N, 1, S, S).
    """
    weight = (F.adaptive_avg_pool2d(opacity, (scores.shape[-2], scores.shape[-1])) > 0.1).float()
    return (scores * weight).sum() / weight.sum().clamp_min(1)


def discriminator_loss(nets: Networks, judged: Judged) -> Tensor:
    """The hinge loss on the features of real and composed pictures."""
    real = nets.discriminator(judged.real, judged.condition, judged.wall)
    fake = nets.discriminator(judged.fake, judged.condition, judged.wall)
    terms = [
        redrawn_mean(F.relu(1 - r) + F.relu(1 + f), judged.opacity)
        for r, f in zip(real, fake, strict=True)
    ]
    return torch.stack(terms).mean()
