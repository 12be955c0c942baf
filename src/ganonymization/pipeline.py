"""The way of a picture through the stages: faces are located here, and redrawn in ``redrawing``."""

import copy
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from . import given, registry, seeds, stages
from .alpha import boxes_by_alpha
from .detect.audit import Audit
from .detect.base import Detector, DetectorOptions, detect_turned, with_boxes
from .detect.finder import Finder
from .donors.surroundings import Kind
from .errors import OptionError
from .landmarks.base import Landmarker
from .locating import located
from .options import Color, Device, Layout, Mode, OnFailure, Privacy, Sex, Skin, check_choice
from .redrawing import Redrawer
from .result import Result
from .surrogate.expression_reading import ExpressionReader
from .surrogate.shape_model import ShapeModel
from .synthesize.base import Synthesizer
from .synthesize.covering import Fill
from .synthesize.face_state import LocatedFace
from .types import Box, Detection, Image

Given = TypeVar("Given")
_log = logging.getLogger(__name__)


class Anonymizer(Redrawer):
    """Replaces every face in pictures by a face of nobody. Loads its models once, when it is made.

    May be shared by threads.

    Args:
        mode: ``"scene"`` draws each face where it was; ``"portrait"`` draws a whole head on black
            for each face, and no scene.
        model: A shipped generator's name, an ONNX file, a published ``.ckpt``, or a synthesizer.
        detector: ``"centerface"``, ``"blazeface"``, or a detector.
        detector_options: For a detector given by name.
        on_failure: What covers a face that cannot be redrawn: ``"solid"``, ``"blur"``,
            ``"pixelate"``; or ``"error"``, which raises instead.
        landmarker: ``"facemesh"`` or a landmarker.
        privacy: ``"balanced"`` or ``"high"``: how much of the face's own shape is taken out with
            the person; or None, which keeps the shape as the paper does.
        shape: A shape model; None for the shipped one.
        portrait_size_px: Side of a portrait.
        level_portraits: Portraits stand upright; False keeps the head's tilt in the picture.
        threads: Of the generator; 0 takes every core.
        device: ``"cpu"`` or ``"cuda"``, of a model given by name or file, and of the detector where
            ``detector_options`` name none. FaceMesh and BlazeFace stay on the CPU.
        audit: Search each scene once more, by other means, before it is handed out, and cover what
            is found.
        bank: Donors of a model given by name or file; None for the shipped ones.
        age: About how old new faces are; None: whoever goes with hair and clothes.
        sex: ``"female"``, ``"male"`` or None, likewise.
        skin: Of portraits, ``"light"``, ``"medium"``, ``"dark"`` or None; in scenes it follows
            neck and ears.

    Raises:
        OptionError: An unknown name; the message lists the known ones. Or a device that does not
            work here; the message has the remedy. Or a kind of face that the model cannot draw.
        ModelError: A model file is missing, corrupt or of another kind.
        MissingExtraError: A published ``.ckpt`` is given and torch is not installed.

    Example:
        >>> anonymizer = Anonymizer()
        >>> anonymizer(picture, seed=7).image.shape  # an array, as was given
        (512, 512, 3)
        >>> anonymizer(["portrait.jpg", picture], seed=7)  # a list of anything
        [<Result: 1 of 1 faces redrawn, 512 x 512>,
         <Result: 1 of 1 faces redrawn, 512 x 512>]
        >>> anonymizer.using(mode="portrait")("portrait.jpg", seed=7)
        <Result: 1 of 1 faces redrawn, 1 portraits, 512 x 512>
    """

    def __init__(
        self, *, mode: Mode = "scene", model: str | Synthesizer = "default",
        detector: str | Detector = "centerface", detector_options: DetectorOptions | None = None,
        on_failure: OnFailure = "solid", landmarker: str | Landmarker = "facemesh",
        privacy: Privacy | None = "balanced", shape: ShapeModel | None = None,
        portrait_size_px: int = 512, level_portraits: bool = True, threads: int = 0,
        device: Device = "cpu", audit: bool = True,
        bank: Path | None = None, age: float | None = None, sex: Sex | None = None,
        skin: Skin | None = None,
    ) -> None:  # fmt: skip
        check_choice(mode, Mode)
        check_choice(on_failure, OnFailure)
        check_choice(device, Device)
        self.mode, self.on_failure = mode, on_failure
        self._shape = shape or ShapeModel.load()
        self._set_privacy(privacy)
        self.portrait_size_px, self._level_portraits = portrait_size_px, level_portraits
        fill = None if on_failure == "error" else registry.load(registry.FILLS, on_failure)
        self._fill: Fill | None = fill
        self._synthesizer = stages.synthesizer(
            model, threads, device, bank, Kind.asked(age, sex, skin)
        )
        reads = getattr(self._synthesizer, "wears_donors", False)
        self._reader = ExpressionReader() if reads else None
        self._check_mode()
        self._detector = stages.detector(detector, detector_options, device)
        self.audits, self._detector_options = audit, detector_options
        self.landmarks = stages.landmarker(landmarker)

    def using(
        self,
        *,
        mode: Mode | None = None,
        privacy: Privacy | Literal["keep shape"] | None = None,
        detector: Detector | None = None,
        shape: ShapeModel | None = None,
        audit: bool | None = None,
        thorough: bool | None = None,
    ) -> "Anonymizer":
        """The same loaded stages, used otherwise; nothing is loaded anew. None changes nothing.

        Args:
            mode: See above.
            privacy: ``"keep shape"`` gives the generator the landmarks as they are.
            detector: A detector.
            shape: A shape model.
            audit: Whether scenes are searched once more.
            thorough: Whether the default detector looks in more ways.

        Raises:
            OptionError: An unknown word, or a mode that the model cannot draw.
        """
        other = copy.copy(self)
        if mode is not None:
            check_choice(mode, Mode)
            other.mode = mode
            other._check_mode()
        other._shape = shape or self._shape
        if privacy is not None:
            other._set_privacy(None if privacy == "keep shape" else privacy)
        other._detector = detector or self._detector
        if thorough is not None and isinstance(self._detector, Finder):
            other._detector = self._detector.using(thorough)
        if audit is not None:
            other.audits = audit
        return other

    @property
    def detector(self) -> Detector:
        """Finds the faces."""
        return self._detector

    @property
    def draws_scenes(self) -> bool:
        """Whether the model can; published networks draw portraits only."""
        return self._synthesizer.draws_scenes

    def detect(self, image: Image) -> list[Detection]:
        """Faces in a picture, whichever way it is turned; largest first."""
        return detect_turned(self._detector, image)

    @cached_property
    def auditor(self) -> Audit:
        """Searches scenes once more."""
        finder = self._detector if isinstance(self._detector, Finder) else None
        return Audit(finder, self._detector_options)

    @overload
    def __call__(
        self, picture: str | PathLike[str], *, seed: int | None = None, name: str | None = None,
        add_boxes: Sequence[Box] = (),
    ) -> Result[Image]: ...  # fmt: skip

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a list is never given back as it is
        self, picture: list[Any] | tuple[Any, ...], *, seed: int | None = None,
        name: str | None = None, layout: Layout = "hwc", color: Color = "rgb",
    ) -> list[Result[Any]]: ...  # fmt: skip

    @overload
    def __call__(
        self, picture: Given, *, seed: int | None = None, name: str | None = None,
        add_boxes: Sequence[Box] = (), layout: Layout = "hwc", color: Color = "rgb",
    ) -> Result[Given]: ...  # fmt: skip

    def __call__(
        self, picture: Any, *, seed: int | None = None, name: str | None = None,
        add_boxes: Sequence[Box] = (), layout: Layout = "hwc", color: Color = "rgb",
    ) -> Any:  # fmt: skip
        """Anonymize a picture, or each of a list; what is given back is of the same kind.

        Args:
            picture: A path; the bytes of a picture file; a Pillow image; an array or a torch
                tensor: (H, W), (H, W, 1 to 4), grey, RGB or RGBA, uint8, uint16, or floating-point
                from 0 to 1; upright. Or a list of these, or an array of four axes: a list comes
                back. Nothing handed over is changed.
            seed: The same seed gives the same result, bit for bit, on one machine type; None draws
                a fresh one, which the result tells.
            name: The picture's relative path; with the seed and a face's index it decides who the
                new face is, so one person gets unrelated faces in two pictures. None: a file's own
                name, and in a list the place of what has none.
            add_boxes: Left, top, right, bottom of faces that a detector misses, in pixels; of a
                single picture.
            layout: ``"chw"`` of arrays whose channels come first.
            color: ``"bgr"`` of arrays as OpenCV has them.

        Raises:
            InputError: ``picture`` is nothing of that kind.
            UnreadableError: The file cannot be read.
            OptionError: A seed that is none, or an unknown word.
            FaceNotRedrawnError: A face cannot be redrawn and ``on_failure`` is ``"error"``.
        """
        seed = seeds.checked(seed)
        pictures = given.several(picture)
        if pictures is not None:
            if add_boxes:
                raise OptionError("`add_boxes` are of one picture; give one at a time")
            names = given.names_of(pictures)
            return [self(each, seed=seed, name=(name or "") + its, layout=layout, color=color)
                    for each, its in zip(pictures, names, strict=True)]  # fmt: skip
        taken = given.taken(picture, layout, color)
        boxes = [*add_boxes, *boxes_by_alpha(self, taken.picture)]
        found = self._anonymized(
            taken.picture.pixels, seed, taken.name if name is None else name, boxes
        )
        if taken.may_be_bgr and given.is_bluish(taken.picture.pixels, found.faces):
            _log.warning("faces are bluer than red, as in OpenCV's order: is color='bgr' missing?")
        return taken.result(found)

    def _anonymized(
        self, image: Image, seed: int, name: str, add_boxes: Sequence[Box]
    ) -> Result[Image]:
        start = time.perf_counter()
        found = self.locate(image, add_boxes)
        detect_ms = (time.perf_counter() - start) * 1e3 - sum(face.landmarks_ms for face in found)
        own = (seeds.face_seed(seed, name, index) for index in range(len(found)))
        faces = [replace(face, seed=its) for face, its in zip(found, own, strict=True)]
        result = self.redraw(image, faces, seed)
        total_ms = (time.perf_counter() - start) * 1e3
        drawn = sum(face.synthesized for face in result.faces)
        _log.info("%s: %d of %d faces redrawn", name or "a picture", drawn, len(result.faces))
        timings = {"detect": detect_ms, **result.timings_ms, "total": total_ms}
        return replace(result, timings_ms=timings)

    def locate(self, image: Image, add_boxes: Sequence[Box] = ()) -> list[LocatedFace]:
        """Look for faces and their landmarks, largest first, and change nothing.

        Args:
            image: (H, W, 3) uint8 RGB, upright.
            add_boxes: Of faces that a detector misses.
        """
        found = with_boxes(self.detect(image), add_boxes)
        return [
            located(image, detection, 0, self.landmarks, self.read_expression)
            for detection in found
        ]
