"""The paper's two networks, with the published checkpoints' parameter names.

Hellmann et al., "GANonymization", TOMM 2024, after Isola et al., "Image-to-image translation with
conditional adversarial networks", CVPR 2017. Pictures are RGB in [-1, 1].
"""

import pathlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ModelError

_DOWN = (64, 128, 256, 512, 512, 512, 512, 512)
_UP = (512, 512, 512, 512, 256, 128, 64)
_DROPOUT = 0.5


class _Down(nn.Module):
    """Halves the sides."""

    def __init__(self, channels_in: int, channels: int, norm: bool, dropout: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels_in, channels, 4, 2, 1, bias=False)]
        if norm:
            layers.append(nn.InstanceNorm2d(channels))
        layers.append(nn.LeakyReLU(0.2))
        if dropout:
            layers.append(nn.Dropout(_DROPOUT))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.model(x)
        return y


class _Up(nn.Module):
    """Doubles the sides and puts the encoder's features of that size behind its own."""

    def __init__(self, channels_in: int, channels: int, dropout: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(channels_in, channels, 4, 2, 1, bias=False),
            nn.InstanceNorm2d(channels),
            nn.ReLU(),
        ]
        if dropout:
            layers.append(nn.Dropout(_DROPOUT))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return torch.cat([self.model(x), skip], 1)


class Pix2PixGenerator(nn.Module):
    """A U-Net of eight levels; sides must be multiples of 256, for the innermost level halves 2."""

    def __init__(self) -> None:
        super().__init__()
        channels = 3
        for level, width in enumerate(_DOWN, 1):
            norm, dropout = 1 < level < len(_DOWN), level > 3
            self.add_module(f"down{level}", _Down(channels, width, norm, dropout))
            channels = width
        for level, width in enumerate(_UP, 1):
            self.add_module(f"up{level}", _Up(channels, width, dropout=level <= 4))
            channels = width + _DOWN[-1 - level]
        self.final = nn.Sequential(
            nn.Upsample(scale_factor=2),
            nn.ZeroPad2d((1, 0, 1, 0)),
            nn.Conv2d(channels, 3, 4, padding=1),
            nn.Tanh(),
        )

    def forward(self, condition: Tensor) -> Tensor:
        """Condition (N, 3, S, S) -> picture (N, 3, S, S), both in [-1, 1]."""
        skips = []
        x = condition
        for level in range(1, len(_DOWN) + 1):
            x = self.get_submodule(f"down{level}")(x)
            skips.append(x)
        for level in range(1, len(_UP) + 1):
            x = self.get_submodule(f"up{level}")(x, skips[-1 - level])
        picture: Tensor = self.final(x)
        return picture


class PatchDiscriminator(nn.Module):
    """Scores patches of a picture beside its condition."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 6
        for width in (64, 128, 256, 512):
            layers.append(nn.Conv2d(channels, width, 4, 2, 1))
            if channels > 6:
                layers.append(nn.InstanceNorm2d(width))
            layers.append(nn.LeakyReLU(0.2))
            channels = width
        layers += [nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(channels, 1, 4, padding=1, bias=False)]
        self.model = nn.Sequential(*layers)

    def forward(self, picture: Tensor, condition: Tensor) -> Tensor:
        """Two (N, 3, S, S) in [-1, 1] -> scores (N, 1, S / 16, S / 16)."""
        scores: Tensor = self.model(torch.cat([picture, condition], 1))
        return scores


@dataclass(frozen=True)
class Checkpoint:
    """Both networks of a published checkpoint, in training mode, and all that its file holds.

    ``hyper_parameters`` in it are the settings by their published names.
    """

    generator: Pix2PixGenerator
    discriminator: PatchDiscriminator
    content: Mapping[str, Any]

    def img_size(self) -> Any:
        """Side of the pictures it was trained on; 512 where it is not known."""
        settings = self.content.get("hyper_parameters")
        return settings.get("img_size", 512) if isinstance(settings, dict) else 512


def load_checkpoint(path: Path) -> Checkpoint:
    """Both networks of a published checkpoint (a Lightning ``.ckpt``).

    Only tensors and plain values are read from it: a file cannot run code here.

    Raises:
        ModelError: The file is none, or a parameter is missing, of another shape or unknown; the
            message names the first.
    """
    try:
        with torch.serialization.safe_globals([pathlib.PosixPath]):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # torch raises many kinds on a wrong file
        raise ModelError(f"{path}: not a checkpoint that can be read: {_brief(error)}") from error
    tensors = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(tensors, dict):
        raise ModelError(f"{path}: has no 'state_dict'; give a checkpoint of train_pix2pix")
    generator, discriminator = Pix2PixGenerator(), PatchDiscriminator()
    networks = nn.ModuleDict({"generator": generator, "discriminator": discriminator})
    expected, another = networks.state_dict(), "it is another network"
    for name, wanted in expected.items():
        if name not in tensors:
            raise ModelError(f"{path}: lacks {name!r}; it is partial or another network")
        shape, needed = list(tensors[name].shape), list(wanted.shape)
        if shape != needed:
            raise ModelError(f"{path}: {name!r} has shape {shape}, not {needed}; {another}")
    if unknown := [name for name in tensors if name not in expected]:
        raise ModelError(f"{path}: has an unknown parameter {unknown[0]!r}; {another}")
    networks.load_state_dict(tensors)
    return Checkpoint(generator, discriminator, content)


def _brief(error: Exception) -> str:
    """What is wrong, out of torch's long messages."""
    forbidden = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
    if forbidden:
        return f"it wants to call {forbidden[1]}, which no checkpoint may"
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
