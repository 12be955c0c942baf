"""Our generator on ONNX Runtime."""

import numpy as np
import onnxruntime

from .. import align, condition, seeds
from ..errors import SynthesisError
from ..types import Image
from ..wall import Crossing
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

    crop_side_eyes = align.CROP_SIDE_EYES
    draws_scenes = True

    def __init__(
        self, session: onnxruntime.InferenceSession, size_px: int, style_size: int
    ) -> None:
        self._session, self.size_px, self._style_size = session, size_px, style_size

    def __call__(self, crossing: Crossing) -> Image:
        """A new face, (size_px, size_px, 3) uint8 RGB.

        Raises:
            SynthesisError: The network failed or drew no numbers.
        """
        visible = ~crossing.wall_mask[..., None]
        drawn = condition.mesh(crossing.surrogate_px, self.size_px).astype(np.float32)
        layers = [
            drawn / 127.5 - 1,
            (crossing.context.astype(np.float32) / 127.5 - 1) * visible,
            (~visible).astype(np.float32),
        ]
        blob = np.ascontiguousarray(np.concatenate(layers, 2).transpose(2, 0, 1)[None])
        style = seeds.style(crossing.seed, self._style_size)[None]
        try:
            (picture,) = self._session.run(["picture"], {"input": blob, "style": style})
        except Exception as error:
            raise SynthesisError(f"the generator failed: {error}") from error
        return pixels(picture)
