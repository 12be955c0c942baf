"""A detected face's landmarks, its new shape and its wall, or why it has none."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import LandmarksError
from .geometry import transforms
from .geometry.wall import Place
from .landmarks.base import Landmarker
from .landmarks.search import find_landmarks
from .synthesize.base import Synthesizer
from .synthesize.face_state import FaceState, LocatedFace, reason_of
from .types import Detection, Image


def located(image: Image, detection: Detection, seed: int, landmarker: Landmarker) -> LocatedFace:
    """A face with its landmarks; whatever a landmarker raises is the reason for a cover.

    Args:
        image: (H, W, 3) uint8 RGB.
        detection: The face.
        seed: Who the new face is.
        landmarker: Finds the landmarks in a crop.
    """
    start, found, problem = time.perf_counter(), None, None
    try:
        found = find_landmarks(image, detection, landmarker)
    except Exception as error:  # a plugged-in landmarker's of any kind: fail closed
        problem = reason_of(error)
    return LocatedFace(detection, found, seed, problem, (time.perf_counter() - start) * 1e3)


def walled(
    index: int, face: LocatedFace, synthesizer: Synthesizer, surrogate: Callable[..., Any]
) -> FaceState:
    """A face with its new shape and its wall, or the reason why it has none.

    Args:
        index: Of the face, 0 the largest.
        face: The face with its landmarks.
        synthesizer: Decides the crop.
        surrogate: See :meth:`ganonymization.pipeline.Anonymizer.surrogate`.
    """
    state = FaceState(index, face.detection, face.seed)
    state.timings_ms["landmarks"] = face.landmarks_ms
    with state.attempt():
        landmarks_px = face.landmarks_px
        if landmarks_px is None:
            raise LandmarksError(face.problem or "no landmarks found")
        size, side_eyes = synthesizer.size_px, synthesizer.crop_side_eyes
        crop_from_image = transforms.generator_crop(landmarks_px, size, side_eyes)
        original_px = transforms.apply(crop_from_image, landmarks_px)
        with state.timed("shape"):
            state.surrogate_px = surrogate(original_px, face.seed, face.eyes_at_rest)
        both_px = np.concatenate([state.surrogate_px, original_px])
        must_fit = synthesizer.draws_scenes
        state.place = Place.of(face.detection, both_px, crop_from_image, size, must_fit)
    return state
