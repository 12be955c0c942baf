"""A small ONNX network as a PyTorch module, so that a loss can pass its gradient back."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

_Operation = Callable[..., Tensor]


class OnnxModule(nn.Module):
    """The operations of an ONNX file with one input, one after the other, frozen.

    ``outputs`` are the file's own or other tensors within. Its constants are no part of a
    checkpoint, for the file is at hand.
    """

    def __init__(self, path: Path, outputs: Sequence[str]) -> None:
        super().__init__()
        graph = onnx.load(str(path)).graph
        self.outputs = list(outputs)
        constants = {tensor.name for tensor in graph.initializer}
        for number, tensor in enumerate(graph.initializer):
            values = torch.from_numpy(numpy_helper.to_array(tensor).copy())
            values = values.float() if values.is_floating_point() else values
            self.register_buffer(f"constant_{number}", values, persistent=False)
        self._constants = {tensor.name: i for i, tensor in enumerate(graph.initializer)}
        (self._input,) = [value.name for value in graph.input if value.name not in constants]
        self.steps = [
            (node.op_type, list(node.input), node.output[0],
             {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute})
            for node in _needed(list(graph.node), self.outputs)
        ]  # fmt: skip
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The named tensors for one input."""
        values: dict[str, Tensor] = {"": x[:0], self._input: x}
        for name, number in self._constants.items():
            values[name] = self.get_buffer(f"constant_{number}")
        for kind, inputs, output, attributes in self.steps:
            operation: _Operation = getattr(_Operations, kind.lower())
            values[output] = operation(*(values[name] for name in inputs), **attributes)
        return [values[name] for name in self.outputs]


def _needed(nodes: list[onnx.NodeProto], outputs: Sequence[str]) -> list[onnx.NodeProto]:
    """The nodes that the outputs depend on, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


class _Operations:
    """ONNX operators by name in small letters, as far as the shipped networks use them."""

    @staticmethod
    def conv(
        x: Tensor, weight: Tensor, bias: Tensor | None = None, *, strides: list[int],
        pads: list[int], group: int = 1, **_: Any,
    ) -> Tensor:  # fmt: skip
        top, left, bottom, right = pads
        return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, strides, groups=group)

    @staticmethod
    def maxpool(x: Tensor, *, kernel_shape: list[int], strides: list[int], **_: Any) -> Tensor:
        return F.max_pool2d(x, kernel_shape, strides)

    @staticmethod
    def pad(x: Tensor, pads: Tensor, **_: Any) -> Tensor:
        low, high = pads.view(2, -1).tolist()
        pairs = [n for axis in reversed(range(len(low))) for n in (low[axis], high[axis])]
        return F.pad(x, pairs)

    @staticmethod
    def gridsample(x: Tensor, grid: Tensor, **_: Any) -> Tensor:
        # where a network looks passes no gradient: that of boxes is noise
        return F.grid_sample(x, grid.detach(), "bilinear", "zeros", align_corners=False)

    @staticmethod
    def reshape(x: Tensor, shape: Tensor) -> Tensor:
        sides = [x.shape[i] if n == 0 else n for i, n in enumerate(shape.tolist())]
        return x.reshape(sides)

    @staticmethod
    def transpose(x: Tensor, *, perm: list[int]) -> Tensor:
        return x.permute(perm)

    @staticmethod
    def gather(x: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
        return x.index_select(axis, indices)

    @staticmethod
    def concat(*parts: Tensor, axis: int) -> Tensor:
        return torch.cat(parts, axis)

    @staticmethod
    def reducel2(x: Tensor, *, axes: list[int], keepdims: int) -> Tensor:
        length: Tensor = torch.linalg.vector_norm(x, dim=axes, keepdim=bool(keepdims))
        return length

    @staticmethod
    def reducemin(x: Tensor, *, axes: list[int], keepdims: int) -> Tensor:
        return x.amin(axes, keepdim=bool(keepdims))

    @staticmethod
    def reducemax(x: Tensor, *, axes: list[int], keepdims: int) -> Tensor:
        return x.amax(axes, keepdim=bool(keepdims))

    @staticmethod
    def reducemean(x: Tensor, *, axes: list[int], keepdims: int) -> Tensor:
        return x.mean(axes, keepdim=bool(keepdims))

    @staticmethod
    def cast(x: Tensor, **_: Any) -> Tensor:
        return x

    @staticmethod
    def identity(x: Tensor) -> Tensor:
        return x

    relu, sigmoid = staticmethod(F.relu), staticmethod(torch.sigmoid)
    add, sub, mul, div = (staticmethod(f) for f in (torch.add, torch.sub, torch.mul, torch.div))
    matmul = staticmethod(torch.matmul)
