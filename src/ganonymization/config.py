"""What an anonymizer is made of, in words: small, frozen, and sent to other processes as it is."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .detect.base import DetectorOptions
from .options import DetectorName, Device, Mode, OnFailure, Privacy, Sex, Skin

if TYPE_CHECKING:
    from .pipeline import Anonymizer


@dataclass(frozen=True)
class AnonymizerConfig:
    """The arguments of :class:`ganonymization.Anonymizer` that are words and numbers.

    Attributes:
        mode: ``"scene"`` or ``"portrait"``.
        model: A shipped generator's name, an ONNX file or a published ``.ckpt``.
        detector: ``"centerface"`` or ``"blazeface"``.
        detector_options: Of the detector.
        on_failure: ``"solid"``, ``"blur"``, ``"pixelate"`` or ``"error"``.
        privacy: ``"balanced"`` or ``"high"``; None keeps the face's own shape.
        shape: A shape model's file; None for the shipped one.
        portrait_size_px: Side of a portrait.
        level_portraits: Portraits stand upright.
        threads: Of the generator; 0 takes every core.
        device: ``"cpu"`` or ``"cuda"``.
        bank: Donors' file; None for the shipped ones.
        age: About how old new faces are; None: whoever fits.
        sex: ``"female"``, ``"male"``; None: whoever fits.
        skin: Of portraits, ``"light"``, ``"medium"``, ``"dark"``; None: any.
        audit: Outputs are searched once more, and what still shows a face is covered.
    """

    mode: Mode = "scene"
    model: str = "default"
    detector: DetectorName = "centerface"
    detector_options: DetectorOptions = field(default_factory=DetectorOptions)
    on_failure: OnFailure = "solid"
    privacy: Privacy | None = "balanced"
    shape: Path | None = None
    portrait_size_px: int = 512
    level_portraits: bool = True
    threads: int = 0
    device: Device = "cpu"
    audit: bool = True
    bank: Path | None = None
    age: float | None = None
    sex: Sex | None = None
    skin: Skin | None = None

    def load(self) -> "Anonymizer":
        """Load the models.

        Raises:
            GanonymizationError: As :class:`ganonymization.Anonymizer` does.
        """
        from .pipeline import Anonymizer
        from .surrogate.shape_model import ShapeModel

        options = {name: getattr(self, name) for name in self.__dataclass_fields__}
        options["shape"] = None if self.shape is None else ShapeModel.load(self.shape)
        return Anonymizer(**options)

    def fingerprint(self) -> str:
        """Whatever decides the outputs, as text: equal where they are, on one kind of machine.

        Raises:
            ModelError: A model file is missing; check its path.
        """
        from . import weights

        decisive = asdict(self)
        for name in ("threads", "device"):
            del decisive[name], decisive["detector_options"][name]
        decisive["model"] = weights.sha256_of(weights.resolve(self.model))
        decisive["networks"] = [network.sha256 for network in weights.NETWORKS.values()]
        for name in ("shape", "bank"):
            file = getattr(self, name)
            if file is not None:
                decisive[name] = weights.sha256_of(file)
        return repr(decisive)

    def with_threads(self, threads: int, detect_threads: int | None = None) -> "AnonymizerConfig":
        """The same for so many threads of one call.

        Args:
            threads: Of the generator; 0 takes every core.
            detect_threads: Of the detector; None as many.
        """
        of_detector = threads if detect_threads is None else detect_threads
        options = replace(self.detector_options, threads=of_detector)
        return replace(self, threads=threads, detector_options=options)
