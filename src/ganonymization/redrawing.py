"""From located faces to a picture without them; this module alone knows the order of the stages.

    prepare     shape, wall; every face is covered
    synthesize  condition, draw
    compose     check, composite; what fails stays covered

Every face is covered before any is drawn, so whatever goes wrong later leaves a cover, not a face.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .detect.audit import Audit
from .errors import OptionError
from .geometry.wall import GeneratorInput
from .landmarks.base import Landmarker
from .landmarks.plausibility import check_plausible
from .locating import walled
from .options import Mode, Privacy, check_choice
from .result import Result
from .surrogate import expression_reading
from .surrogate.expression_reading import ExpressionReader
from .surrogate.shape_model import ShapeModel
from .synthesize.base import Synthesizer
from .synthesize.checked import check_redrawn, draw
from .synthesize.covering import Fill
from .synthesize.face_state import DrawnFace, FaceState, LocatedFace
from .synthesize.picture_state import PictureState, Portraits, Scene
from .types import Box, DonorPair, Image, Values, check_image


class Redrawer(ABC):
    """Redraws faces whose places and landmarks are known; an anonymizer without its detector.

    Attributes:
        mode: ``"scene"`` or ``"portrait"``.
        privacy: ``"balanced"``, ``"high"`` or None, which keeps the shape.
        audits: Scenes are searched once more.
        portrait_size_px: Side of a portrait.
        landmarks: Finds them, before and after.
    """

    mode: Mode
    privacy: Privacy | None
    audits: bool
    portrait_size_px: int
    landmarks: Landmarker
    _level_portraits: bool
    _shape: ShapeModel
    _fill: Fill | None
    _synthesizer: Synthesizer
    _reader: ExpressionReader | None

    @property
    @abstractmethod
    def auditor(self) -> Audit:
        """Searches scenes once more."""

    def redraw(
        self, image: Image, located: Sequence[LocatedFace], seed: int = 0,
        spared: Sequence[Box] = (),
    ) -> Result[Image]:  # fmt: skip
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
        levels = expression_reading.LEVELS
        if self.privacy == "high":
            levels = expression_reading.LEVELS_OF_HIGH_PRIVACY
        return expression_reading.coarse(self._reader(image, landmarks_px), levels)

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
            donors: Of a film's face, says who lends the texture; None leaves it to the model.
        """
        if face.place is None:
            return None
        with face.attempt():
            inputs = picture.inputs(face, face.wall.size_px)
            if donors is not None:
                inputs = replace(inputs, worn=donors(inputs), filmed=True)
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
        reading: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float64]:  # fmt: skip
        """What the generator gets of the geometry: nobody's shape in the same pose and expression.

        Args:
            landmarks_px: (478, 3).
            seed: Of the face.
            eyes_at_rest: (2,) how far this person's eyes usually are open, or None.
            reading: (7,) of :meth:`read_expression`, or None.

        Raises:
            LandmarksError: The surrogate cannot be a face.
        """
        if self.privacy is None:
            return landmarks_px
        surrogate_px = self._shape.surrogate(
            landmarks_px, seed, self.privacy, eyes_at_rest, reading
        )
        check_plausible(surrogate_px)
        return surrogate_px

    def _set_privacy(self, privacy: Privacy | None) -> None:
        if privacy is not None:
            check_choice(privacy, Privacy)
            self._shape.coder(privacy)  # now, rather than for every face
        self.privacy = privacy

    def _check_mode(self) -> None:
        """Refuse to paint a network's portraits into scenes."""
        if self.mode == "scene" and not self._synthesizer.draws_scenes:
            raise OptionError("this model draws portraits only", "give `mode` portrait")
