"""A picture on its way through the pipeline: a scene, or portraits of its faces."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np

from ..errors import FaceNotRedrawnError
from ..geometry import transforms
from ..geometry.wall import GeneratorInput
from ..result import Result
from ..types import Detection, Image, Mask
from . import compositing, covering, rim
from .compositing import Canvas
from .covering import Fill
from .face_state import DrawnFace, FaceState


class PictureState(ABC):
    """What has become of a picture so far.

    Args:
        original: (H, W, 3) uint8 RGB; not changed.
        faces: Largest first, with their walls.
        fill: Covers what cannot be redrawn; None raises
            :class:`ganonymization.FaceNotRedrawnError` in its place.
    """

    def __init__(self, original: Image, faces: Sequence[FaceState], fill: Fill | None) -> None:
        self.original, self.faces, self._fill = original, faces, fill
        self._start_s, self.audited = time.perf_counter(), False

    @abstractmethod
    def inputs(self, face: FaceState, size_px: int) -> GeneratorInput:
        """What the generator gets of a face, in a crop of this side."""

    @abstractmethod
    def toned(self, face: FaceState, drawn: DrawnFace) -> DrawnFace:
        """A drawn face in the tone of its surroundings."""

    @abstractmethod
    def in_context(self, face: FaceState, drawn: DrawnFace) -> Image:
        """A drawn face in its surroundings, (S, S, 3) uint8 RGB, to be checked."""

    @abstractmethod
    def put(self, face: FaceState, drawn: DrawnFace) -> None:
        """Put a drawn face in."""

    @abstractmethod
    def cover(self, face: FaceState) -> None:
        """Put a fill in.

        Raises:
            FaceNotRedrawnError: There is none.
        """

    @abstractmethod
    def cover_what_shows(self) -> None:
        """Cover every face that is not wholly hidden, as by a new face that is too small.

        Raises:
            FaceNotRedrawnError: There is no fill.
        """

    @abstractmethod
    def audit(self, missed: Callable[[Image, Mask], list[Detection]]) -> None:
        """Cover the faces that still show.

        Args:
            missed: Finds them in the picture as it is by now, where it has not changed.

        Raises:
            FaceNotRedrawnError: There is no fill.
        """

    @abstractmethod
    def _outcome(self) -> tuple[Image | None, tuple[Image, ...], Mask]:
        """Scene, portraits, composite mask."""

    def result(self, seed: int) -> Result[Image]:
        """What the caller gets; ``seed`` is passed on."""
        timings: dict[str, float] = {}
        for face in self.faces:
            for stage, spent in face.timings_ms.items():
                timings[stage] = timings.get(stage, 0.0) + spent
        timings["total"] = (time.perf_counter() - self._start_s) * 1e3
        scene, portraits, mask = self._outcome()
        faces = tuple(f.face() for f in self.faces)
        return Result(scene, portraits, faces, mask, seed, timings, self.audited)

    def _fill_of(self, face: FaceState) -> Fill:
        if self._fill is None:
            box = [round(v) for v in face.detection.box_xyxy]
            raise FaceNotRedrawnError(
                f"face {face.index} at {box} could not be redrawn ({face.reason})",
                "choose a fill with `on_failure` to have it covered",
            )
        return self._fill


class Scene(PictureState):
    """Every face is covered from the start, and redrawn where it was."""

    def __init__(self, original: Image, faces: Sequence[FaceState], fill: Fill | None) -> None:
        super().__init__(original, faces, fill)
        self._canvas = Canvas.of(original)
        for face in faces:
            if face.place is None:
                self.cover(face)
            else:
                covering.close_wall(self._canvas, face.place)

    def inputs(self, face: FaceState, size_px: int) -> GeneratorInput:
        """Its surroundings as they are by now, and nothing of the face."""
        return GeneratorInput.scene(
            self._canvas.image, face.wall, face.surrogate, face.seed, face.reading
        )

    def toned(self, face: FaceState, drawn: DrawnFace) -> DrawnFace:
        """See :func:`compositing.match_tone` and :mod:`.rim`."""
        with face.timed("composite"):
            crop = compositing.match_tone(drawn.crop, drawn.inputs, face.wall)
            crop = rim.with_borrowed_detail(crop, drawn.inputs, face.wall.wall)
        return DrawnFace(drawn.inputs, crop)

    def in_context(self, face: FaceState, drawn: DrawnFace) -> Image:
        """See :func:`compositing.blend_crop`."""
        with face.timed("composite"):
            return compositing.blend_crop(drawn.crop, drawn.inputs, face.wall)

    def put(self, face: FaceState, drawn: DrawnFace) -> None:
        """See :func:`compositing.paste`."""
        with face.timed("composite"):
            compositing.paste(self._canvas, drawn.crop, face.wall)

    def cover(self, face: FaceState) -> None:
        """See :func:`covering.cover`."""
        covering.cover(self._canvas, self.original, face, self.faces, self._fill_of(face))
        face.covered = True

    def cover_what_shows(self) -> None:
        """By the ellipses in the faces' boxes."""
        for face in self.faces:
            if not covering.is_covered(self._canvas, face):
                face.reason = "the new face leaves part of a box uncovered"
                self.cover(face)

    def audit(self, missed: Callable[[Image, Mask], list[Detection]]) -> None:
        """By the ellipses in their boxes."""
        for detection in missed(self._canvas.image, self._canvas.touched):
            face = FaceState(len(self.faces), detection, 0, reason="missed", by_audit=True)
            self.faces = [*self.faces, face]
            self.cover(face)
        self.audited = True

    def _outcome(self) -> tuple[Image | None, tuple[Image, ...], Mask]:
        return self._canvas.image, (), self._canvas.touched


class Portraits(PictureState):
    """A head on black for each face.

    Args:
        original: (H, W, 3) uint8 RGB; not changed.
        faces: Largest first, with their walls.
        fill: See :class:`PictureState`.
        size_px: Side of a portrait.
        level: Heads stand upright.
    """

    def __init__(
        self,
        original: Image,
        faces: Sequence[FaceState],
        fill: Fill | None,
        size_px: int,
        level: bool,
    ) -> None:
        super().__init__(original, faces, fill)
        self._size_px, self._level = size_px, level
        self._heads: list[Image] = []

    def inputs(self, face: FaceState, size_px: int) -> GeneratorInput:
        """No surroundings."""
        return GeneratorInput.portrait(size_px, face.surrogate, face.seed, face.reading)

    def toned(self, face: FaceState, drawn: DrawnFace) -> DrawnFace:
        """As it is."""
        return drawn

    def in_context(self, face: FaceState, drawn: DrawnFace) -> Image:
        """As it is."""
        return drawn.crop

    def put(self, face: FaceState, drawn: DrawnFace) -> None:
        """See :func:`compositing.portrait`."""
        head = compositing.portrait(drawn.crop, face.wall, self._size_px, self._level)
        self._heads.append(head)

    def cover(self, face: FaceState) -> None:
        """A fill of the face's part of the picture, in place of a head."""
        crop_from_image = transforms.detection_crop(face.detection, self._size_px)
        region = transforms.warp(self.original, crop_from_image, self._size_px)
        self._heads.append(self._fill_of(face)(region))

    def cover_what_shows(self) -> None:
        """Nothing of the picture does."""

    def audit(self, missed: Callable[[Image, Mask], list[Detection]]) -> None:
        """Nothing of the picture is written."""

    def _outcome(self) -> tuple[Image | None, tuple[Image, ...], Mask]:
        return None, tuple(self._heads), np.zeros(self.original.shape[:2], bool)
