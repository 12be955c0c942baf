"""What the refiner is trained for: the networks of a run, and the losses."""

import copy
import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ... import weights
from ...surrogate.expression_reading import INPUT_PX
from ..discriminator import FaceFeatures, Head
from ..from_onnx import load_exported
from ..losses import random_square, redrawn_mean, within
from ..networks import Generator, StyleEncoder
from ..onnx_module import OnnxModule
from .network import READINGS, Refiner, compose, enlarged

Batch = dict[str, Tensor]
_PICTURES = ("condition", "own_condition", "picture", "texture", "toned", "style_of")
_MASKS = ("wall", "opacity", "skin", "features")
_CROP_PX, _FAR_PX = 160, 64
_SKIN_ERODED_PX, _NEAR_MESH_PX = 9, 3
_OFF, _TURNED_RAD, _OTHER_SIDE = 0.05, 0.12, 0.1  # of where a reader looks: in sides; a logarithm
_TONE, _GREY_SHARE = 0.15, 0.3
_LOGITS = "t128"  # before the softmax of the reader's file
_TEMPERATURE = 2.0  # the reader is too sure of itself to pass a gradient


@dataclass(frozen=True)
class View:
    """What the discriminators see of pictures: a square's pixels and features, and all from afar.

    Attributes:
        features: Of :class:`FaceFeatures`, of the square.
        near: (N, 3, k, k), the square's pixels.
        far: (N, 3, 64, 64), the whole pictures.
        told: (N, 4, k, k), condition and wall of the square.
        told_far: (N, 4, 64, 64), of the whole.
    """

    features: list[Tensor]
    near: Tensor
    far: Tensor
    told: Tensor
    told_far: Tensor

    def detached(self) -> "View":
        """Without gradient."""
        features = [f.detach() for f in self.features]
        return View(features, self.near.detach(), self.far.detach(), self.told, self.told_far)


@dataclass(frozen=True)
class Judged:
    """What the discriminators compare, and the opacity near, (N, 1, k, k), and from afar."""

    fake: View
    real: View
    opacity: Tensor
    opacity_far: Tensor

    def mean(self, scores: list[Tensor]) -> Tensor:
        """Mean of all heads' scores where pictures are redrawn."""
        near = [redrawn_mean(s, self.opacity) for s in scores[:-1]]
        return torch.stack([*near, redrawn_mean(scores[-1], self.opacity_far)]).mean()


class PixelHead(nn.Module):
    """Scores patches by their pixels: features of a detector are blind to smears and grain.

    Args:
        strides: Of its convolutions of 4 x 4, the last one's output being the scores'.
    """

    def __init__(self, strides: int, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3 + 4 + READINGS
        for i in range(strides):
            following = min(width << i, 3 * width)
            layers += [spectral_norm(nn.Conv2d(channels, following, 4, 2, 1)), nn.LeakyReLU(0.2)]
            channels = following
        layers.append(spectral_norm(nn.Conv2d(channels, 1, 3, padding=1)))
        self.layers = nn.Sequential(*layers)

    def forward(self, pictures: Tensor, told: Tensor, reading: Tensor) -> Tensor:
        """(N, 1, h, w) of (N, 3, S, S) pictures, (N, 4, S, S) told and (N, 7)."""
        planes = reading[:, :, None, None].expand(-1, -1, *pictures.shape[-2:])
        scores: Tensor = self.layers(torch.cat([pictures, told, planes], 1))
        return scores


class Discriminator(nn.Module):
    """A head on each feature map and two on pixels, told the mesh, the wall and the reading."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(Head(count + READINGS) for count in FaceFeatures.channels)
        self.near, self.far = PixelHead(2), PixelHead(3)

    def forward(self, view: View, reading: Tensor) -> list[Tensor]:
        """Score maps, (N, 1, h, w) each, the last one of the pictures from afar.

        Args:
            view: Of N pictures.
            reading: (N, 7).
        """
        planes = reading[:, :, None, None]
        scores = [
            head(torch.cat([f, planes.expand(-1, -1, *f.shape[-2:])], 1), view.told)
            for head, f in zip(self.heads, view.features, strict=True)
        ]
        near = self.near(view.near, view.told, reading)
        return [*scores, near, self.far(view.far, view.told_far, reading)]


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
        self.reader = OnnxModule(weights.path_of("expression-reader"), [_LOGITS])
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
            kept = {key: value.float() for key, value in state[name].items()}
            module.load_state_dict(kept, strict=name != "discriminator")  # it may have grown
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
    x |= {name: batch[name] for name in ("reading", "shares", "read_square")}
    x["portrait"], x["cross"] = batch["portrait"].flatten(), batch["cross"].flatten()
    x["cover"] = torch.maximum(x["skin"], x["features"])
    context = x["picture"] * (x["wall"] <= 0.5)
    shown = x["texture"] * (x["cover"] > 0)
    parts = [x["condition"], context, x["wall"], shown, x["skin"], x["features"]]
    x["input"] = torch.cat(parts, 1).contiguous(memory_format=torch.channels_last)
    return x


def refiner_loss(
    nets: Networks, x: Batch, weight_gan: float, weight_read: float = 0.3
) -> tuple[Tensor, Judged, Batch]:
    """Loss of refiner and style encoder, what the discriminators are to judge, and the parts.

    A face with its own texture is compared with its picture. One with another's must fool the
    discriminators, keep the picture's tone at a sixteenth of its resolution and what neither face
    hides, and use the texture; a head on black keeps the texture's tone. In all of them the
    expression is to be read again: by one reader, so it is a small part, beside discriminators that
    are told the reading and see real faces of it.
    """
    picture, count = x["picture"], len(x["picture"])
    mean, log_variance = nets.encoder(x["style_of"])
    style = mean + torch.randn_like(mean) * (log_variance / 2).exp()
    rgb, share = (out.float() for out in nets.refiner(x["input"], style, x["reading"]))
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
    beside = (x["wall"] < 0.5) | _beside(x["condition"], x["own_condition"])
    share = enlarged(share, (int(skin.shape[-2]), int(skin.shape[-1])))
    parts = {
        "l1": 3 * (gap * own).sum() / area,
        "rgb": ((rgb - picture).abs() * weight * own).sum() / area,
        "beside": 3 * (gap * cross * (1 - portrait) * beside).sum() / area,
        "tone": 20 * coarse.mean(),
        "kl": 0.003 * (0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)).sum(1).mean(),
        "use": 0.5 * ((1 - share) * skin * cross).sum() / (skin * cross).sum().clamp_min(1),
    }
    found = read_back(nets, composed, x["read_square"])
    soft = x["shares"] ** (1 / _TEMPERATURE)
    soft = soft / soft.sum(1, keepdim=True)
    misread = -(soft * F.log_softmax(found / _TEMPERATURE, 1)).sum(1)
    parts["read"] = weight_read * misread.mean()
    judged = _judged(nets, x, composed)
    scores = nets.discriminator(judged.fake, x["reading"])
    parts["gan"] = -weight_gan * judged.mean(scores)
    features = zip(judged.fake.features, judged.real.features, strict=True)
    gaps = [((f - r).abs() * own).mean() for f, r in features]
    parts["perceptual"] = 4 * torch.stack(gaps).mean() * count / own.sum().clamp_min(1)
    total = torch.stack([part.float() for part in parts.values()]).sum()
    judged = replace(judged, fake=judged.fake.detached())
    return total, judged, {name: part.detach() for name, part in parts.items()}


def _beside(*conditions: Tensor) -> Tensor:
    """Where no mesh is, nor near it, (N, 1, S, S) bool: hair, neck and background stay there."""
    meshes = torch.stack([(c > -1).any(1, keepdim=True) for c in conditions]).any(0).float()
    near = F.max_pool2d(meshes, 2 * _NEAR_MESH_PX + 1, 1, _NEAR_MESH_PX)
    return near == 0


def read_back(nets: Networks, pictures: Tensor, squares: Tensor) -> Tensor:
    """What the reader sees in pictures, logits (N, 7), each time from a little elsewhere.

    Turned, shifted, mirrored, in another light, sometimes blurred or grey: a network that need not
    please one view alone has to draw an expression.

    Args:
        nets: Their reader looks.
        pictures: (N, 3, S, S) in [-1, 1].
        squares: (N, 3), left, top and side of where it looks, in pixels.
    """
    count, size, device = len(pictures), pictures.shape[-1], pictures.device
    off = torch.rand(6, count, device=device) * 2 - 1
    side = squares[:, 2] * torch.exp(_OTHER_SIDE * off[0])
    middle = squares[:, :2] + squares[:, 2:] / 2 + squares[:, 2:] * _OFF * off[1:3].T
    centre = (middle + 0.5) / size * 2 - 1
    cosine, sine = (side / size * f(_TURNED_RAD * off[3]) for f in (torch.cos, torch.sin))
    mirror = torch.where(off[4] > 0, 1.0, -1.0)
    rows = [cosine * mirror, -sine, centre[:, 0], sine * mirror, cosine, centre[:, 1]]
    view = torch.stack(rows, 1).view(-1, 2, 3)
    with torch.autocast(device.type, enabled=False):
        grid = F.affine_grid(view, [count, 3, INPUT_PX, INPUT_PX], align_corners=False)
        seen = F.grid_sample(pictures.float(), grid, align_corners=False)
        seen = (seen + 1) * 127.5 * torch.exp(_TONE * off[5])[:, None, None, None]
        chance = torch.rand(2, device=device)
        if chance[0] < 0.5:
            seen = F.avg_pool2d(seen, 3, 1, 1)
        if chance[1] < _GREY_SHARE:
            seen = seen.mean(1, keepdim=True).expand(-1, 3, -1, -1)
        found: Tensor = nets.reader(seen.clamp(0, 255))[0]
    return found


def _judged(nets: Networks, x: Batch, composed: Tensor) -> Judged:
    """Composed and real pictures as the discriminators see them, in one random square.

    A real picture is told its own mesh, a composed one the one that it was drawn on.
    """
    valid = (x["weight"] > 0).float()
    square = random_square(composed.shape[-1], _CROP_PX)

    def view(picture: Tensor, condition: Tensor) -> View:
        shown, told = picture * valid, torch.cat([condition, x["wall"]], 1)
        near = within(square, shown)
        far, told_far = (F.interpolate(p, (_FAR_PX, _FAR_PX), mode="area") for p in (shown, told))
        return View(nets.features(near), near, far, within(square, told), told_far)

    fake = view(composed, x["condition"])
    with torch.no_grad():
        real = view(x["picture"], x["own_condition"])
    opacity = x["opacity"]
    return Judged(
        fake, real, within(square, opacity), F.interpolate(opacity, (_FAR_PX, _FAR_PX), mode="area")
    )  # fmt: skip


def discriminator_loss(nets: Networks, judged: Judged, reading: Tensor) -> Tensor:
    """The hinge loss on real and composed pictures."""
    real = nets.discriminator(judged.real, reading)
    fake = nets.discriminator(judged.fake, reading)
    return judged.mean([F.relu(1 - r) + F.relu(1 + f) for r, f in zip(real, fake, strict=True)])
