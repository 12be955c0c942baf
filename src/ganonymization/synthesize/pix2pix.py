"""The paper's generator: portraits from dots, by a published checkpoint or its ONNX export."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .. import onnx_session
from ..errors import MissingExtraError, ModelError, SynthesisError
from ..geometry import conditioning, transforms
from ..geometry.wall import GeneratorInput
from ..types import Image
from .base import pixels

FORMAT = "ganonymization-dots-1"
"""Written into the file's metadata by ``ganonymize export``."""

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Pix2Pix:
    """Draws portraits of one kind per network: the seed changes nothing.

    Args:
        network: (1, 3, S, S) float32 in [-1, 1] to the same.
        size_px: S.
    """

    crop_side_eyes = transforms.PAPER_CROP_SIDE_EYES
    draws_scenes = False

    def __init__(self, network: Network, size_px: int) -> None:
        self._network, self.size_px = network, size_px

    @classmethod
    def from_checkpoint(cls, path: Path, threads: int = 0) -> "Pix2Pix":
        """Load a published ``.ckpt`` with torch.

        Args:
            path: The checkpoint.
            threads: Of one call; 0 takes every core.

        Raises:
            ModelError: The file is none; the message tells the first missing parameter.
            MissingExtraError: torch is not installed.
        """
        try:
            import torch
        except ImportError as error:
            raise MissingExtraError(f"{path.name}: a checkpoint", "train") from error
        from ..paper.networks import load_checkpoint

        checkpoint = load_checkpoint(path)
        generator = checkpoint.generator.eval()
        if threads:
            torch.set_num_threads(threads)

        def network(x: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.inference_mode():
                return np.asarray(generator(torch.from_numpy(x)).numpy())

        size = checkpoint.img_size()
        if not isinstance(size, int) or size < 256 or size % 256:
            raise ModelError(f"{path}: its img_size is {size!r}, not a multiple of 256")
        return cls(network, size)

    @classmethod
    def from_session(cls, session: onnxruntime.InferenceSession, size_px: int) -> "Pix2Pix":
        """Wrap an exported network: input ``input``, output ``picture``."""

        def network(x: NDArray[np.float32]) -> NDArray[np.float32]:
            return onnx_session.run(session, "picture", {"input": x})

        return cls(network, size_px)

    def __call__(self, inputs: GeneratorInput) -> Image:
        """A face on black, (size_px, size_px, 3) uint8 RGB.

        Raises:
            SynthesisError: The network failed or drew no numbers.
        """
        drawn = conditioning.dots(inputs.surrogate_px, self.size_px).astype(np.float32)
        blob = np.ascontiguousarray((drawn / 127.5 - 1).transpose(2, 0, 1)[None])
        try:
            picture = self._network(blob)
        except Exception as error:
            raise SynthesisError(f"the generator failed: {error}") from error
        return pixels(picture)
