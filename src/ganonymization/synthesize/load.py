"""Model files to synthesizers: the file tells what it is."""

from pathlib import Path

import onnxruntime

from .. import onnx_session, weights
from ..donors.bank import DonorBank
from ..donors.surroundings import ANY, Kind
from ..errors import ModelError, OptionError
from ..options import Device
from . import generator, pix2pix, refiner
from .base import Synthesizer


def load(
    model: Path, threads: int = 0, device: Device = "cpu", bank: Path | None = None,
    asked: Kind = ANY,
) -> Synthesizer:  # fmt: skip
    """The synthesizer of an ONNX file made by ``ganonymize export``, or of a published ``.ckpt``.

    Args:
        model: The file.
        threads: Of one call; 0 takes every core.
        device: ``"cpu"`` or ``"cuda"``.
        bank: Of donors; None is the shipped one.
        asked: Of what kind new faces are.

    Raises:
        ModelError: The file is no model or not one of these kinds.
        MissingExtraError: A ``.ckpt`` was given and torch is not installed.
        OptionError: The device does not work here, or not with a ``.ckpt``; the message has the
            remedy. Or a bank or a kind of person is asked for, and the model has no donors.
    """
    if model.suffix == ".ckpt":
        _refuse_donors(model, bank, asked)
        if device != "cpu":
            raise OptionError(
                f"{model}: a published checkpoint runs on the CPU alone; for the device {device} "
                f"write it to ONNX first: ganonymize export {model} {model.with_suffix('.onnx')}"
            )
        return pix2pix.Pix2Pix.from_checkpoint(model, threads)
    session = _session(model, threads, device)
    metadata = session.get_modelmeta().custom_metadata_map
    kind = metadata.get("format")
    if kind not in (generator.FORMAT, pix2pix.FORMAT, refiner.FORMAT):
        raise ModelError(
            f"{model}: not a generator of this project (its format is {kind!r}, "
            f"not {generator.FORMAT!r}); make one with 'ganonymize export'"
        )
    if kind != refiner.FORMAT:
        _refuse_donors(model, bank, asked)
    try:
        size_px = int(metadata["size_px"])
        if kind == pix2pix.FORMAT:
            return pix2pix.Pix2Pix.from_session(session, size_px)
        if kind == refiner.FORMAT:
            return refiner.Refiner(
                session, size_px, DonorBank.load(bank or weights.path_of("donors")), asked
            )
        return generator.OnnxGenerator(session, size_px, int(metadata["style_size"]))
    except (KeyError, ValueError) as error:
        raise ModelError(f"{model}: its metadata are incomplete; export it anew") from error


def _refuse_donors(model: Path, bank: Path | None, asked: Kind) -> None:
    if bank is not None or asked != ANY:
        raise OptionError(
            f"{model.name} has no donors: no bank, age, sex or skin can be asked for",
            "use the default model",
        )


def _session(model: Path, threads: int, device: Device) -> onnxruntime.InferenceSession:
    try:
        return onnx_session.open_session(str(model), onnx_session.settings_of(threads), device)
    except OptionError:
        raise
    except Exception as error:  # ONNX Runtime's own exceptions have no common base
        raise ModelError(f"{model}: not a readable ONNX model; export or copy it anew") from error
