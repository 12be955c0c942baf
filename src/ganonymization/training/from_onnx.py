"""Going on from an exported generator: its weights back in the network."""

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from .. import weights
from ..errors import ModelError
from .networks import Generator, unstrided

_FUSED = "ConvMulFusion"  # ONNX Runtime's preparation for int8 folds a block's factor 0.5 in
_Arrays = dict[str, NDArray[np.float32]]


def load_exported(generator: Generator, model: str) -> None:
    """Give a generator, in place, the weights of a file that ``ganonymize export`` wrote.

    The style encoder, the discriminators and the bank of styles are not in the file and must be
    learnt anew; a head start does that. ``model`` is a file, or the name of a shipped model.

    Raises:
        ModelError: The file lacks a parameter, or is none of ours.
    """
    path = weights.resolve(model)
    found = _parameters(path)
    state = {}
    for name, parameter in generator.state_dict().items():
        array = found.get("generator." + name)
        if array is None or array.size != parameter.numel():
            raise ModelError(f"{path}: no generator of ours: {name} is missing or of another shape")
        tensor = torch.from_numpy(array.copy())
        state[name] = unstrided(tensor) if name == "stem.weight" else tensor
    generator.load_state_dict(state)


def _parameters(path: Path) -> _Arrays:
    """The file's parameters in single precision, by their names in the network."""
    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:  # protobuf raises many kinds on a wrong file
        raise ModelError(f"{path}: not an ONNX file") from error
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    arrays: _Arrays = {name: array.astype(np.float32) for name, array in stored.items()}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in stored:
            arrays[node.output[0]] = arrays[node.input[0]]
        elif node.op_type == "DequantizeLinear" and node.input[0] in stored:
            whole, scale, zero = (arrays[name] for name in node.input)
            channels = (-1, *[1] * (whole.ndim - 1))
            arrays[node.output[0]] = (whole - zero.reshape(channels)) * scale.reshape(channels)
    for node in graph.node:  # a convolution's inputs may have lost their names, it has not
        if node.op_type == "Conv":
            place = node.name.strip("/").removesuffix("/Conv").replace("/", ".")
            fused = 2.0 if node.input[1].startswith(_FUSED) else 1.0
            for kind, name in zip(("weight", "bias"), node.input[1:], strict=True):
                if name in arrays:
                    arrays[f"{place}.{kind}"] = arrays[name] * fused
    return arrays
