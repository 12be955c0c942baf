"""Stages that were given by name, loaded; whatever else was given is the stage itself."""

from dataclasses import replace
from pathlib import Path
from typing import cast

from . import registry, weights
from .detect.base import Detector, DetectorOptions
from .donors.surroundings import Kind
from .landmarks.base import Landmarker
from .options import Device
from .synthesize.base import Synthesizer


def synthesizer(
    model: str | Synthesizer, threads: int, device: Device, bank: Path | None, asked: Kind
) -> Synthesizer:
    """A shipped model's name or a file, with a bank of donors and the kind that is asked for.

    Raises:
        ModelError: It is missing, corrupt or of another kind.
        MissingExtraError: A published ``.ckpt`` is given and torch is not installed.
    """
    if not isinstance(model, str):
        return model
    load = registry.load(registry.SYNTHESIZERS, "file")
    return cast(Synthesizer, load(weights.resolve(model), threads, device, bank, asked))


def detector(given: str | Detector, options: DetectorOptions | None, device: Device) -> Detector:
    """A name in ``registry.DETECTORS``; the options' device goes before the other.

    Raises:
        OptionError: No such name; the message lists those there are.
    """
    if not isinstance(given, str):
        return given
    options = options or DetectorOptions()
    options = replace(options, device=options.device or device)
    return cast(Detector, registry.load(registry.DETECTORS, given)(options))


def landmarker(given: str | Landmarker) -> Landmarker:
    """A name in ``registry.LANDMARKERS``.

    Raises:
        OptionError: No such name; the message lists those there are.
    """
    if not isinstance(given, str):
        return given
    return cast(Landmarker, registry.load(registry.LANDMARKERS, given)())
