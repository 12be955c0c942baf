"""What the refiner is trained for: the networks of a run, and the losses."""

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..discriminator import FaceFeatures, Head
from ..from_onnx import load_exported
from ..losses import Judged, random_square, redrawn_mean, within
from ..networks import Generator, StyleEncoder
from .network import READINGS, Refiner, compose, enlarged

Batch = dict[str, Tensor]
_PICTURES = ("condition", "picture", "texture", "toned", "style_of")
_MASKS = ("wall", "opacity", "skin", "features")
_CROP_PX = 160
_SKIN_ERODED_PX = 9


class Discriminator(nn.Module):
    """A head on each feature map, that is told the mesh, the wall and the reading."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(Head(count + READINGS) for count in FaceFeatures.channels)

    def forward(self, features: list[Tensor], told: Tensor, reading: Tensor) -> list[Tensor]:
        """Score maps, (N, 1, h, w) each.

        Args:
            features: Of :class:`FaceFeatures`.
            told: (N, 4, k, k), condition and wall.
            reading: (N, 7).
        """
        planes = reading[:, :, None, None]
        return [
            head(torch.cat([f, planes.expand(-1, -1, *f.shape[-2:])], 1), told)
            for head, f in zip(self.heads, features, strict=True)
        ]


class Networks(nn.Module):
    """What is trained, and the moving average of the refiner, which is what is kept."""

    def __init__(self, start_from: str | None = "plain") -> None:
        super().__init__()
        self.refiner, self.encoder = Refiner(), StyleEncoder()
        if start_from is not None:
            shipped = Generator()
            load_exported(shipped, start_from)
            self.refiner.load_state_dict(shipped.state_dict(), strict=False)
        self.discriminator, self.features = Discriminator(), FaceFeatures()
        self.average = copy.deepcopy(self.refiner).requires_grad_(False)

    def painters(self) -> list[nn.Parameter]:
        """The parameters that the refiner's optimizer moves."""
        return [*self.refiner.parameters(), *self.encoder.parameters()]

    def compact(self) -> dict[str, dict[str, Tensor]]:
        """What a later run needs to go on, in half precision: no optimizer, nothing of files."""
        return {
            name: {key: value.half() for key, value in module.state_dict().items()}
            for name, module in self._kept().items()
        }

    def load_compact(self, state: dict[str, dict[str, Tensor]]) -> None:
        """Go on from what :meth:`compact` gave."""
        for name, module in self._kept().items():
            module.load_state_dict({key: value.float() for key, value in state[name].items()})
        self.refiner.load_state_dict(self.average.state_dict())

    def _kept(self) -> dict[str, nn.Module]:
        return {
            "average": self.average, "encoder": self.encoder,
            "discriminator": self.discriminator, "features": self.features,
        }  # fmt: skip

    @torch.no_grad()
    def follow(self, samples: int, step: int, memory: float) -> None:
        """Move the average towards the refiner.

        Args:
            samples: Seen in this step.
            step: The average moves faster while the run is young.
            memory: About how many samples it remembers.
        """
        decay = min(math.exp(-samples / memory), (1 + step) / (20 + step))
        for slow, fast in zip(self.average.parameters(), self.refiner.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)


def unpack(batch: Batch) -> Batch:
    """uint8 layers to float: pictures in [-1, 1], masks in [0, 1], weights 0 to 4."""
    x = {name: batch[name].float() / 127.5 - 1 for name in _PICTURES}
    x |= {name: batch[name].float() / 255 for name in _MASKS}
    x["weight"] = batch["weight"].float() / 64
    x["reading"] = batch["reading"]
    x["portrait"], x["cross"] = batch["portrait"].flatten(), batch["cross"].flatten()
    x["cover"] = torch.maximum(x["skin"], x["features"])
    context = x["picture"] * (x["wall"] <= 0.5)
    shown = x["texture"] * (x["cover"] > 0)
    parts = [x["condition"], context, x["wall"], shown, x["skin"], x["features"]]
    x["input"] = torch.cat(parts, 1).contiguous(memory_format=torch.channels_last)
    return x


def refiner_loss(nets: Networks, x: Batch, weight_gan: float) -> tuple[Tensor, Judged, Batch]:
    """Loss of refiner and style encoder, what the discriminators are to judge, and the parts.

    A face with its own texture is compared with its picture. One with another's must fool the
    discriminators, keep the picture's tone at a sixteenth of its resolution and what lies in the
    ring, and use the texture; a head on black keeps the texture's tone.
    """
    picture, count = x["picture"], len(x["picture"])
    mean, log_variance = nets.encoder(x["style_of"])
    style = mean + torch.randn_like(mean) * (log_variance / 2).exp()
    rgb, share = nets.refiner(x["input"], style, x["reading"])
    drawn = compose(rgb, share, x["texture"], x["cover"])
    composed = drawn * x["opacity"] + picture * (1 - x["opacity"])

    own = (~x["cross"]).float()[:, None, None, None]
    cross = 1 - own
    weight = x["weight"] * (x["opacity"] > 0)
    gap, area = (drawn - picture).abs() * weight, 3 * (weight > 0).float().sum()
    skin = (F.avg_pool2d(x["skin"], _SKIN_ERODED_PX, 1, _SKIN_ERODED_PX // 2) > 0.99).float()
    portrait = x["portrait"].float()[:, None, None, None]
    seen = torch.where(x["portrait"][:, None, None, None], skin, (x["weight"] > 0).float())
    wanted = torch.where(x["portrait"][:, None, None, None], x["toned"], picture)
    coarse = F.avg_pool2d((composed - wanted) * seen * cross, 16).abs()
    share = enlarged(share, (int(skin.shape[-2]), int(skin.shape[-1])))
    parts = {
        "l1": 3 * (gap * own).sum() / area,
        "rgb": ((rgb - picture).abs() * weight * own).sum() / area,
        "ring": 3 * (gap * cross * (1 - portrait) * (x["wall"] < 0.5)).sum() / area,
        "tone": 20 * coarse.mean(),
        "kl": 0.003 * (0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)).sum(1).mean(),
        "use": 0.5 * ((1 - share) * skin * cross).sum() / (skin * cross).sum().clamp_min(1),
    }
    valid = (x["weight"] > 0).float()
    square = random_square(picture.shape[-1], _CROP_PX)
    fake = nets.features(within(square, composed * valid))
    with torch.no_grad():
        real = nets.features(within(square, picture * valid))
    condition, wall, opacity = (within(square, x[n]) for n in ("condition", "wall", "opacity"))
    scores = nets.discriminator(fake, torch.cat([condition, wall], 1), x["reading"])
    parts["gan"] = -weight_gan * torch.stack([redrawn_mean(s, opacity) for s in scores]).mean()
    gaps = [((f - r).abs() * own).mean() for f, r in zip(fake, real, strict=True)]
    parts["perceptual"] = 4 * torch.stack(gaps).mean() * count / own.sum().clamp_min(1)
    total = torch.stack([part.float() for part in parts.values()]).sum()
    judged = Judged([f.detach() for f in fake], real, condition, wall, opacity)
    return total, judged, {name: part.detach() for name, part in parts.items()}


def discriminator_loss(nets: Networks, judged: Judged, reading: Tensor) -> Tensor:
    """The hinge loss on the features of real and composed pictures."""
    told = torch.cat([judged.condition, judged.wall], 1)
    real = nets.discriminator(judged.real, told, reading)
    fake = nets.discriminator(judged.fake, told, reading)
    terms = [
        redrawn_mean(F.relu(1 - r) + F.relu(1 + f), judged.opacity)
        for r, f in zip(real, fake, strict=True)
    ]
    return torch.stack(terms).mean()
