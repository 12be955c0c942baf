"""A small ONNX network as a PyTorch module, so that a loss can pass its gradient back."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F


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
            values[output] = _OPERATIONS[kind](*(values[name] for name in inputs), **attributes)
        return [values[name] for name in self.outputs]


def _needed(nodes: list[onnx.NodeProto], outputs: Sequence[str]) -> list[onnx.NodeProto]:
    """The nodes that the outputs depend on, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _conv(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, strides: list[int],
    pads: list[int] | None = None, group: int = 1, **_: Any,
) -> Tensor:  # fmt: skip
    top, left, bottom, right = pads or _same_upper(x, weight, strides)
    return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, strides, groups=group)


def _same_upper(x: Tensor, weight: Tensor, strides: list[int]) -> list[int]:
    """Pads of ``auto_pad = SAME_UPPER``: outputs for each stride, the odd pixel below and right."""
    total = [
        max(0, (-(-side // stride) - 1) * stride + kernel - side)
        for side, stride, kernel in zip(x.shape[-2:], strides, weight.shape[-2:], strict=True)
    ]
    return [*(pixels // 2 for pixels in total), *(pixels - pixels // 2 for pixels in total)]


def _pad(x: Tensor, pads: Tensor, **_: Any) -> Tensor:
    low, high = pads.view(2, -1).tolist()
    pairs = [n for axis in reversed(range(len(low))) for n in (low[axis], high[axis])]
    return F.pad(x, pairs)


def _grid_sample(x: Tensor, grid: Tensor, **_: Any) -> Tensor:
    # where a network looks passes no gradient: that of boxes is noise
    return F.grid_sample(x, grid.detach(), "bilinear", "zeros", align_corners=False)


def _reshape(x: Tensor, shape: Tensor) -> Tensor:
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(shape.tolist())])


_OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "Conv": _conv,
    "MaxPool": lambda x, *, kernel_shape, strides, **_: F.max_pool2d(x, kernel_shape, strides),
    "AveragePool": lambda x, *, kernel_shape, strides, **_: F.avg_pool2d(x, kernel_shape, strides),
    "Flatten": lambda x, *, axis=1: x.flatten(axis),
    "Pad": _pad,
    "GridSample": _grid_sample,
    "Reshape": _reshape,
    "Transpose": lambda x, *, perm: x.permute(perm),
    "Gather": lambda x, indices, *, axis=0: x.index_select(axis, indices),
    "Concat": lambda *parts, axis: torch.cat(parts, axis),
    "ReduceL2": lambda x, *, axes, keepdims: torch.linalg.vector_norm(
        x, dim=axes, keepdim=bool(keepdims)
    ),
    "ReduceMin": lambda x, *, axes, keepdims: x.amin(axes, keepdim=bool(keepdims)),
    "ReduceMax": lambda x, *, axes, keepdims: x.amax(axes, keepdim=bool(keepdims)),
    "ReduceMean": lambda x, *, axes, keepdims: x.mean(axes, keepdim=bool(keepdims)),
    "Cast": lambda x, **_: x,
    "Identity": lambda x: x,
    "Relu": F.relu,
    "Sigmoid": torch.sigmoid,
    "Add": torch.add,
    "Sub": torch.sub,
    "Mul": torch.mul,
    "Div": torch.div,
    "MatMul": torch.matmul,
}
"""ONNX operators, as far as the shipped networks use them."""
