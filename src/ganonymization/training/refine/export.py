"""A refiner's compact state as the ONNX file that draws at run time.

python -m ganonymization.training.refine.export STATE OUT.onnx --prepared PREPARED
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper
from torch.utils.data import default_collate

from ...io.files import atomic_path
from ...synthesize.refiner import FORMAT, LEVEL, ZERO
from ..export import halve_weights
from ..networks import STYLE_SIZE
from ..quantize import quantize
from .arranged import BLOCKS, CHANNELS, ArrangedRefiner, as_blocks, take_bytes
from .losses import unpack
from .network import READINGS, Refiner
from .samples import RefinerFaces

_OPSET = 17
_INPUTS = (BLOCKS, "style", "reading")
_OUTPUTS = ("picture", "opacity")
_CALIBRATED, _PORTRAITS = 32, 0.4


def export(state: Path, out: Path, size_px: int = 256, prepared: Path | None = None) -> None:
    """Write the averaged refiner of a state, large weights in half precision.

    Args:
        state: What :meth:`ganonymization.training.refine.losses.Networks.compact` gave, as a file.
        out: The ONNX file.
        size_px: Side of what it will draw, a multiple of 32.
        prepared: Training faces that give the ranges for integer convolutions; None leaves them in
            half precision.
    """
    kept = torch.load(state, map_location="cpu", weights_only=True)["average"]
    trained = Refiner.of(kept)
    network = ArrangedRefiner(trained).eval()
    example = (
        as_blocks(torch.zeros(1, CHANNELS, size_px, size_px)), torch.zeros(1, STYLE_SIZE),
        torch.zeros(1, READINGS),
    )  # fmt: skip
    with atomic_path(out, ".onnx") as temporary:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's notes
            torch.onnx.export(
                network, example, str(temporary), dynamo=False, opset_version=_OPSET,
                input_names=list(_INPUTS), output_names=list(_OUTPUTS),
                dynamic_axes={name: {0: "n"} for name in (*_INPUTS, *_OUTPUTS)},
            )  # fmt: skip
        if prepared is not None:
            quantize(temporary, _feeds(prepared, size_px), {BLOCKS: (LEVEL, ZERO)}, kept_last=1)
        take_bytes(temporary, size_px)
        model = onnx.load(str(temporary))
        if prepared is None:
            halve_weights(model)
        helper.set_model_props(model, {"format": FORMAT, "size_px": str(size_px)})
        onnx.checker.check_model(model)
        onnx.save(model, str(temporary))


def _feeds(prepared: Path, size_px: int) -> list[dict[str, NDArray[np.float32]]]:
    """Inputs as the refiner meets them, styles at random."""
    faces = RefinerFaces([prepared], size_px, _PORTRAITS, seed=0)
    rng = np.random.default_rng(0)
    feeds = []
    for i in range(_CALIBRATED):
        x = unpack(default_collate([faces[i]]))
        style = rng.standard_normal((1, STYLE_SIZE)).astype(np.float32)
        feeds.append({BLOCKS: as_blocks(x["input"]).numpy(), "style": style,
                      "reading": x["reading"].numpy()})  # fmt: skip
    return feeds


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--prepared", type=Path, help="makes convolutions integer")
    a = parser.parse_args()
    export(a.state, a.out, prepared=a.prepared)


if __name__ == "__main__":
    main()
