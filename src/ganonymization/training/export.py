"""A trained generator as one ONNX file."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ..errors import ModelError
from ..synthesize.generator import FORMAT
from .networks import INPUT_CHANNELS, STYLE_SIZE
from .train import Networks

_OPSET = 17
STYLE_SCALE = 0.6
"""Styles are drawn somewhat narrower than pictures have them: rare ones are caricatures."""

_HALF_FROM_NUMBERS = 1024  # smaller tensors are kept in full


class DrawnGenerator(nn.Module):
    """The averaged generator of a run behind its distribution of styles.

    Args:
        nets: Of a checkpoint.
    """

    def __init__(self, nets: Networks) -> None:
        super().__init__()
        self.generator = nets.average
        self.register_buffer("mean", nets.styles.get_buffer("mean"))
        root = torch.linalg.cholesky(nets.styles.get_buffer("covariance"))
        self.register_buffer("root", STYLE_SCALE * root)

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """Condition, context and mask (N, 7, S, S), noise (N, 16) from N(0, 1) -> (N, 3, S, S)."""
        style = self.get_buffer("mean") + noise @ self.get_buffer("root").T
        picture: Tensor = self.generator(x, style)
        return picture


def load_generator(checkpoint: Path) -> DrawnGenerator:
    """The generator of a checkpoint made by ``ganonymize train``.

    Raises:
        ModelError: The file is none; the message says what is missing.
    """
    nets = Networks()
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        nets.load_state_dict(state["nets"])
    except Exception as error:  # torch raises many kinds on a wrong file
        raise ModelError(f"{checkpoint}: not a checkpoint of 'ganonymize train': {error}") from (
            error
        )
    return DrawnGenerator(nets).eval()


def export(checkpoint: Path, out: Path, size_px: int = 256) -> Path:
    """Write the generator to ONNX with its large weights in half precision.

    They are widened again when the file is loaded, so it computes in single precision.

    Args:
        checkpoint: Made by ``ganonymize train``.
        out: The file to write; its folder is made.
        size_px: Side of the pictures it will draw.

    Raises:
        ModelError: The checkpoint cannot be read.
    """
    generator = load_generator(checkpoint)
    example = (torch.zeros(1, INPUT_CHANNELS, size_px, size_px), torch.zeros(1, STYLE_SIZE))
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(out.name + ".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the other exporter needs onnxscript
        torch.onnx.export(
            generator, example, str(temporary), dynamo=False, opset_version=_OPSET,
            input_names=["input", "style"], output_names=["picture"],
            dynamic_axes={"input": {0: "n"}, "style": {0: "n"}, "picture": {0: "n"}}
        )  # fmt: skip
    model = onnx.load(str(temporary))
    _halve_weights(model)
    metadata = {"format": FORMAT, "size_px": size_px, "style_size": STYLE_SIZE}
    helper.set_model_props(model, {name: str(value) for name, value in metadata.items()})
    onnx.checker.check_model(model)
    onnx.save(model, str(temporary))
    temporary.replace(out)
    return out


def _halve_weights(model: onnx.ModelProto) -> None:
    """Store each large float32 weight as float16, followed by a cast to float32."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < _HALF_FROM_NUMBERS:
            continue
        half = tensor.name + "_half"
        casts.append(helper.make_node("Cast", [half], [tensor.name], to=TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
