"""The refiner: relights a donor's texture and draws what it leaves open."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..networks import StyledBlock

STYLE_SIZE, READINGS = 16, 7
PLAIN_CHANNELS = 7  # condition 3, context 3, wall 1: those of the first generator
TEXTURE_CHANNELS = 5  # texture 3, skin 1, features 1
_UNSHUFFLE, _COARSE = 4, 4  # the gain has an eighth of the picture's resolution
_STYLE_WIDTH = 64
_MOST_GAIN = 2.5


class Refiner(nn.Module):
    """U-Net between a pixel-unshuffle by 4 and two pixel-shuffles by 2.

    Its three outputs are smooth where they meet the texture, so the texture keeps its own
    resolution, whatever that is: :func:`compose`.

    Args:
        widths: Channels at 1/4, 1/8, 1/16 and 1/32 of the picture's side.
        tail: Channels at 1/2.
    """

    def __init__(self, widths: tuple[int, ...] = (64, 96, 192, 256), tail: int = 32) -> None:
        super().__init__()
        self.style = nn.Sequential(
            nn.Linear(STYLE_SIZE, _STYLE_WIDTH), nn.LeakyReLU(0.2),
            nn.Linear(_STYLE_WIDTH, _STYLE_WIDTH), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.reading = nn.Linear(READINGS, _STYLE_WIDTH)
        self.stem = nn.Conv2d(PLAIN_CHANNELS * _UNSHUFFLE**2, widths[0], 3, padding=1)
        self.texture_stem = nn.Conv2d(
            TEXTURE_CHANNELS * _UNSHUFFLE**2, widths[0], 3, padding=1, bias=False
        )
        self.encoder = nn.ModuleList(StyledBlock(w, w, _STYLE_WIDTH) for w in widths)
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths)
        )
        self.middle = StyledBlock(widths[-1], widths[-1], _STYLE_WIDTH)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1) for a, b in pairwise(widths))
        self.decoder = nn.ModuleList(StyledBlock(2 * w, w, _STYLE_WIDTH) for w in widths[:-1])
        self.widen = nn.Conv2d(widths[0], 4 * tail, 3, padding=1)
        self.tail = StyledBlock(tail, tail, _STYLE_WIDTH)
        self.to_rgb = nn.Conv2d(tail, 12, 3, padding=1)
        self.to_mix = nn.Conv2d(tail, 4, 3, padding=1)
        nn.init.normal_(self.texture_stem.weight, 0, 1e-3)
        nn.init.zeros_(self.reading.weight)
        nn.init.zeros_(self.reading.bias)
        nn.init.normal_(self.to_mix.weight, 0, 1e-2)
        with torch.no_grad():
            assert self.to_mix.bias is not None
            self.to_mix.bias.copy_(torch.tensor([0.0, 0, 0, 1]))

    def forward(self, x: Tensor, style: Tensor, reading: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Residual picture, log-gain and opacity.

        Args:
            x: (N, 12, S, S): condition, context and wall; texture, skin and features; pictures in
                [-1, 1], masks in [0, 1].
            style: (N, 16).
            reading: (N, 7), shares of the seven expressions.

        Returns:
            (N, 3, S, S) in [-1, 1]; (N, 3, S / 8, S / 8), to be enlarged; (N, 1, S / 2, S / 2)
            in [0, 1], to be enlarged and multiplied by the texture's cover.
        """
        w = self.style(style) + self.reading(reading)
        plain, texture = x[:, :PLAIN_CHANNELS], x[:, PLAIN_CHANNELS:]
        h = self.stem(F.pixel_unshuffle(plain, _UNSHUFFLE))
        h = F.leaky_relu(h + self.texture_stem(F.pixel_unshuffle(texture, _UNSHUFFLE)), 0.2)
        skips = []
        for i, block in enumerate(self.encoder):
            h = block(h, w)
            if i < len(self.down):
                skips.append(h)
                h = F.leaky_relu(self.down[i](h), 0.2)
        h = self.middle(h, w)
        for i in reversed(range(len(self.up))):
            h = F.leaky_relu(self.up[i](F.interpolate(h, scale_factor=2.0, mode="nearest")), 0.2)
            h = self.decoder[i](torch.cat([h, skips[i]], 1), w)
        h = self.tail(F.leaky_relu(F.pixel_shuffle(self.widen(h), 2), 0.2), w)
        mix = self.to_mix(h)
        gain = F.avg_pool2d(mix[:, :3], _COARSE).clamp(-_MOST_GAIN, _MOST_GAIN)
        return torch.tanh(F.pixel_shuffle(self.to_rgb(h), 2)), gain, torch.sigmoid(mix[:, 3:])


def compose(rgb: Tensor, gain: Tensor, alpha: Tensor, texture: Tensor, cover: Tensor) -> Tensor:
    """The new face at the texture's resolution, (N, 3, T, T) in [-1, 1].

    Args:
        rgb: (N, 3, S, S) in [-1, 1].
        gain: (N, 3, g, g) natural logarithms.
        alpha: (N, 1, a, a) in [0, 1].
        texture: (N, 3, T, T) in [-1, 1].
        cover: (N, 1, T, T) in [0, 1], where the texture may be used.
    """
    size = texture.shape[-2:]

    def enlarged(x: Tensor) -> Tensor:
        if x.shape[-2:] == size:
            return x
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False)

    lit = ((texture + 1) / 2).clamp(0, 1) * torch.exp(enlarged(gain)) * 2 - 1
    share = enlarged(alpha) * cover
    return share * lit + (1 - share) * enlarged(rgb)
