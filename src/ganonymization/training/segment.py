"""Heads cut out of their background."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .. import weights
from ..errors import ModelError
from ..geometry.wall import Wall
from ..types import Image

_BOUND_WH = (1.8, 1.5)  # of the wall: hair on both sides, the neck, no chest
_BOUND_UP = 0.17  # of the wall's half height
_SOFT = 0.04


PersonSegmenter = Callable[[Image], NDArray[np.float32]]
"""Gives the probability of the person at each pixel of an RGB uint8 (S, S, 3) crop, (S, S)."""


class OnnxSegmenter:
    """Any network of one input (1, 3, S, S), RGB in [0, 1], and probabilities (1, 1, S, S).

    Args:
        model: The ONNX file, with S fixed; None for the shipped one, MediaPipe's for selfies.

    Raises:
        ModelError: It is no such network.
    """

    def __init__(self, model: Path | None = None) -> None:
        model = weights.path_of("selfie") if model is None else model
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own exceptions have no common base
            raise ModelError(f"{model}: not a readable ONNX model") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shape = inputs[0].shape
        if len(inputs) != 1 or len(shape) != 4 or shape[1] != 3 or not isinstance(shape[2], int):
            raise ModelError(
                f"{model}: its input must be (1, 3, S, S) with S fixed; this is {shape}"
            )
        self._input, self._output, self._size_px = inputs[0].name, outputs[0].name, shape[2]

    def __call__(self, crop: Image) -> NDArray[np.float32]:
        """Probability of the person at each pixel of an RGB uint8 (S, S, 3) crop, (S, S)."""
        side = (self._size_px, self._size_px)
        small = cv2.resize(crop, side, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        feed = {self._input: np.ascontiguousarray(small.transpose(2, 0, 1)[None])}
        (found,) = self._session.run([self._output], feed)
        size = crop.shape[0]
        person = cv2.resize(np.squeeze(found), (size, size), interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.clip(person, 0, 1), np.float32)


def head_mask(person: NDArray[np.float32], wall: Wall) -> NDArray[np.uint8]:
    """The person's pixels within a soft superellipse around the head, (S, S) uint8, 0 to 255.

    Args:
        person: (S, S) probabilities.
        wall: The face's, in pixels of the same crop.
    """
    size = person.shape[0]
    (x, y), (w, h) = wall.centre_xy, wall.half_wh
    bound = Wall((x, y - _BOUND_UP * h), (w * _BOUND_WH[0], h * _BOUND_WH[1]))
    within = np.clip((1 + _SOFT - bound.radius_map(size)) / (2 * _SOFT), 0, 1)
    opacity = np.clip((person - 0.3) / 0.5, 0, 1) * within
    face = wall.radius_map(size) < 0.8  # the face itself has no holes
    opacity[face & (person > 0.05)] = 1
    return np.asarray(np.round(opacity * 255), np.uint8)
