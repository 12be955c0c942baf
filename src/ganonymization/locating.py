"""A detected face's landmarks, its new shape and its wall, or why it has none."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import LandmarksError
from .geometry import transforms
from .geometry.wall import Place
from .landmarks.base import Landmarker
from .landmarks.search import find_landmarks
from .synthesize.base import Synthesizer
from .synthesize.face_state import FaceState, LocatedFace, reason_of
from .types import Detection, Image, Reals, Values

_FINE = 0.95  # a crop of so much of a face's own resolution loses nothing that is seen


def located(
    image: Image, detection: Detection, seed: int, landmarker: Landmarker,
    read: Callable[[Image, Values], NDArray[np.float32] | None] = lambda image, points: None,
) -> LocatedFace:  # fmt: skip
    """A face with its landmarks; whatever a landmarker raises is the reason for a cover.

    Args:
        image: (H, W, 3) uint8 RGB.
        detection: The face.
        seed: Who the new face is.
        landmarker: Finds the landmarks in a crop.
        read: Reads the expression by the landmarks.
    """
    start, found, reading, problem = time.perf_counter(), None, None, None
    try:
        found = find_landmarks(image, detection, landmarker)
        reading = read(image, found)
    except Exception as error:  # a plugged-in landmarker's of any kind: fail closed
        problem = reason_of(error)
    landmarks_ms = (time.perf_counter() - start) * 1e3
    return LocatedFace(detection, found, seed, problem, landmarks_ms, reading=reading)


def walled(
    index: int, face: LocatedFace, synthesizer: Synthesizer, surrogate: Callable[..., Any],
    fine_px: int | None = None,
) -> FaceState:  # fmt: skip
    """A face with its new shape and its wall, or the reason why it has none.

    Args:
        index: Of the face, 0 the largest.
        face: The face with its landmarks.
        synthesizer: Decides the crop.
        surrogate: See :meth:`ganonymization.pipeline.Anonymizer.surrogate`.
        fine_px: Side that the new face is wanted in; 0 is the old one's; None the synthesizer's
            own.
    """
    state = FaceState(index, face.detection, face.seed, reading=face.reading)
    state.timings_ms["landmarks"] = face.landmarks_ms
    with state.attempt():
        landmarks_px = face.landmarks_px
        if landmarks_px is None:
            raise LandmarksError(face.problem or "no landmarks found")
        side_eyes = synthesizer.crop_side_eyes
        size = crop_size(synthesizer, landmarks_px, fine_px)
        crop_from_image = transforms.generator_crop(landmarks_px, size, side_eyes)
        original_px = transforms.apply(crop_from_image, landmarks_px)
        with state.timed("shape"):
            state.surrogate_px = surrogate(original_px, face.seed, face.eyes_at_rest, face.reading)
        both_px = np.concatenate([state.surrogate_px, original_px])
        must_fit = synthesizer.draws_scenes
        state.place = Place.of(face.detection, both_px, crop_from_image, size, must_fit)
    return state


def crop_size(synthesizer: Synthesizer, landmarks_px: Reals, fine_px: int | None) -> int:
    """Side of a face's crop: the smallest that a synthesizer can draw and that loses nothing.

    Args:
        synthesizer: May have ``sizes_px``.
        landmarks_px: (478, 3) in picture pixels.
        fine_px: See :func:`walled`.
    """
    if fine_px is None:
        return synthesizer.size_px
    sizes: tuple[int, ...] = getattr(synthesizer, "sizes_px", (synthesizer.size_px,))
    whole = transforms.generator_crop(landmarks_px, 1, synthesizer.crop_side_eyes)
    wanted = fine_px or 1 / transforms.scale_of(whole)
    return min((size for size in sizes if size >= _FINE * wanted), default=max(sizes))
