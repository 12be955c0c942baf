"""Our generator on ONNX Runtime."""

from pathlib import Path

import numpy as np
import onnxruntime

from .. import condition, seeds
from ..errors import ModelError, SynthesisError
from ..types import Image
from ..wall import Crossing

FORMAT = "ganonymization-mesh-1"
"""Written into the file's metadata by ``ganonymize export``; other files are refused."""


class OnnxGenerator:
    """Draws faces with a generator exported by ``ganonymize export``. May be shared by threads.

    The file's inputs are ``input`` (N, 7, S, S), namely the mesh condition and the context in
    [-1, 1] (the context 0 behind the wall) and the wall mask as 0 or 1, and ``style`` (N, K) from
    N(0, 1); its output is ``picture`` (N, 3, S, S) in [-1, 1].

    Args:
        model: The ONNX file.
        threads: Of one call; 0 takes every core.

    Raises:
        ModelError: The file is no ONNX model or not one of ours.
    """

    def __init__(self, model: Path, threads: int = 0) -> None:
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 3
        settings.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), settings, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own exceptions have no common base
            raise ModelError(f"{model}: not a readable ONNX model; export or copy it anew") from (
                error
            )
        metadata = self._session.get_modelmeta().custom_metadata_map
        if metadata.get("format") != FORMAT:
            raise ModelError(
                f"{model}: not a generator of this project (its format is "
                f"{metadata.get('format')!r}, not {FORMAT!r}); make one with 'ganonymize export'"
            )
        try:
            self.size_px = int(metadata["size_px"])
            self._style_size = int(metadata["style_size"])
        except (KeyError, ValueError) as error:
            raise ModelError(f"{model}: its metadata are incomplete; export it anew") from error

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
        if not np.isfinite(picture).all():
            raise SynthesisError("the generator's output is not finite")
        pixels = np.clip(np.round((picture[0].transpose(1, 2, 0) + 1) * 127.5), 0, 255)
        return np.ascontiguousarray(pixels.astype(np.uint8))
