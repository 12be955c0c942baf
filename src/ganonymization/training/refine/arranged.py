"""A trained refiner, its work arranged as ONNX Runtime's integer kernels like it.

It draws the same. Both stems are one convolution, picture and opacity another, pixels are shuffled
as rows of channels, and pictures come and go as bytes: half of the time went into moving numbers.
"""

from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ...synthesize.refiner import LEVEL, ZERO
from .network import PLAIN_CHANNELS, TEXTURE_CHANNELS, Refiner

CHANNELS = PLAIN_CHANNELS + TEXTURE_CHANNELS
BLOCK = 4  # the stem sees blocks of so many pixels a side
BLOCKS = "blocks"
_SHUFFLE, _COLOURS = 2, 3


class ArrangedRefiner(Refiner):
    """Draws what a refiner draws, of blocks of pixels.

    Args:
        trained: Is left as it is.
    """

    def __init__(self, trained: Refiner) -> None:
        super().__init__(trained.widths, trained.tail_width)
        self.load_state_dict(trained.state_dict())
        with torch.no_grad():
            self.joint_stem = _joint_stem(self)
            self.head = _head(self)
            for kept in (self.widen.weight, self.widen.bias):
                assert kept is not None
                kept.copy_(_as_rows(kept, _SHUFFLE**2).clone())

    def forward(  # type: ignore[override]
        self, blocks: Tensor, style: Tensor, reading: Tensor
    ) -> tuple[Tensor, Tensor]:
        """A drawn face, and how much of its detail the texture replaces.

        Args:
            blocks: (N, 192, S / 4, S / 4), rows of :class:`Refiner`'s twelve layers.
            style: (N, 16).
            reading: (N, 7).

        Returns:
            (N, S, S, 3) uint8; (N, 1, S / 2, S / 2) in [0, 1].
        """
        h = self.decoded(self.joint_stem(blocks), self.style(style) + self.reading(reading))
        drawn = self.head(h)
        colours = _COLOURS * _SHUFFLE**2
        levels = torch.round(torch.tanh(drawn[:, :colours]) * 127.5 + 127.5).to(torch.uint8)
        return _shuffled(levels), torch.sigmoid(drawn[:, colours : colours + 1])

    def widened(self, h: Tensor) -> Tensor:
        """See :meth:`ganonymization.training.networks.Generator.widened`."""
        return _shuffled(self.widen(h)).permute(0, 3, 1, 2)


def _joint_stem(trained: Refiner) -> nn.Conv2d:
    taps = torch.cat([trained.stem.weight, trained.texture_stem.weight], 1)
    weight = _as_rows(taps.transpose(0, 1), BLOCK**2).transpose(0, 1)
    joint = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
    joint.weight.copy_(weight)
    cast(Tensor, joint.bias).copy_(cast(Tensor, trained.stem.bias))
    return joint


def _head(trained: Refiner) -> nn.Conv2d:
    """Picture, as rows of colours, and opacity."""
    rgb, opacity = trained.to_rgb, trained.to_opacity
    head = nn.Conv2d(rgb.in_channels, rgb.out_channels + 1, 3, padding=1)
    for own, of_rgb, of_opacity in (
        (head.weight, rgb.weight, opacity.weight),
        (cast(Tensor, head.bias), cast(Tensor, rgb.bias), cast(Tensor, opacity.bias)),
    ):
        own.copy_(torch.cat([_as_rows(of_rgb, _SHUFFLE**2), of_opacity]))
    return head


def _as_rows(x: Tensor, pixels: int) -> Tensor:
    """Channels ordered by layer and then pixel, reordered by pixel and then layer."""
    return x.reshape(-1, pixels, *x.shape[1:]).transpose(0, 1).reshape(x.shape)


def _shuffled(x: Tensor) -> Tensor:
    """A pixel-shuffle by 2 of rows, (N, 4 C, h, w) -> (N, 2 h, 2 w, C): whole rows move."""
    k, (height, width) = _SHUFFLE, (int(side) for side in x.shape[-2:])
    rows = x.permute(0, 2, 3, 1).reshape(-1, height, width, k, k, x.shape[1] // k**2)
    return rows.permute(0, 1, 3, 2, 4, 5).reshape(-1, k * height, k * width, x.shape[1] // k**2)


def as_blocks(layers: Tensor) -> Tensor:
    """Layers (N, 12, S, S) as the stem sees them, (N, 192, S / 4, S / 4), rounded to bytes."""
    size, k = int(layers.shape[-1]) // BLOCK, BLOCK
    levels = (torch.round(layers / LEVEL) + ZERO).clamp(0, 255)
    rows = ((levels - ZERO) * LEVEL).reshape(-1, CHANNELS, size, k, size, k)
    return rows.permute(0, 3, 5, 1, 2, 4).reshape(-1, CHANNELS * k * k, size, size)


def take_bytes(model: Path, size_px: int) -> None:
    """Let an exported file take its layers as ``input``, (N, S, S, 12) uint8, in place.

    Bytes are the stem's integers as they are, where it is an integer convolution.
    """
    loaded = onnx.load(str(model))
    graph, side, k = loaded.graph, size_px // BLOCK, BLOCK
    name, kept, unused = BLOCKS, [], set()
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and node.input[0] == name:
            name = node.output[0]
            unused.update(node.input[1:])
        else:
            kept.append(node)
    numbers = [tensor for tensor in graph.initializer if tensor.name not in unused]
    shapes = {"split": [0, side, k, side, k, CHANNELS], "joined": [0, side, side, CHANNELS * k * k]}
    del graph.initializer[:]
    graph.initializer.extend(
        numbers
        + [numpy_helper.from_array(np.array(shape, np.int64), key) for key, shape in shapes.items()]
        + [numpy_helper.from_array(np.array(LEVEL, np.float32), "level"),
           numpy_helper.from_array(np.array(ZERO, np.uint8), "zero")]
    )  # fmt: skip
    first = [
        helper.make_node("Reshape", ["input", "split"], ["pixels"]),
        helper.make_node("Transpose", ["pixels"], ["rows"], perm=[0, 1, 3, 2, 4, 5]),
        helper.make_node("Reshape", ["rows", "joined"], ["cells"]),
        helper.make_node("Transpose", ["cells"], ["levels"], perm=[0, 3, 1, 2]),
        helper.make_node("DequantizeLinear", ["levels", "level", "zero"], [name]),
    ]
    del graph.node[:]
    graph.node.extend([*first, *kept])
    shape: list[str | int | None] = ["n", size_px, size_px, CHANNELS]
    layers = helper.make_tensor_value_info("input", TensorProto.UINT8, shape)
    others = [given for given in graph.input if given.name != BLOCKS]
    del graph.input[:]
    graph.input.extend([layers, *others])
    onnx.save(loaded, str(model))
