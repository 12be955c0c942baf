"""The way of a picture through the stages; this module alone knows their order.

    locate      detect, align, landmarks
    prepare     shape, wall; every face is covered
    synthesize  condition, draw
    compose     check, composite; what fails stays covered

Every face is covered before any is drawn, so whatever goes wrong later leaves a cover, not a face.
"""

import copy
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from . import registry, seeds, weights
from .detect.base import Detector, DetectorOptions, detect_turned
from .errors import LandmarksError, OptionError
from .geometry import transforms
from .geometry.wall import Place
from .landmarks.base import Landmarker
from .landmarks.plausibility import check_plausible
from .landmarks.search import find_landmarks
from .options import Device, Mode, OnFailure, Privacy, check_choice
from .surrogate.expression_reading import ExpressionReader, coarse
from .surrogate.shape_model import ShapeModel
from .synthesize.base import Synthesizer
from .synthesize.checked import check_redrawn, draw
from .synthesize.covering import Fill
from .synthesize.face_state import DrawnFace, FaceState, LocatedFace, reason_of
from .synthesize.picture_state import PictureState, Portraits, Scene
from .types import Detection, Image, Result, check_image

_FINE = 0.75  # a crop of so much of a face's own resolution loses nothing that is seen


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

    Raises:
        OptionError: An unknown name; the message lists the known ones. Or a device that does not
            work here; the message has the remedy.
        ModelError: A model file is missing, corrupt or of another kind.
        MissingExtraError: A published ``.ckpt`` is given and torch is not installed.
    """

    def __init__(
        self,
        *,
        mode: Mode = "scene",
        model: str | Synthesizer = "default",
        detector: str | Detector = "centerface",
        detector_options: DetectorOptions | None = None,
        on_failure: OnFailure = "solid",
        landmarker: str | Landmarker = "facemesh",
        privacy: Privacy | None = "balanced",
        shape: ShapeModel | None = None,
        portrait_size_px: int = 512,
        level_portraits: bool = True,
        threads: int = 0,
        device: Device = "cpu",
    ) -> None:
        check_choice(mode, Mode)
        check_choice(on_failure, OnFailure)
        check_choice(device, Device)
        self.mode, self.on_failure = mode, on_failure
        self._shape = shape or ShapeModel.load()
        self._set_privacy(privacy)
        self.portrait_size_px, self._level_portraits = portrait_size_px, level_portraits
        fill = None if on_failure == "error" else registry.load(registry.FILLS, on_failure)
        self._fill: Fill | None = fill
        if isinstance(model, str):
            load = registry.load(registry.SYNTHESIZERS, "file")
            model = cast(Synthesizer, load(weights.resolve(model), threads, device))
        self._synthesizer = model
        self._reader = ExpressionReader() if getattr(model, "wears_donors", False) else None
        self._check_mode()
        if isinstance(detector, str):
            options = detector_options or DetectorOptions()
            options = replace(options, device=options.device or device)
            detector = cast(Detector, registry.load(registry.DETECTORS, detector)(options))
        self._detector = detector
        if isinstance(landmarker, str):
            landmarker = cast(Landmarker, registry.load(registry.LANDMARKERS, landmarker)())
        self.landmarks = landmarker

    def using(
        self,
        *,
        mode: Mode | None = None,
        privacy: Privacy | Literal["keep shape"] | None = None,
        detector: Detector | None = None,
        shape: ShapeModel | None = None,
    ) -> "Anonymizer":
        """The same loaded stages, used otherwise; nothing is loaded anew.

        Args:
            mode: None leaves it.
            privacy: ``"keep shape"`` gives the generator the landmarks as they are; None leaves it.
            detector: None leaves it.
            shape: A shape model; None leaves it.

        Raises:
            OptionError: An unknown word, or a mode that the model cannot draw.
        """
        other = copy.copy(self)
        if mode is not None:
            check_choice(mode, Mode)
            other.mode = mode
            other._check_mode()
        if shape is not None:
            other._shape = shape
        if privacy == "keep shape":
            other._set_privacy(None)
        elif privacy is not None:
            other._set_privacy(privacy)
        if detector is not None:
            other._detector = detector
        return other

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

    def __call__(self, image: Image, *, seed: int | None = None, name: str = "") -> Result:
        """Anonymize one picture.

        Args:
            image: (H, W, 3) uint8 RGB, upright; not changed.
            seed: The same seed gives the same result, bit for bit, on one machine type; None draws
                a fresh one, which the result tells.
            name: The picture's relative path; with the seed and a face's index it decides who the
                new face is, so one person gets unrelated faces in two pictures.

        Raises:
            InputError: ``image`` is no such array.
            FaceNotRedrawnError: A face cannot be redrawn and ``on_failure`` is ``"error"``.
        """
        check_image(image)
        seed = seeds.fresh_seed() if seed is None else seed
        start = time.perf_counter()
        detections = self.detect(image)
        detect_ms = (time.perf_counter() - start) * 1e3
        own = [seeds.face_seed(seed, name, index) for index in range(len(detections))]
        located = [self._locate(image, *each) for each in zip(detections, own, strict=True)]
        result = self.redraw(image, located, seed)
        total_ms = (time.perf_counter() - start) * 1e3
        timings = {"detect": detect_ms, **result.timings_ms, "total": total_ms}
        return replace(result, timings_ms=timings)

    def locate(self, image: Image) -> list[LocatedFace]:
        """Look for faces and their landmarks, largest first, and change nothing.

        Args:
            image: (H, W, 3) uint8 RGB, upright.
        """
        return [self._locate(image, detection, 0) for detection in self.detect(image)]

    def redraw(self, image: Image, located: Sequence[LocatedFace], seed: int = 0) -> Result:
        """Anonymize faces that were looked for already.

        Args:
            image: (H, W, 3) uint8 RGB, upright; not changed.
            located: The faces.
            seed: Passed on to the result.

        Raises:
            InputError: ``image`` is no such array.
            FaceNotRedrawnError: A face cannot be redrawn and ``on_failure`` is ``"error"``.
        """
        picture = self.prepare(image, located, fine=True)
        for face in picture.faces:
            self.compose(picture, face, self.synthesize(picture, face))
        picture.cover_what_shows()
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
        faces = [self._walled(index, face, fine) for index, face in enumerate(located)]
        if self.mode == "scene":
            return Scene(image, faces, self._fill)
        return Portraits(image, faces, self._fill, self.portrait_size_px, self._level_portraits)

    def synthesize(self, picture: PictureState, face: FaceState) -> DrawnFace | None:
        """Draw a new face; None where that fails, and the face has the reason."""
        if face.place is None:
            return None
        with face.attempt():
            inputs = picture.inputs(face, face.wall.size_px)
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

    def _walled(self, index: int, located: LocatedFace, fine: bool) -> FaceState:
        """A face with its new shape and its wall, or the reason why it has none."""
        face = FaceState(index, located.detection, located.seed, reading=located.reading)
        face.timings_ms["landmarks"] = located.landmarks_ms
        with face.attempt():
            landmarks_px = located.landmarks_px
            if landmarks_px is None:
                raise LandmarksError(located.problem or "no landmarks found")
            side_eyes = self._synthesizer.crop_side_eyes
            size = self._crop_size(landmarks_px) if fine else self._synthesizer.size_px
            crop_from_image = transforms.generator_crop(landmarks_px, size, side_eyes)
            original_px = transforms.apply(crop_from_image, landmarks_px)
            with face.timed("shape"):
                face.surrogate_px = self.surrogate(original_px, face.seed, located.eyes_at_rest)
            both_px = np.concatenate([face.surrogate_px, original_px])
            must_fit = self._synthesizer.draws_scenes
            face.place = Place.of(face.detection, both_px, crop_from_image, size, must_fit)
        return face

    def _crop_size(self, landmarks_px: NDArray[np.float64]) -> int:
        """Side of a face's crop: of those that the model can draw, the one nearest to its own."""
        sizes: tuple[int, ...] = getattr(
            self._synthesizer, "sizes_px", (self._synthesizer.size_px,)
        )
        if self.mode == "portrait":
            return min(sizes, key=lambda size: abs(size - self.portrait_size_px))
        whole = transforms.generator_crop(landmarks_px, 1, self._synthesizer.crop_side_eyes)
        own = 1 / transforms.scale_of(whole)
        return min((size for size in sizes if size >= _FINE * own), default=max(sizes))

    def _locate(self, image: Image, detection: Detection, seed: int) -> LocatedFace:
        start, found, reading, problem = time.perf_counter(), None, None, None
        try:
            found = find_landmarks(image, detection, self.landmarks)
            if self._reader is not None:
                reading = coarse(self._reader(image, found))
        except Exception as error:  # whatever a plugged-in landmarker raises: fail closed
            problem = reason_of(error)
        landmarks_ms = (time.perf_counter() - start) * 1e3
        return LocatedFace(detection, found, seed, problem, landmarks_ms, reading=reading)

    def surrogate(
        self,
        landmarks_px: NDArray[np.float64],
        seed: int,
        eyes_at_rest: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
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
