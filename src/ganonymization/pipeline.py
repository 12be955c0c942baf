"""The way of a picture through the stages; this module alone knows their order.

    locate      detect, align, landmarks
    prepare     shape, wall; every face is covered
    synthesize  condition, draw
    compose     check, composite; what fails stays covered

Every face is covered before any is drawn, so whatever goes wrong later leaves a cover, not a face.
"""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from . import registry, seeds, stages
from .detect.audit import Audit
from .detect.base import Detector, DetectorOptions, detect_turned, with_boxes
from .detect.finder import Finder
from .donors.surroundings import Kind
from .errors import OptionError
from .geometry.wall import GeneratorInput
from .landmarks.base import Landmarker
from .landmarks.plausibility import check_plausible
from .locating import located, walled
from .options import Device, Mode, OnFailure, Privacy, Sex, Skin, check_choice
from .surrogate.expression_reading import (
    LEVELS,
    LEVELS_OF_HIGH_PRIVACY,
    ExpressionReader,
    coarse,
)
from .surrogate.shape_model import ShapeModel
from .synthesize.base import Synthesizer
from .synthesize.checked import check_redrawn, draw
from .synthesize.covering import Fill
from .synthesize.face_state import DrawnFace, FaceState, LocatedFace
from .synthesize.picture_state import PictureState, Portraits, Scene
from .types import Box, Detection, DonorPair, Image, Result, Values, check_image


class Anonymizer:
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

    def _set_privacy(self, privacy: Privacy | None) -> None:
        if privacy is not None:
            check_choice(privacy, Privacy)
            self._shape.coder(privacy)  # now, rather than for every face
        self.privacy = privacy

    def _check_mode(self) -> None:
        """Refuse to paint a network's portraits into scenes."""
        if self.mode == "scene" and not self._synthesizer.draws_scenes:
            raise OptionError("this model draws portraits only", "give `mode` portrait")

    @cached_property
    def auditor(self) -> Audit:
        """Searches scenes once more."""
        finder = self._detector if isinstance(self._detector, Finder) else None
        return Audit(finder, self._detector_options)

    def __call__(
        self, image: Image, *, seed: int | None = None, name: str = "",
        add_boxes: Sequence[Box] = (),
    ) -> Result:  # fmt: skip
        """Anonymize one picture.

        Args:
            image: (H, W, 3) uint8 RGB, upright; not changed.
            seed: The same seed gives the same result, bit for bit, on one machine type; None draws
                a fresh one, which the result tells.
            name: The picture's relative path; with the seed and a face's index it decides who the
                new face is, so one person gets unrelated faces in two pictures.
            add_boxes: Left, top, right, bottom of faces that a detector misses, in pixels.

        Raises:
            InputError: ``image`` is no such array.
            FaceNotRedrawnError: A face cannot be redrawn and ``on_failure`` is ``"error"``.
        """
        check_image(image)
        seed = seeds.fresh_seed() if seed is None else seed
        start = time.perf_counter()
        found = self.locate(image, add_boxes)
        detect_ms = (time.perf_counter() - start) * 1e3 - sum(face.landmarks_ms for face in found)
        own = (seeds.face_seed(seed, name, index) for index in range(len(found)))
        faces = [replace(face, seed=its) for face, its in zip(found, own, strict=True)]
        result = self.redraw(image, faces, seed)
        total_ms = (time.perf_counter() - start) * 1e3
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

    def redraw(
        self, image: Image, located: Sequence[LocatedFace], seed: int = 0,
        spared: Sequence[Box] = (),
    ) -> Result:  # fmt: skip
        """Anonymize faces that were looked for already.

        Args:
            image: (H, W, 3) uint8 RGB, upright; not changed.
            located: The faces.
            seed: Passed on to the result.
            spared: Boxes of faces that are to stay, for the audit.

        Raises:
            InputError: ``image`` is no such array.
            FaceNotRedrawnError: A face cannot be redrawn and ``on_failure`` is ``"error"``.
        """
        picture = self.prepare(image, located, fine=True)
        for face in picture.faces:
            self.compose(picture, face, self.synthesize(picture, face))
        picture.cover_what_shows()
        if self.audits:
            picture.audit(lambda output, changed: self.auditor.missed(output, changed, spared))
        return picture.result(seed)

    def prepare(
        self, image: Image, located: Sequence[LocatedFace], fine: bool = False
    ) -> PictureState:
        """Build all walls and cover what lies behind them; then draw as :meth:`redraw` does.

        Args:
            image: (H, W, 3) uint8 RGB, upright; not changed.
            located: The faces.
            fine: Large faces are drawn at their own resolution, if the model can.

        Raises:
            InputError: ``image`` is no such array.
            FaceNotRedrawnError: See :meth:`redraw`.
        """
        check_image(image)
        size = self.portrait_size_px if self.mode == "portrait" else 0
        faces = [
            walled(index, face, self._synthesizer, self.surrogate, size if fine else None)
            for index, face in enumerate(located)
        ]
        if self.mode == "scene":
            return Scene(image, faces, self._fill)
        return Portraits(image, faces, self._fill, self.portrait_size_px, self._level_portraits)

    def read_expression(self, image: Image, landmarks_px: Values) -> NDArray[np.float32] | None:
        """What of a face's expression crosses the wall beside its landmarks, (7,), if anything.

        Args:
            image: (H, W, 3) uint8 RGB.
            landmarks_px: (478, 3) in its pixels.
        """
        if self._reader is None:
            return None
        levels = LEVELS_OF_HIGH_PRIVACY if self.privacy == "high" else LEVELS
        return coarse(self._reader(image, landmarks_px), levels)

    def lasting_donors(self, inputs: GeneratorInput) -> DonorPair | None:
        """Donors for all frames of a face, by its first; None where the model has no donors."""
        choose = getattr(self._synthesizer, "lasting_donors", None)
        return None if choose is None else choose(inputs)

    def synthesize(
        self, picture: PictureState, face: FaceState,
        donors: Callable[[GeneratorInput], DonorPair | None] | None = None,
    ) -> DrawnFace | None:  # fmt: skip
        """Draw a new face; None where that fails, and the face has the reason.

        Args:
            picture: Of :meth:`prepare`.
            face: Of that picture.
            donors: Says who lends the texture; None leaves it to the model.
        """
        if face.place is None:
            return None
        with face.attempt():
            inputs = picture.inputs(face, face.wall.size_px)
            if donors is not None:
                inputs = replace(inputs, worn=donors(inputs))
            with face.timed("synthesize"):
                crop = draw(self._synthesizer, inputs)
            return picture.toned(face, DrawnFace(inputs, crop))
        return None

    def compose(self, picture: PictureState, face: FaceState, drawn: DrawnFace | None) -> None:
        """Put a drawn face into the picture, or a cover where it is none or not what it should be.

        Raises:
            FaceNotRedrawnError: See :meth:`redraw`.
        """
        if face.covered:
            return
        with face.attempt():
            if drawn is not None:
                crop = picture.in_context(face, drawn)
                with face.timed("check"):
                    check_redrawn(crop, drawn.inputs, self._synthesizer, self.landmarks)
                picture.put(face, drawn)
                return
        picture.cover(face)

    def surrogate(
        self, landmarks_px: NDArray[np.float64], seed: int,
        eyes_at_rest: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:  # fmt: skip
        """What the generator gets of the geometry: nobody's shape in the same pose and expression.

        Args:
            landmarks_px: (478, 3).
            seed: Of the face.
            eyes_at_rest: (2,) how far this person's eyes usually are open, or None.

        Raises:
            LandmarksError: The surrogate cannot be a face.
        """
        if self.privacy is None:
            return landmarks_px
        surrogate_px = self._shape.surrogate(landmarks_px, seed, self.privacy, eyes_at_rest)
        check_plausible(surrogate_px)
        return surrogate_px
