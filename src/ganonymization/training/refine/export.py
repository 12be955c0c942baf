"""A refiner's compact state as the ONNX file that draws at run time."""

import warnings
from pathlib import Path

import onnx
import torch
from onnx import helper

from ...io.files import atomic_path
from ...synthesize.refiner import FORMAT
from ..export import halve_weights
from ..networks import STYLE_SIZE
from .network import PLAIN_CHANNELS, READINGS, TEXTURE_CHANNELS, Refiner

_OPSET = 17
_INPUTS = ("input", "style", "reading")
_OUTPUTS = ("picture", "opacity")


def export(state: Path, out: Path, size_px: int = 256) -> None:
    """Write the averaged refiner of a state, large weights in half precision.

    Args:
        state: What :meth:`ganonymization.training.refine.losses.Networks.compact` gave, as a file.
        out: The ONNX file.
        size_px: Side of what it will draw, a multiple of 32.
    """
    network = Refiner()
    kept = torch.load(state, map_location="cpu", weights_only=True)["average"]
    network.load_state_dict({key: value.float() for key, value in kept.items()})
    channels = PLAIN_CHANNELS + TEXTURE_CHANNELS
    example = (
        torch.zeros(1, channels, size_px, size_px), torch.zeros(1, STYLE_SIZE),
        torch.zeros(1, READINGS),
    )  # fmt: skip
    with atomic_path(out, ".onnx") as temporary:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's notes
            torch.onnx.export(
                network.eval(), example, str(temporary), dynamo=False, opset_version=_OPSET,
                input_names=list(_INPUTS), output_names=list(_OUTPUTS),
                dynamic_axes={name: {0: "n"} for name in (*_INPUTS, *_OUTPUTS)},
            )  # fmt: skip
        model = onnx.load(str(temporary))
        halve_weights(model)
        helper.set_model_props(model, {"format": FORMAT, "size_px": str(size_px)})
        onnx.checker.check_model(model)
        onnx.save(model, str(temporary))
