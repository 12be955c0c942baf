"""The refiner: draws a face's light, tone and features, and says where a donor's texture shows."""

import math
import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...geometry.rasterisation import DARKEST, LIGHT_EYES
from ...geometry.transforms import CROP_SIDE_EYES
from ..networks import STYLE_WIDTH, Generator

READINGS = 7
PLAIN_CHANNELS = 7  # condition 3, context 3, wall 1: those of the first generator
TEXTURE_CHANNELS = 5  # texture 3, skin 1, features 1
_UNSHUFFLE = 4
_CELLS = 32  # along a side: where light ends and texture begins is found at this resolution


class Refiner(Generator):
    """The generator with a second stem for the texture, and an opacity.

    The texture keeps its own resolution, whatever that is: :func:`compose`.

    Args:
        widths: Channels at 1/4, 1/8, 1/16 and 1/32 of the picture's side.
        tail: Channels at 1/2.
    """

    def __init__(self, widths: tuple[int, ...] = (64, 96, 192, 256), tail: int = 32) -> None:
        super().__init__(widths, tail)
        self.widths, self.tail_width = tuple(widths), tail
        self.reading = nn.Linear(READINGS, STYLE_WIDTH)
        self.texture_stem = nn.Conv2d(
            TEXTURE_CHANNELS * _UNSHUFFLE**2, widths[0], 3, padding=1, bias=False
        )
        self.to_opacity = nn.Conv2d(tail, 1, 3, padding=1)
        nn.init.normal_(self.texture_stem.weight, 0, 1e-3)
        nn.init.zeros_(self.reading.weight)
        nn.init.zeros_(self.reading.bias)
        nn.init.normal_(self.to_opacity.weight, 0, 1e-2)
        nn.init.ones_(self.to_opacity.bias)  # type: ignore[arg-type]

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> "Refiner":
        """The refiner whose weights these are, in any precision; they tell its widths."""
        downs = [value for key, value in state.items() if re.fullmatch(r"down\.\d+\.weight", key)]
        widths = (len(state["stem.weight"]), *(len(down) for down in downs))
        refiner = cls(widths, int(state["to_rgb.weight"].shape[1]))
        refiner.load_state_dict({key: value.float() for key, value in state.items()})
        return refiner

    def forward(  # type: ignore[override]
        self, x: Tensor, style: Tensor, reading: Tensor
    ) -> tuple[Tensor, Tensor]:
        """A drawn face, and how much of its detail the texture replaces.

        Args:
            x: (N, 12, S, S): condition, context and wall; delit texture, skin and features;
                pictures in [-1, 1], masks in [0, 1].
            style: (N, 16).
            reading: (N, 7), shares of the seven expressions.

        Returns:
            (N, 3, S, S) in [-1, 1]; (N, 1, S / 2, S / 2) in [0, 1], to be enlarged and multiplied
            by the texture's cover.
        """
        plain, texture = x[:, :PLAIN_CHANNELS], x[:, PLAIN_CHANNELS:]
        stem = self.stem(plain) + self.texture_stem(F.pixel_unshuffle(texture, _UNSHUFFLE))
        h = self.decoded(stem, self.style(style) + self.reading(reading))
        rgb = torch.tanh(F.pixel_shuffle(self.to_rgb(h), 2))
        return rgb, torch.sigmoid(self.to_opacity(h))


def compose(rgb: Tensor, opacity: Tensor, texture: Tensor, cover: Tensor) -> Tensor:
    """The new face at the texture's resolution, (N, 3, T, T) in [-1, 1].

    Light and tone are the drawn face's; detail is the texture's where it covers. Both are parted
    in logarithms, where light is a sum (Land and McCann's retinex, 1971), by a Gaussian that sees
    covered pixels alone.

    Args:
        rgb: (N, 3, S, S) in [-1, 1].
        opacity: (N, 1, a, a) in [0, 1].
        texture: (N, 3, T, T) in [-1, 1].
        cover: (N, 1, T, T) in [0, 1], where the texture may be used.
    """
    size = (int(texture.shape[-2]), int(texture.shape[-1]))
    drawn, worn = _logarithm(enlarged(rgb, size)), _logarithm(texture)
    gap = worn - drawn
    detail = gap - enlarged(_light(gap, (cover > 0).to(gap.dtype)), size)
    log = drawn + enlarged(opacity, size) * cover * detail
    return ((torch.exp(log) - DARKEST) * 2 - 1).clamp(-1, 1)


def enlarged(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinearly resized to (N, C, *size)."""
    if x.shape[-2:] == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def _logarithm(picture: Tensor) -> Tensor:
    return torch.log(((picture + 1) / 2).clamp(0, 1) + DARKEST)


def _light(x: Tensor, shown: Tensor) -> Tensor:
    """What of x is smooth, (N, 3, 32, 32), by the pixels that are shown."""
    sums = F.adaptive_avg_pool2d(torch.cat([x * shown, shown], 1), _CELLS)
    deviation = LIGHT_EYES * _CELLS / CROP_SIDE_EYES
    radius = math.ceil(3 * deviation)
    steps = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-(steps**2) / (2 * deviation**2))
    kernel = (kernel / kernel.sum()).expand(sums.shape[1], 1, 1, -1)
    groups = sums.shape[1]
    sums = F.conv2d(sums, kernel, padding=(0, radius), groups=groups)
    sums = F.conv2d(sums, kernel.transpose(2, 3), padding=(radius, 0), groups=groups)
    return sums[:, :-1] / sums[:, -1:].clamp_min(1e-4)
