"""A camera, frame by frame: each is answered at once, and waits for nothing that comes later.

What cannot be covered afterwards must be seen at once: the detector looks in every frame, so it
should be a fast one.
"""

from dataclasses import dataclass

import numpy as np

from .. import seeds
from ..geometry import conditioning, transforms
from ..pipeline import Anonymizer
from ..synthesize.face_state import Located
from ..types import Image, Result
from .frames import NOT_SEEN, Chains, Link, detection_of
from .smoothing import EyesAtRest
from .tracking import Frame, Tracker

_MESH_PX = 512


@dataclass(frozen=True)
class Seen:
    """A frame whose faces are known.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        faces: In it.
        links: To what was drawn of them before, and will be after.
    """

    image: Image
    faces: tuple[Located, ...]
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
        self._seed = seeds.fresh_seed() if seed is None else seed
        self._chains, self._eyes = Chains(), EyesAtRest()
        self._tracker: Tracker[None] = Tracker(
            lambda image, number: anonymizer.detect(image), anonymizer.landmarks,
            look_ahead=0, detect_every=1,
        )  # fmt: skip

    def __call__(self, image: Image) -> Result | None:
        """A frame without its faces, or None where no face was found.

        Args:
            image: (H, W, 3) uint8 RGB, of the same size every time.
        """
        seen = self.see(image)
        return None if seen is None else self.draw(seen)

    def see(self, image: Image) -> "Seen | None":
        """Follow the faces into a frame, the next one; None where there is none.

        Args:
            image: As for a call.
        """
        frame = self._followed(image)
        if not frame.seen:
            return None
        links = self._chains.links(frame)
        faces = tuple(
            Located(
                detection_of(sighting), sighting.landmarks_px, self._who(track), NOT_SEEN,
                settle=links[track].settle,
                eyes_at_rest=self._eyes.after(track, sighting.landmarks_px),
            )
            for track, sighting in frame.seen.items()
        )  # fmt: skip
        return Seen(frame.image, faces, tuple(links.values()))

    def draw(self, seen: "Seen") -> Result:
        """Replace the faces of a frame; the next frame may be followed, and drawn, meanwhile.

        Args:
            seen: Of :meth:`see`; to be drawn in that order, or closed.
        """
        try:
            return self._anonymizer.redraw(seen.image, seen.faces, self._seed)
        finally:
            seen.close()

    def mesh(self, image: Image) -> Image | None:
        """The surrogate mesh of the first face, (512, 512, 3) uint8 RGB; None where there is none.

        Args:
            image: As for a call.
        """
        for track, sighting in self._followed(image).seen.items():
            if sighting.landmarks_px is None:
                continue
            crop_from_image = transforms.generator_crop(
                sighting.landmarks_px, _MESH_PX, transforms.CROP_SIDE_EYES
            )
            points = transforms.apply(crop_from_image, sighting.landmarks_px)
            at_rest = self._eyes.after(track, points)
            surrogate_px = self._anonymizer.surrogate(points, self._who(track), at_rest)
            return conditioning.mesh(surrogate_px, _MESH_PX)
        return None

    def _followed(self, image: Image) -> Frame[None]:
        (frame,) = self._tracker.feed(np.ascontiguousarray(image), None)
        return frame

    def _who(self, track: int) -> int:
        return seeds.face_seed(self._seed, "camera", track)
