"""Discriminators on the features of a frozen face detector, and a perceptual distance in them.

Sauer et al., "Projected GANs converge faster", NeurIPS 2021: a discriminator learns much faster
when it starts from features that know what faces are. CenterFace's backbone is such a network, is
freely licensed, and ships with this package; it has never been trained to tell people apart.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from .. import weights
from .onnx_module import OnnxModule


class FaceFeatures(nn.Module):
    """CenterFace's backbone, frozen.

    Its outputs are the widened features before each stride: 96, 144, 192 and 576 channels at 1/2,
    1/4, 1/8 and 1/16 of the picture's side, each channel scaled to a deviation of about one.
    """

    channels = (96, 144, 192, 576)
    taps = ("373", "390", "416", "477")  # before each stride of the file's graph

    def __init__(self) -> None:
        super().__init__()
        self.network = OnnxModule(weights.path_of("centerface"), self.taps)
        for i, count in enumerate(self.channels):
            self.register_buffer(f"deviation_{i}", torch.ones(1, count, 1, 1))
        self.requires_grad_(False)

    def _raw(self, picture: Tensor) -> list[Tensor]:
        blue_first = (picture.flip(1) + 1) * 127.5
        features: list[Tensor] = self.network(blue_first)
        return features

    @torch.no_grad()
    def calibrate(self, pictures: Tensor) -> None:
        """Measure each channel's deviation on real pictures (N, 3, S, S) in [-1, 1]."""
        for i, features in enumerate(self._raw(pictures)):
            deviation = features.std((0, 2, 3), keepdim=True).clamp_min(1e-2)
            self.get_buffer(f"deviation_{i}").copy_(deviation)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Pictures (N, 3, S, S) in [-1, 1] to four feature maps."""
        raw = self._raw(picture)
        return [f / self.get_buffer(f"deviation_{i}") for i, f in enumerate(raw)]


class Head(nn.Module):
    """Scores one feature map, seeing condition and wall mask at its size."""

    def __init__(self, channels: int, width: int = 64) -> None:
        super().__init__()
        self.squeeze = spectral_norm(nn.Conv2d(channels + 4, width, 1))
        self.body = spectral_norm(nn.Conv2d(width, width, 3, stride=2, padding=1))
        self.score = spectral_norm(nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, features: Tensor, layout: Tensor) -> Tensor:
        """Scores of patches, (N, 1, h, w), from (N, C, H, W) features and (N, 4, S, S) layout."""
        small = F.adaptive_avg_pool2d(layout, (features.shape[-2], features.shape[-1]))
        x = F.leaky_relu(self.squeeze(torch.cat([features, small], 1)), 0.2)
        scores: Tensor = self.score(F.leaky_relu(self.body(x), 0.2))
        return scores


class Discriminator(nn.Module):
    """A head on each feature map; the features themselves stay frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(Head(count) for count in FaceFeatures.channels)

    def forward(self, features: list[Tensor], condition: Tensor, wall: Tensor) -> list[Tensor]:
        """Score maps of a picture's features given its condition and wall, (N, 1, h, w) each."""
        layout = torch.cat([condition, wall], 1)
        return [head(f, layout) for head, f in zip(self.heads, features, strict=True)]
