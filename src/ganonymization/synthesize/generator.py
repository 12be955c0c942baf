"""Our generator on ONNX Runtime."""

import cv2
import numpy as np
import onnxruntime

from .. import onnx_session, seeds
from ..errors import SynthesisError
from ..geometry import conditioning, transforms
from ..geometry.wall import GeneratorInput
from ..types import Image
from .base import pixels

FORMAT = "ganonymization-mesh-1"
"""Written into the file's metadata by ``ganonymize export``; other files are refused."""


class OnnxGenerator:
    """Draws faces with a generator exported by ``ganonymize export``. May be shared by threads.

    The file's inputs are ``input`` (N, 7, S, S), namely the mesh condition and the context in
    [-1, 1] (the context 0 behind the wall) and the wall mask as 0 or 1, and ``style`` (N, K) from
    N(0, 1); its output is ``picture`` (N, 3, S, S) in [-1, 1].

    Args:
        session: On the file.
        size_px: S.
        style_size: K.
    """

    crop_side_eyes = transforms.CROP_SIDE_EYES
    draws_scenes = True

    def __init__(
        self, session: onnxruntime.InferenceSession, size_px: int, style_size: int
    ) -> None:
        self._session, self.size_px, self._style_size = session, size_px, style_size

    def __call__(self, inputs: GeneratorInput) -> Image:
        """A new face, (size_px, size_px, 3) uint8 RGB.

        Raises:
            SynthesisError: The network failed or drew no numbers.
        """
        drawn = conditioning.mesh(inputs.surrogate_px, self.size_px)
        blob = np.empty((1, 7, self.size_px, self.size_px), np.float32)
        planes = (*cv2.split(drawn), *cv2.split(inputs.context))
        for layer, plane in zip(blob[0, :6], planes, strict=True):  # plane by plane: fast
            np.divide(plane, np.float32(127.5), out=layer)
            layer -= 1
        blob[0, 3:6] *= ~inputs.wall_mask
        blob[0, 6] = inputs.wall_mask
        style = seeds.style(inputs.seed, self._style_size)[None]
        try:
            picture = onnx_session.run(self._session, "picture", {"input": blob, "style": style})
        except Exception as error:
            raise SynthesisError(f"the generator failed: {error}") from error
        return pixels(picture)
