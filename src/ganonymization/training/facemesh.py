"""FaceMesh as a PyTorch network, so that a loss can ask where a drawn face's landmarks are found.

The network is the one that MediaPipe runs, read from the file in its wheel (Grishchenko et al.,
"Attention mesh", CVPR workshops 2020). MediaPipe itself passes no gradient back.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import tflite
import torch
from flatbuffers import flexbuffers
from torch import Tensor, nn
from torch.nn import functional as F

from ..geometry import topology

_FILE = "modules/face_landmark/face_landmark_with_attention.tflite"
INPUT_PX = 192
_SAME = 0  # TensorFlow Lite's code for padding that keeps the size
_REGIONS = ("output_lips", "output_left_eye", "output_right_eye")
_IRISES = ("output_left_iris", "output_right_iris")

_Values = dict[int, Tensor]
_Step = Callable[[_Values], None]


class FaceMesh(nn.Module):
    """478 landmarks of a face that fills about two thirds of a square picture; frozen.

    The file's own operations, one after the other, on any number of pictures at once.
    """

    def __init__(self) -> None:
        super().__init__()
        package = find_spec("mediapipe")  # found, not imported: that takes a second
        assert package is not None and package.origin is not None
        model = tflite.Model.GetRootAs((Path(package.origin).parent / _FILE).read_bytes(), 0)
        graph = model.Subgraphs(0)
        self._names = {graph.Tensors(i).Name().decode(): int(i) for i in graph.OutputsAsNumpy()}
        self._input = int(graph.InputsAsNumpy()[0])
        self._steps: list[_Step] = []
        self._regions: list[list[int]] = []  # landmarks that each refined region replaces
        reader = _Reader(self, model, graph)
        for number in range(graph.OperatorsLength()):
            reader.add(graph.Operators(number))
        self._steps, self._regions = reader.steps, reader.regions
        self.requires_grad_(False)

    def forward(self, picture: Tensor) -> Tensor:
        """Pictures (N, 3, 192, 192) RGB in [-1, 1] to landmarks (N, 478, 2) in their pixels."""
        values: _Values = {self._input: (picture + 1) / 2}
        for step in self._steps:
            step(values)
        count = len(picture)
        mesh = values[self._names["output_mesh_identity"]].view(count, -1, 3)[..., :2]
        points = torch.cat([mesh, mesh.new_zeros(count, 10, 2)], 1)
        for name, indices in zip(_REGIONS, self._regions, strict=True):
            points[:, indices] = values[self._names[name]].view(count, -1, 2)
        irises = [values[self._names[name]].view(count, -1, 2) for name in _IRISES]
        points[:, topology.SURFACE_COUNT :] = torch.cat(irises, 1)
        return points


class _Reader:
    """Turns the file's operations into steps on a dictionary of tensors; pictures are NCHW."""

    def __init__(self, module: nn.Module, model: Any, graph: Any) -> None:
        self.module, self.model, self.graph = module, model, graph
        self.steps: list[_Step] = []
        self.regions: list[list[int]] = []
        self._aliases: dict[int, int] = {}
        self._kinds = {
            number: name for name, number in vars(tflite.BuiltinOperator).items()
            if isinstance(number, int)
        }  # fmt: skip

    def add(self, operation: Any) -> None:
        """Append the step that one operation of the file asks for."""
        code = self.model.OperatorCodes(operation.OpcodeIndex())
        kind = self._kinds[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        kind = code.CustomCode().decode() if kind == "CUSTOM" else kind
        inputs = [int(i) for i in operation.InputsAsNumpy()]
        output = int(operation.OutputsAsNumpy()[0])
        if kind == "DEQUANTIZE":  # weights are stored in half precision
            self._aliases[output] = inputs[0]
        else:
            self.steps.append(getattr(self, "_" + kind.lower())(operation, inputs, output))

    def _weight(self, number: int, axes: tuple[int, ...] | None = None) -> Callable[[], Tensor]:
        """A constant of the file, as a buffer of the network."""
        number = self._aliases.get(number, number)
        tensor = self.graph.Tensors(number)
        kinds = {tflite.TensorType.FLOAT16: np.float16, tflite.TensorType.FLOAT32: np.float32,
                 tflite.TensorType.INT32: np.int32}  # fmt: skip
        values = np.frombuffer(
            self.model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes(), kinds[tensor.Type()]
        ).reshape(tensor.ShapeAsNumpy())
        values = values if axes is None else values.transpose(axes)
        name, module = f"constant_{number}", self.module
        constant = torch.from_numpy(values.astype(np.float32))
        module.register_buffer(name, constant.contiguous(), persistent=False)
        return lambda: module.get_buffer(name)

    def _conv_2d(
        self, operation: Any, inputs: list[int], output: int, depthwise: bool = False
    ) -> _Step:
        options = tflite.DepthwiseConv2DOptions() if depthwise else tflite.Conv2DOptions()
        table = operation.BuiltinOptions()
        options.Init(table.Bytes, table.Pos)
        weight = self._weight(inputs[1], (3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
        bias = self._weight(inputs[2])
        stride, same = options.StrideH(), options.Padding() == _SAME

        def step(values: _Values) -> None:
            x, kernel = values[inputs[0]], weight()
            if same:
                x = _padded(x, kernel.shape[-1], stride)
            groups = x.shape[1] if depthwise else 1
            values[output] = F.conv2d(x, kernel, bias(), stride, groups=groups)

        return step

    def _depthwise_conv_2d(self, operation: Any, inputs: list[int], output: int) -> _Step:
        return self._conv_2d(operation, inputs, output, depthwise=True)

    def _prelu(self, operation: Any, inputs: list[int], output: int) -> _Step:
        slope = self._weight(inputs[1])

        def step(values: _Values) -> None:
            values[output] = F.prelu(values[inputs[0]], slope().flatten())

        return step

    def _add(self, operation: Any, inputs: list[int], output: int) -> _Step:
        def step(values: _Values) -> None:
            values[output] = values[inputs[0]] + values[inputs[1]]

        return step

    def _mul(self, operation: Any, inputs: list[int], output: int) -> _Step:
        factor = self._weight(inputs[1])

        def step(values: _Values) -> None:
            values[output] = values[inputs[0]] * factor()

        return step

    def _max_pool_2d(self, operation: Any, inputs: list[int], output: int) -> _Step:
        def step(values: _Values) -> None:
            values[output] = F.max_pool2d(values[inputs[0]], 2)

        return step

    def _pad(self, operation: Any, inputs: list[int], output: int) -> _Step:
        more = int(self._weight(inputs[1])()[3, 1])  # channels alone are padded

        def step(values: _Values) -> None:
            values[output] = F.pad(values[inputs[0]], (0, 0, 0, 0, 0, more))

        return step

    def _reshape(self, operation: Any, inputs: list[int], output: int) -> _Step:
        shape = [int(n) for n in self.graph.Tensors(output).ShapeAsNumpy()[1:]]

        def step(values: _Values) -> None:
            x = values[inputs[0]]
            values[output] = x.reshape(len(x), *shape)

        return step

    def _strided_slice(self, operation: Any, inputs: list[int], output: int) -> _Step:
        def step(values: _Values) -> None:  # the file slices everything: an identity
            values[output] = values[inputs[0]]

        return step

    def _landmarks2transformmatrix(self, operation: Any, inputs: list[int], output: int) -> _Step:
        options = flexbuffers.Loads(operation.CustomOptionsAsNumpy().tobytes())
        subset = [int(i) for i in options["subset_idxs"]]
        self.regions.append(subset)
        ends = options["left_rotation_idx"], options["right_rotation_idx"]
        grid = options["output_width"]
        grow = torch.tensor([options["scale_x"], options["scale_y"]])

        def step(values: _Values) -> None:
            points = values[inputs[0]][..., :2].detach()
            values[output] = _region_matrix(points, subset, ends, grow.to(points), grid)

        return step

    def _transformtensorbilinear(self, operation: Any, inputs: list[int], output: int) -> _Step:
        side = int(self.graph.Tensors(output).ShapeAsNumpy()[1])

        def step(values: _Values) -> None:
            values[output] = _sampled(values[inputs[0]], values[inputs[1]], side)

        return step

    def _transformlandmarks(self, operation: Any, inputs: list[int], output: int) -> _Step:
        def step(values: _Values) -> None:
            points, matrix = values[inputs[0]], values[inputs[1]]
            values[output] = points @ matrix[:, :2, :2].mT + matrix[:, None, :2, 3]

        return step


def _padded(x: Tensor, kernel: int, stride: int) -> Tensor:
    """TensorFlow's padding: what is odd goes to the right and below."""
    height, width = (max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[-2:])
    return F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))


def _region_matrix(
    points: Tensor, subset: list[int], ends: tuple[int, int], grow: Tensor, grid: int
) -> Tensor:
    """Maps a region's grid to the picture: its landmarks' box, turned with it and widened.

    Args:
        points: (N, 468, 2) in pixels of the feature map.
        subset: Landmarks of the region.
        ends: Two landmarks; the region's x-axis runs from the first to the second.
        grow: (2,) factors of the box's sides.
        grid: Cells along a side of the region.

    Returns:
        (N, 4, 4).
    """
    along = points[:, ends[1]] - points[:, ends[0]]
    unit = along / along.norm(dim=1, keepdim=True)
    cosine, sine = unit.unbind(1)
    turn = torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], 1)
    level = points[:, subset] @ turn  # rows times the turn: turned back
    low, high = level.amin(1), level.amax(1)
    centre = (turn @ ((low + high) / 2)[..., None])[..., 0]
    axes = turn * ((high - low) * grow / grid)[:, None]
    matrix = torch.zeros(len(points), 4, 4, dtype=points.dtype, device=points.device)
    matrix[:, :2, :2] = axes
    matrix[:, :2, 3] = centre - axes.sum(2) * grid / 2
    matrix[:, 2, 2] = matrix[:, 3, 3] = 1
    return matrix


def _sampled(x: Tensor, matrix: Tensor, side: int) -> Tensor:
    """Features (N, C, H, W) at the cells of a region's grid, (N, C, side, side)."""
    cells = torch.arange(side, dtype=x.dtype, device=x.device) + 0.5
    v, u = torch.meshgrid(cells, cells, indexing="ij")
    grid = torch.stack([u, v], -1).view(1, -1, 2)
    places = grid @ matrix[:, :2, :2].mT + matrix[:, None, :2, 3]
    size = torch.tensor([x.shape[-1], x.shape[-2]], dtype=x.dtype, device=x.device)
    relative = (places / size * 2 - 1).view(len(x), side, side, 2)
    return F.grid_sample(x, relative, mode="bilinear", padding_mode="zeros", align_corners=False)
