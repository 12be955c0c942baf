"""A trained generator as one ONNX file: ours, or the paper's from a published checkpoint."""

import copy
import math
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ..errors import ModelError, OptionError
from ..io.files import atomic_path
from ..options import ExportPrecision
from ..paper.networks import load_checkpoint
from ..synthesize.generator import FORMAT as MESH_FORMAT
from ..synthesize.pix2pix import FORMAT as DOTS_FORMAT
from .conditions import Samples, dots_samples, mesh_samples
from .losses import Networks
from .networks import STYLE_SIZE, strided
from .quantize import quantize

_USUAL_STYLES = 0.7  # of the bank; rare ones are caricatures
_FOCUS = 6.0  # a noise mixes few styles: the higher the fewer
_OPSET = 17
_HALF_FROM_NUMBERS = 1024  # smaller tensors are kept in full
_COMPARED, _CALIBRATED = 64, 24


class DrawnGenerator(nn.Module):
    """The averaged generator of a run behind its bank of styles.

    Noise points in some direction; the styles whose keys point there too are mixed.
    """

    def __init__(self, nets: Networks) -> None:
        super().__init__()
        self.generator = copy.deepcopy(nets.average)
        self.generator.stem = strided(nets.average.stem)
        styles = nets.styles.usual(_USUAL_STYLES)
        keys = torch.randn(styles.shape, generator=torch.Generator().manual_seed(0))
        self.register_buffer("styles", styles)
        self.register_buffer("keys", _FOCUS * keys / keys.norm(dim=1, keepdim=True))

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """Condition, context and mask (N, 7, S, S), noise (N, 16) from N(0, 1) -> (N, 3, S, S)."""
        shares = torch.softmax(noise @ self.get_buffer("keys").T, 1)
        style = shares @ self.get_buffer("styles")
        picture: Tensor = self.generator(x, style)
        return picture


@dataclass(frozen=True)
class Drawable:
    """A network in evaluation mode that can be exported; the run time asks for its metadata.

    ``samples`` makes test conditions, from a prepared folder or from a posed model face.
    """

    network: nn.Module
    size_px: int
    metadata: dict[str, object]
    samples: Callable[[Path | None], Samples]


@dataclass(frozen=True)
class ExportReport:
    """An exported file and how it compares on this machine's processor.

    PSNR is of its pictures against PyTorch's in single precision, over 64 conditions; the time is
    the median of one picture.
    """

    path: Path
    psnr_db: float
    milliseconds: float


def open_checkpoint(checkpoint: Path, size_px: int = 256) -> Drawable:
    """The generator in a checkpoint of ``ganonymize train``, or in a published ``.ckpt``.

    ``size_px`` is the side of what ours will draw; a published one has its own.

    Raises:
        ModelError: The file is none of both; the message says what is missing.
    """
    if checkpoint.suffix == ".ckpt":
        published = load_checkpoint(checkpoint)
        network, size = published.generator, published.img_size()
        metadata: dict[str, object] = {"format": DOTS_FORMAT, "size_px": size}
        return Drawable(network.eval(), size, metadata, partial(dots_samples, size))
    nets = Networks()
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        nets.load_state_dict(state["nets"])
    except Exception as error:  # torch raises many kinds on a wrong file
        raise ModelError(
            f"{checkpoint}: not a checkpoint of 'ganonymize train' of this version; train anew, or "
            "give a published one with the suffix .ckpt"
        ) from error
    metadata = {"format": MESH_FORMAT, "size_px": size_px, "style_size": STYLE_SIZE}
    network_ours = DrawnGenerator(nets).eval()
    return Drawable(network_ours, size_px, metadata, partial(mesh_samples, size_px))


def export(
    checkpoint: Path,
    out: Path,
    precision: ExportPrecision = "fp16",
    size_px: int = 256,
    prepared: Path | None = None,
) -> ExportReport:
    """Write a generator to ONNX and compare it with PyTorch.

    Args:
        checkpoint: Of ``ganonymize train``, or a published ``.ckpt``.
        out: The file to write; its folder is made.
        precision: ``"fp32"``; ``"fp16"``, whose large weights are stored in half precision and
            widened when the file is loaded; or ``"int8"``, whose convolutions are integer.
        size_px: Side of the pictures it will draw; a published one has its own.
        prepared: A prepared folder, for test conditions and for the ranges that int8 needs.

    Raises:
        ModelError: The checkpoint cannot be read.
        OptionError: int8 without a prepared folder, or a size that the network cannot draw.
        OutputError: The file cannot be written.
    """
    if size_px < 64 or size_px % 32:
        raise OptionError(f"pictures of {size_px} px", "make `size` a multiple of 32 from 64 on")
    if precision == "int8" and prepared is None:
        raise OptionError(
            "int8 needs pictures for its ranges", "give a prepared folder as `calibrate`"
        )
    drawable = open_checkpoint(checkpoint, size_px)
    sample = drawable.samples(prepared)
    with atomic_path(out, out.suffix) as temporary:
        _write(drawable, sample, temporary, precision)
        report = _compared(drawable, sample, temporary)
    return ExportReport(out, *report)


def _write(drawable: Drawable, sample: Samples, out: Path, precision: ExportPrecision) -> None:
    example = sample(0)
    names = [*example, "picture"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's notes; the result is compared below
        torch.onnx.export(
            drawable.network, tuple(torch.from_numpy(v) for v in example.values()), str(out),
            dynamo=False, opset_version=_OPSET, input_names=list(example),
            output_names=["picture"], dynamic_axes={name: {0: "n"} for name in names},
        )  # fmt: skip
    if precision == "int8":
        quantize(out, [sample(i) for i in range(_CALIBRATED)])
    model = onnx.load(str(out))
    if precision == "fp16":
        halve_weights(model)
    helper.set_model_props(model, {name: str(value) for name, value in drawable.metadata.items()})
    onnx.checker.check_model(model)
    onnx.save(model, str(out))


def _compared(drawable: Drawable, sample: Samples, model: Path) -> tuple[float, float]:
    """PSNR in decibels over the test conditions, and milliseconds a picture."""
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    feeds = [sample(_CALIBRATED + i) for i in range(_COMPARED)]
    squared, spent = [], []
    for feed in feeds:
        with torch.inference_mode():
            expected = drawable.network(*(torch.from_numpy(v) for v in feed.values())).numpy()
        (found,) = session.run(["picture"], feed)
        squared.append(float(np.square(found - expected).mean()))
    for feed in feeds:  # apart, for PyTorch's threads linger
        start = time.perf_counter()
        session.run(["picture"], feed)
        spent.append(time.perf_counter() - start)
    psnr_db = 10 * math.log10(4 / max(statistics.mean(squared), 1e-12))  # pictures span [-1, 1]
    return psnr_db, statistics.median(spent) * 1e3


def halve_weights(model: onnx.ModelProto) -> None:
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
