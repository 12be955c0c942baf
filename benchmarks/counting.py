"""Multiply-adds of networks, counted in their files, for ``limits.py``."""

import math
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime

COUNTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")

Feed = dict[str, np.ndarray]
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Work:
    """Multiply-adds of a network.

    Attributes:
        int8: With stored integers.
        fp32: Others.
    """

    int8: int
    fp32: int


def session(model: bytes) -> onnxruntime.InferenceSession:
    """On one thread."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])


def shapes_in(model: onnx.ModelProto, nodes: list[onnx.NodeProto], feed: Feed) -> Shapes:
    """Shapes of what those operations take and give, as a run tells them; those of weights too."""
    graph = model.graph
    shapes: Shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Cast", "DequantizeLinear") and node.input[0] in shapes:
            shapes[node.output[0]] = shapes[node.input[0]]
    names = {name for node in nodes for name in (node.input[0], node.output[0])}
    wanted = sorted(names - set(feed) - {value.name for value in graph.output})
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
    opened = session(shown.SerializeToString())
    told = zip([o.name for o in opened.get_outputs()], opened.run(None, feed), strict=True)
    return shapes | {n: v.shape for n, v in feed.items()} | {n: v.shape for n, v in told}


def counted(model: onnx.ModelProto, feed: Feed) -> Work:
    """Multiply-adds of an ONNX network on such inputs."""
    nodes = [n for n in model.graph.node if n.op_type in COUNTED]
    shapes = shapes_in(model, nodes, feed)
    unpacked = {n.output[0] for n in model.graph.node if n.op_type == "DequantizeLinear"}
    work = {True: 0, False: 0}
    for node in nodes:
        work[node.input[1] in unpacked] += multiply_adds(node, shapes)
    return Work(work[True], work[False])


def multiply_adds(node: onnx.NodeProto, shapes: Shapes) -> int:
    """Of one operation: each number of the one side meets a kernel or a row of the other."""
    source, made = shapes[node.input[0]], shapes[node.output[0]]
    if node.op_type == "Conv":
        return math.prod(made) * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "ConvTranspose":
        return math.prod(source) * math.prod(shapes[node.input[1]][1:])
    return math.prod(made) * source[-1]
