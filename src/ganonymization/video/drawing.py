"""Faces drawn frame by frame, each smoothed by the same face in the frame before.

    Anonymizer.prepare -> for each face: synthesize -> Link.smooth -> compose

Frames are drawn in parallel; each waits for the one before only when its own face is drawn.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ..geometry.wall import GeneratorInput
from ..pipeline import Anonymizer
from ..result import Result
from ..synthesize.face_state import DrawnFace, LocatedFace
from ..types import DonorPair, Image
from .smoothing import Tone, settled, toned


class Link:
    """What was drawn of a face in one frame, for the next one to be smoothed by.

    Args:
        before: The same face's in the frame before, or None.
    """

    def __init__(self, before: "Link | None") -> None:
        self._before, self._done, self._chosen = before, threading.Event(), threading.Event()
        self._drawn: tuple[DrawnFace, Tone] | None = None
        self._donors: DonorPair | None = None

    def donors(self, choose: Callable[[], DonorPair | None]) -> DonorPair | None:
        """Who lends the track's texture: as in the frame before, or chosen now.

        A frame is drawn beside the next one, which waits here until it is known.
        """
        before = None if self._before is None else self._before.chosen_donors()
        self._donors = choose() if before is None else before
        self._chosen.set()
        return self._donors

    def chosen_donors(self) -> DonorPair | None:
        """Those of this frame, once they are chosen; None if nobody was drawn so far."""
        self._chosen.wait()
        return self._donors

    def smooth(self, drawn: DrawnFace) -> DrawnFace:
        """The face without flicker against the frame before, and in the track's tone."""
        before = None if self._before is None else self._before.wait()
        crop, tone = toned(drawn.crop, drawn.inputs, None if before is None else before[1])
        if before is not None:
            was = before[0]
            crop = settled(crop, was.crop, drawn.inputs.surrogate_px, was.inputs.surrogate_px)
        smooth = replace(drawn, crop=crop)
        self._drawn = smooth, tone
        self.close()
        return smooth

    def wait(self) -> tuple[DrawnFace, Tone] | None:
        """What was drawn in the end, and in what tone; None where it was covered."""
        self._done.wait()
        return self._drawn

    def close(self) -> None:
        """Nothing more will be drawn; earlier frames are let go of."""
        if not self._chosen.is_set():
            self.donors(lambda: None)
        self._before = None
        self._done.set()


class Chains:
    """The links of each track, in the order of the frames; a track that ends is forgotten."""

    def __init__(self) -> None:
        self._last: dict[int, Link] = {}

    def links(self, tracks: Iterable[int]) -> dict[int, Link]:
        """A frame's links, each behind that of the same track in the frame before."""
        self._last = {track: Link(self._last.get(track)) for track in tracks}
        return self._last


def redraw(
    anonymizer: Anonymizer,
    image: Image,
    faces: Sequence[LocatedFace],
    links: Sequence[Link],
    seed: int,
) -> Result[Image]:
    """Anonymize a frame's faces, smoothly.

    Args:
        anonymizer: Draws them.
        image: (H, W, 3) uint8 RGB.
        faces: In it.
        links: Of these faces; they are used up.
        seed: Passed on to the result.

    Raises:
        FaceNotRedrawnError: See :meth:`ganonymization.Anonymizer.redraw`.
    """
    picture = anonymizer.prepare(image, faces)
    for face, link in zip(picture.faces, links, strict=True):
        drawn, smooth = anonymizer.synthesize(picture, face, _of_track(anonymizer, link)), None
        if drawn is not None:
            with face.attempt():
                smooth = link.smooth(drawn)
        anonymizer.compose(picture, face, smooth)
    picture.cover_what_shows()
    return picture.result(seed)


def _of_track(anonymizer: Anonymizer, link: Link) -> Callable[[GeneratorInput], DonorPair | None]:
    """The donors of a face's track."""
    return lambda inputs: link.donors(lambda: anonymizer.lasting_donors(inputs))
