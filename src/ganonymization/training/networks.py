"""The default generator and its style encoder. Pictures are RGB in [-1, 1]."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STYLE_SIZE = 16
STYLE_WIDTH = 64
INPUT_CHANNELS = 7  # condition 3, context 3, wall mask 1


class StyledBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; the style scales and shifts what is between them."""

    def __init__(self, channels_in: int, channels: int, style_width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.style = nn.Linear(style_width, 2 * channels)
        same = channels_in == channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels, 1)
        nn.init.zeros_(self.style.weight)
        nn.init.zeros_(self.style.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """X (N, C_in, H, W), style (N, style_width) -> (N, C, H, W)."""
        h = F.leaky_relu(self.first(x), 0.2)
        scale, shift = self.style(style)[:, :, None, None].chunk(2, 1)
        h = self.second(h * (1 + scale) + shift)
        return F.leaky_relu(self.shortcut(x) + 0.5 * h, 0.2)


_UNSHUFFLE = 4


class UnshuffledConv(nn.Conv2d):
    """A 3x3 convolution of what a pixel-unshuffle by 4 makes of a picture."""

    def __init__(self, channels: int) -> None:
        super().__init__(INPUT_CHANNELS * _UNSHUFFLE**2, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """X (N, 7, S, S) -> (N, channels, S / 4, S / 4)."""
        return super().forward(F.pixel_unshuffle(x, _UNSHUFFLE))


def strided(stem: nn.Conv2d) -> nn.Conv2d:
    """An :class:`UnshuffledConv` as one 12x12 convolution of stride 4: faster outside torch."""
    k = _UNSHUFFLE
    conv = nn.Conv2d(INPUT_CHANNELS, stem.out_channels, 3 * k, stride=k, padding=k)
    taps = stem.weight.detach().view(-1, INPUT_CHANNELS, k, k, 3, 3)
    with torch.no_grad():  # taps: channel, row and column within a block, row and column of blocks
        conv.weight.copy_(taps.permute(0, 1, 4, 2, 5, 3).reshape(conv.weight.shape))
        assert stem.bias is not None and conv.bias is not None
        conv.bias.copy_(stem.bias)
    return conv


def unstrided(weight: Tensor) -> Tensor:
    """The weight of an :class:`UnshuffledConv` from that of :func:`strided`."""
    k = _UNSHUFFLE
    taps = weight.view(-1, INPUT_CHANNELS, 3, k, 3, k).permute(0, 1, 3, 5, 2, 4)
    return taps.reshape(len(weight), INPUT_CHANNELS * k * k, 3, 3)


class Generator(nn.Module):
    """U-Net between a pixel-unshuffle by 4 and two pixel-shuffles by 2.

    Args:
        widths: Channels at 1/4, 1/8, 1/16 and 1/32 of the picture's side.
        tail: Channels at 1/2.
    """

    def __init__(self, widths: tuple[int, ...] = (64, 96, 192, 256), tail: int = 32) -> None:
        super().__init__()
        style_width = STYLE_WIDTH
        self.style = nn.Sequential(
            nn.Linear(STYLE_SIZE, style_width),
            nn.LeakyReLU(0.2),
            nn.Linear(style_width, style_width),
            nn.LeakyReLU(0.2),
        )
        self.stem: nn.Conv2d = UnshuffledConv(widths[0])
        self.encoder = nn.ModuleList(StyledBlock(w, w, style_width) for w in widths)
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths)
        )
        self.middle = StyledBlock(widths[-1], widths[-1], style_width)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1) for a, b in pairwise(widths))
        self.decoder = nn.ModuleList(StyledBlock(2 * w, w, style_width) for w in widths[:-1])
        self.widen = nn.Conv2d(widths[0], 4 * tail, 3, padding=1)
        self.tail = StyledBlock(tail, tail, style_width)
        self.to_rgb = nn.Conv2d(tail, 12, 3, padding=1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """X (N, 7, S, S) in [-1, 1], style (N, 16) -> (N, 3, S, S) in [-1, 1]."""
        h = self.decoded(self.stem(x), self.style(style))
        return torch.tanh(F.pixel_shuffle(self.to_rgb(h), 2))

    def decoded(self, stem: Tensor, w: Tensor) -> Tensor:
        """Stem (N, widths[0], S / 4, S / 4) and style (N, 64) -> (N, tail, S / 2, S / 2)."""
        h = F.leaky_relu(stem, 0.2)
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
        tail: Tensor = self.tail(F.leaky_relu(self.widened(h), 0.2), w)
        return tail

    def widened(self, h: Tensor) -> Tensor:
        """(N, widths[0], S / 4, S / 4) -> (N, tail, S / 2, S / 2)."""
        return F.pixel_shuffle(self.widen(h), 2)


class StyleEncoder(nn.Module):
    """Reads a picture's style at 64 x 64: the mean and log-variance of q(style | picture).

    Used in training alone; at run time styles come from the bank.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 96, 128)
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, b, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Linear(widths[-1] * 16, 2 * STYLE_SIZE)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Picture (N, 3, S, S) in [-1, 1] -> mean, log-variance, each (N, 16)."""
        small = F.interpolate(picture, (64, 64), mode="area")
        mean, log_variance = self.head(self.body(small)).chunk(2, 1)
        return mean, log_variance.clamp(-8, 4)


class StyleBank(nn.Module):
    """The styles of the pictures seen last, oldest replaced first.

    New styles are mixed from them: drawn from a normal distribution instead, some would be styles
    that no picture has, and those draw artefacts.
    """

    def __init__(self, size: int = 1024) -> None:
        super().__init__()
        self.register_buffer("styles", torch.zeros(size, STYLE_SIZE))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def follow(self, mean: Tensor) -> None:
        """Keep the styles of a batch, (N, 16)."""
        styles, seen = self.get_buffer("styles"), self.get_buffer("seen")
        places = (seen + torch.arange(len(mean), device=mean.device)) % len(styles)
        styles[places] = mean.to(styles.dtype)
        seen += len(mean)

    def usual(self, share: float) -> Tensor:
        """The given share of the styles, those nearest to their mean in Mahalanobis' sense."""
        kept = self.get_buffer("styles")[: int(self.get_buffer("seen"))]
        off = kept - kept.mean(0)
        covariance = off.T @ off / max(1, len(off) - 1) + 1e-3 * torch.eye(STYLE_SIZE)
        distance = (off @ torch.linalg.inv(covariance) * off).sum(1)
        return kept[distance.argsort()[: max(1, round(share * len(kept)))]]
