"""The way of a picture through the stages; this module alone knows their order.

    detect -> align -> landmarks -> shape -> wall -> condition, synthesize -> check -> composite

Every face is covered before any is drawn, so whatever goes wrong later leaves a cover, not a face.
"""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from . import registry, seeds, weights
from .detect.base import Detector, DetectorOptions, detect_turned
from .errors import (
    FaceNotRedrawnError,
    LandmarksError,
    OptionError,
    SynthesisError,
)
from .geometry import transforms
from .geometry.wall import RING, GeneratorInput, Place, Wall, ellipses, head_place
from .landmarks.base import Landmarker
from .landmarks.plausibility import check_plausible
from .landmarks.search import find_landmarks
from .options import Device, Mode, OnFailure, Privacy, check_choice
from .surrogate.shape_model import ShapeModel
from .synthesize import compositing
from .synthesize.base import Synthesizer
from .synthesize.compositing import Canvas
from .synthesize.face_state import FaceInWork, Located, told
from .synthesize.fill import SOLID_RGB
from .types import Detection, Image, Result, check_image

Fill = Callable[[Image], Image]

_MAX_REDRAWN_ERROR_EYES = 0.12
_MIN_COVERED = 0.97  # of the ellipse within each box


class Anonymizer:
    """Replaces every face in pictures by a face of nobody. Loads its models once, when it is made.

    May be shared by threads.

    Args:
        mode: ``"scene"`` draws each face where it was; ``"portrait"`` draws a whole head on black
            for each face, and no scene.
        model: A shipped generator's name, an ONNX file or a published ``.ckpt``; or a
            synthesizer.
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
            ``detector_options`` say no other. FaceMesh and BlazeFace stay on the CPU.

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
        if privacy is not None:
            check_choice(privacy, Privacy)
        self.mode, self.on_failure, self.privacy = mode, on_failure, privacy
        self._shape = shape or ShapeModel.load()
        if privacy is not None:
            self._shape.coder(privacy)  # now, rather than for every face
        self._portrait_size_px, self._level_portraits = portrait_size_px, level_portraits
        self._fill: Fill | None = None
        if on_failure != "error":
            self._fill = registry.load(registry.FILLS, on_failure)
        if isinstance(model, str):
            load = registry.load(registry.SYNTHESIZERS, "file")
            self._synthesizer: Synthesizer = load(weights.resolve(model), threads, device)
        else:
            self._synthesizer = model
        self._check_mode()
        if isinstance(detector, str):
            make_detector = registry.load(registry.DETECTORS, detector)
            options = detector_options or DetectorOptions(device=device)
            self._detector: Detector = make_detector(options)
        else:
            self._detector = detector
        if isinstance(landmarker, str):
            self._landmarker: Landmarker = registry.load(registry.LANDMARKERS, landmarker)()
        else:
            self._landmarker = landmarker

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
            other.privacy = None
        elif privacy is not None:
            check_choice(privacy, Privacy)
            other.privacy = privacy
            other._shape.coder(privacy)  # now, rather than for every face
        if detector is not None:
            other._detector = detector
        return other

    @property
    def draws_scenes(self) -> bool:
        """Whether the model can; published networks draw portraits only."""
        return self._synthesizer.draws_scenes

    @property
    def portrait_size_px(self) -> int:
        """Side of a portrait."""
        return self._portrait_size_px

    def detect(self, image: Image) -> list[Detection]:
        """Faces in a picture, whichever way it is turned; largest first."""
        return detect_turned(self._detector, image)

    @property
    def landmarks(self) -> Landmarker:
        """What finds landmarks in a crop."""
        return self._landmarker

    def _check_mode(self) -> None:
        """Refuse to paint a network's portraits into scenes.

        Raises:
            OptionError: The model cannot draw what the mode asks for.
        """
        if self.mode == "scene" and not self._synthesizer.draws_scenes:
            raise OptionError("this model draws portraits only; give --mode portrait")

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
        located = [
            self._locate(image, d, seeds.face_seed(seed, name, i)) for i, d in enumerate(detections)
        ]
        result = self.redraw(image, located, seed)
        total_ms = (time.perf_counter() - start) * 1e3
        timings = {"detect": detect_ms, **result.timings_ms, "total": total_ms}
        return replace(result, timings_ms=timings)

    def locate(self, image: Image) -> list[Located]:
        """Look for faces and their landmarks, largest first, and change nothing.

        Args:
            image: (H, W, 3) uint8 RGB, upright.
        """
        return [self._locate(image, detection, 0) for detection in self.detect(image)]

    def redraw(self, image: Image, located: Sequence[Located], seed: int = 0) -> Result:
        """Anonymize faces that were looked for already, such as a video's.

        Args:
            image: (H, W, 3) uint8 RGB, upright; not changed.
            located: The faces.
            seed: Told in the result.

        Raises:
            InputError: ``image`` is no such array.
            FaceNotRedrawnError: A face cannot be redrawn and ``on_failure`` is ``"error"``.
        """
        check_image(image)
        start = time.perf_counter()
        faces = [
            FaceInWork(i, face.detection, face.seed, face.settle) for i, face in enumerate(located)
        ]
        for face, found in zip(faces, located, strict=True):
            self._build_wall(face, found)
        scene: Image | None = None
        mask = np.zeros(image.shape[:2], bool)
        portraits: tuple[Image, ...] = ()
        if self.mode == "portrait":
            portraits = tuple(self._portrait(image, face) for face in faces)
        else:
            canvas = self._scene(image, faces)
            scene, mask = canvas.image, canvas.touched
        timings: dict[str, float] = {}
        for face in faces:
            for stage, spent in face.timings_ms.items():
                timings[stage] = timings.get(stage, 0.0) + spent
        timings["total"] = (time.perf_counter() - start) * 1e3
        outcomes = tuple(face.face() for face in faces)
        return Result(scene, portraits, outcomes, mask, seed, timings)

    def _locate(self, image: Image, detection: Detection, seed: int) -> Located:
        start, found, problem = time.perf_counter(), None, None
        try:
            found = find_landmarks(image, detection, self._landmarker)
        except Exception as error:  # whatever a plugged-in landmarker raises: fail closed
            problem = told(error)
        return Located(detection, found, seed, problem, (time.perf_counter() - start) * 1e3)

    def _build_wall(self, face: FaceInWork, located: Located) -> None:
        """Replace a face's shape and build its wall, or say why not."""
        landmarks_px = located.landmarks_px
        face.timings_ms["landmarks"] = located.landmarks_ms
        if landmarks_px is None:
            face.reason = located.problem or "no landmarks found"
            return
        try:
            size, side_eyes = self._synthesizer.size_px, self._synthesizer.crop_side_eyes
            crop_from_image = transforms.generator_crop(landmarks_px, size, side_eyes)
            original_px = transforms.apply(crop_from_image, landmarks_px)
            with face.timed("shape"):
                face.surrogate_px = self.surrogate(original_px, face.seed, located.eyes_at_rest)
            # The wall hides the old face and holds the new one, whose outlines differ.
            both_px = np.concatenate([face.surrogate_px, original_px])
            outline_px = transforms.apply(crop_from_image, ellipses(face.detection))
            wall = Wall.around(both_px, outline_px, size)
            walled = wall.fits(size) and wall.holds(both_px)
            if self._synthesizer.draws_scenes and not walled:
                raise LandmarksError("the face does not fit its crop")
            face.place = Place(wall, crop_from_image, size)
        except Exception as error:  # whatever a plugged-in shape model raises: fail closed
            face.give_up(error)

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

    def _scene(self, image: Image, faces: list[FaceInWork]) -> Canvas:
        """Redraw or cover every face in a copy of the picture."""
        canvas = Canvas.of(image)
        for face in faces:  # cover all before drawing any
            if face.place is None:
                self._cover(image, canvas, face, faces)
            else:
                window = face.place.window(image.shape, 1.0)
                canvas.image[window][face.place.radius(window) <= 1] = SOLID_RGB
        for face in faces:
            if face.place is None:
                continue
            try:
                self._redraw(canvas, face, face.place)
            except Exception as error:  # whatever a plugged-in stage raises: fail closed
                face.give_up(error)
                self._cover(image, canvas, face, faces)
        for face in faces:
            boxes = (face.detection.box_xyxy, *face.detection.merged)
            if min(compositing.covered_share(box, canvas.opaque) for box in boxes) < _MIN_COVERED:
                face.give_up(SynthesisError("the new face leaves part of a box uncovered"))
                self._cover(image, canvas, face, faces)
        return canvas

    def _redraw(self, canvas: Canvas, face: FaceInWork, place: Place) -> None:
        """Draw one new face into the scene, unless it is not what was asked for.

        Raises:
            SynthesisError: Nothing usable was drawn.
        """
        assert face.surrogate_px is not None
        crossing = GeneratorInput.scene(canvas.image, place, face.surrogate_px, face.seed)
        drawn = self._draw(crossing, face)
        with face.timed("composite"):
            drawn = compositing.match_tone(drawn, crossing, place)
            if face.settle is not None:
                drawn = face.settle(drawn, crossing)
            in_context = compositing.blend_crop(drawn, crossing, place)
        self._check_redrawn(in_context, face)
        with face.timed("composite"):
            compositing.paste(canvas, drawn, place)

    def _portrait(self, image: Image, face: FaceInWork) -> Image:
        """A head on black, or a fill, a square of the portrait's size."""
        if face.surrogate_px is not None and face.reason is None:
            try:
                size = self._synthesizer.size_px
                crossing = GeneratorInput.portrait(size, face.surrogate_px, face.seed)
                drawn = self._draw(crossing, face)
                if face.settle is not None:
                    drawn = face.settle(drawn, crossing)
                self._check_redrawn(drawn, face)
                return self._sized_portrait(drawn, face)
            except Exception as error:  # whatever a plugged-in stage raises: fail closed
                face.give_up(error)
        crop_from_image = transforms.detection_crop(face.detection, self._portrait_size_px)
        fill = self._fill_or_raise(face)
        return fill(transforms.warp(image, crop_from_image, self._portrait_size_px))

    def _sized_portrait(self, drawn: Image, face: FaceInWork) -> Image:
        """The generator's head at the portrait's size, upright or with its tilt in the picture."""
        assert face.place is not None
        size, out = drawn.shape[0], self._portrait_size_px
        angle = 0.0 if self._level_portraits else transforms.angle_of(face.place.crop_from_image)
        middle = (size - 1) / 2
        out_from_drawn = transforms.similarity((middle, middle), size, angle, out)
        return transforms.warp(drawn, out_from_drawn, out, cv2.BORDER_CONSTANT)

    def _draw(self, crossing: GeneratorInput, face: FaceInWork) -> Image:
        """The synthesizer's crop.

        Raises:
            SynthesisError: It is not of the promised kind.
        """
        with face.timed("synthesize"):
            drawn: object = self._synthesizer(crossing)
        size = self._synthesizer.size_px
        if not isinstance(drawn, np.ndarray) or drawn.dtype != np.uint8:
            raise SynthesisError("synthesis gave no uint8 picture")
        if drawn.shape != (size, size, 3):
            raise SynthesisError(f"synthesis gave a picture of shape {drawn.shape}")
        return drawn

    def _check_redrawn(self, drawn: Image, face: FaceInWork) -> None:
        """Find the landmarks in the new face again: they must lie where they were asked for.

        Raises:
            SynthesisError: They are not found or far off.
        """
        assert face.surrogate_px is not None
        with face.timed("check"):
            try:
                found = self._landmarker(drawn)
            except LandmarksError as error:
                raise SynthesisError("no face is seen in what was drawn") from error
        gap = np.linalg.norm(found[:, :2] - face.surrogate_px[:, :2], axis=1).mean()
        eyes_px = self._synthesizer.size_px / self._synthesizer.crop_side_eyes
        if not gap / eyes_px <= _MAX_REDRAWN_ERROR_EYES:
            raise SynthesisError(f"the new face is {gap / eyes_px:.2f} eye distances off")

    def _cover(
        self, image: Image, canvas: Canvas, face: FaceInWork, faces: list[FaceInWork]
    ) -> None:
        """Fill the head's region, every box of the face, and its wall with the ring.

        What other faces have behind their walls is hidden from the fill too.
        """
        fill = self._fill_or_raise(face)
        boxes = (face.detection.box_xyxy, *face.detection.merged)
        covers = [(head_place(face.detection, box), 1.0) for box in boxes]
        if face.place is not None:
            covers.append((face.place, RING))
        windows = [place.window(image.shape, radii) for place, radii in covers]
        rows, columns = (
            slice(min(w[axis].start for w in windows), max(w[axis].stop for w in windows))
            for axis in (0, 1)
        )
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        window = (rows, columns)
        inside = np.any([place.radius(window) <= radii for place, radii in covers], axis=0)
        seen = image[window].copy()
        for other in faces:
            if other is not face and other.place is not None:
                seen[other.place.radius(window) <= 1] = SOLID_RGB
        compositing.cover(canvas, window, fill(seen), inside)

    def _fill_or_raise(self, face: FaceInWork) -> Fill:
        if self._fill is None:
            raise FaceNotRedrawnError(
                f"face {face.index} at {[round(v) for v in face.detection.box_xyxy]} could not be "
                f"redrawn ({face.reason}); choose a fill with --on-failure to have it covered"
            )
        return self._fill
