"""A camera, frame by frame: each is answered at once, and waits for nothing that comes later.

What cannot be covered afterwards must be seen at once: the detector looks in every frame, so it
should be a fast one.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from .. import seeds
from ..geometry import conditioning, transforms
from ..pipeline import Anonymizer
from ..result import Result
from ..synthesize.face_state import LocatedFace
from ..types import Image
from .drawing import Chains, Link, redraw
from .expression import Readings
from .frames import located_faces
from .smoothing import REACH, EyesAtRest
from .tracking import Tracker
from .waiting import Frame

_MESH_PX = 512


@dataclass(frozen=True)
class FollowedFrame:
    """A frame whose faces are known.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        faces: In it.
        links: To what was drawn of them before, and will be after.
    """

    image: Image
    faces: tuple[LocatedFace, ...]
    links: tuple[Link, ...]

    def close(self) -> None:
        """It is drawn, or will not be: later frames do not wait for it."""
        for link in self.links:
            link.close()


class LiveAnonymizer:
    """Anonymizes the frames of one camera in order; each track keeps its nobody.

    Args:
        anonymizer: Its stages follow the faces too.
        seed: Of the run; None draws a fresh one.
    """

    def __init__(self, anonymizer: Anonymizer, seed: int | None = None) -> None:
        self._anonymizer = anonymizer
        self._seed = seeds.checked(seed)
        self._chains, self._eyes = Chains(), EyesAtRest()
        self._readings = Readings(anonymizer.read_expression)
        self._recent: deque[Frame[None]] = deque(maxlen=REACH + 1)
        self._tracker: Tracker[None] = Tracker(
            lambda image, number: anonymizer.detect(image), anonymizer.landmarks,
            look_ahead=0, detect_every=1,
        )  # fmt: skip

    def __call__(self, image: Image) -> Result[Image] | None:
        """A frame without its faces, or None where no face was found.

        Args:
            image: (H, W, 3) uint8 RGB, of the same size every time.
        """
        frame = self.follow(image)
        return None if frame is None else self.draw(frame)

    def follow(self, image: Image) -> FollowedFrame | None:
        """Follow the faces into a frame, the next one; None where there is none.

        Args:
            image: As for a call.
        """
        frame = self._followed(image)
        if not frame.seen:
            return None
        points = {track: sighting.landmarks_px for track, sighting in frame.seen.items()}
        if frame.starts_shot:
            self._recent.clear()
        self._recent.append(frame)
        readings = self._readings.around(self._recent, len(self._recent) - 1)
        faces = located_faces(frame, points, self._who, self._eyes, readings)
        links = self._chains.links(frame.seen)
        return FollowedFrame(frame.image, tuple(faces.values()), tuple(links.values()))

    def draw(self, frame: FollowedFrame) -> Result[Image]:
        """Replace the faces of a frame; the next frame may be followed, and drawn, meanwhile.

        Args:
            frame: Of :meth:`follow`; to be drawn in that order, or closed.
        """
        try:
            return redraw(self._anonymizer, frame.image, frame.faces, frame.links, self._seed)
        finally:
            frame.close()

    def mesh(self, image: Image) -> Image | None:
        """The surrogate mesh of the first face, (512, 512, 3) uint8 RGB; None where there is none.

        Args:
            image: As for a call.
        """
        frame = self._followed(image)
        points = {track: sighting.landmarks_px for track, sighting in frame.seen.items()}
        at_rest = self._eyes.after(points)
        for track, landmarks_px in points.items():
            if landmarks_px is not None:
                side_eyes = transforms.CROP_SIDE_EYES
                crop_from_image = transforms.generator_crop(landmarks_px, _MESH_PX, side_eyes)
                face_px = transforms.apply(crop_from_image, landmarks_px)
                seed, eyes = self._who(track), at_rest[track]
                surrogate_px = self._anonymizer.surrogate(face_px, seed, eyes)
                return conditioning.mesh(surrogate_px, _MESH_PX)
        return None

    def _followed(self, image: Image) -> Frame[None]:
        (frame,) = self._tracker.feed(np.ascontiguousarray(image), None)
        return frame

    def _who(self, track: int) -> int:
        return seeds.face_seed(self._seed, "camera", track)
