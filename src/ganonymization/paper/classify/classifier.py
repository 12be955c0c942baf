"""The paper's classifier, trained: pictures in, probabilities of classes out."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ...errors import OptionError
from ...types import Image, Values, check_image
from .network import Network, read_network

_BATCH = 32


class Classifier:
    """Reads the classes of pictures; those it knows are its ``labels``, and attributes of its own.

    Pictures of any size are brought to ``size_px``.
    """

    def __init__(self, network: Network) -> None:
        self.network, self.labels = network.eval(), network.labels
        self.classes, self.multi_label = self.labels.classes, self.labels.multi_label
        self.column, self.size_px = self.labels.column, network.size_px

    @torch.inference_mode()
    def __call__(self, pictures: Sequence[Image]) -> Values:
        """Probabilities (N, C) of the classes: rows sum to 1, or each is its own if multi-label.

        Args:
            pictures: (H, W, 3) uint8 RGB of any sizes, or (H, W) grey.

        Raises:
            InputError: One of them is no picture.
        """
        self.network.eval()
        fitted = [fit_picture(picture, self.size_px) for picture in pictures]
        found = [np.zeros((0, len(self.classes)))]
        for start in range(0, len(fitted), _BATCH):
            pixels = np.stack(fitted[start : start + _BATCH]).transpose(0, 3, 1, 2)
            tensor = torch.from_numpy(np.ascontiguousarray(pixels)).to(self.network.device)
            logits = self.network(tensor).double()
            shares = logits.sigmoid() if self.multi_label else logits.softmax(1)
            found.append(shares.cpu().numpy())
        return np.concatenate(found)


def fit_picture(picture: NDArray[np.uint8], size_px: int) -> Image:
    """The central square of a picture, (size_px, size_px, 3) uint8 RGB.

    Args:
        picture: (H, W, 3) RGB or (H, W) grey, uint8.
        size_px: Side of the square.

    Raises:
        InputError: It is no such array.
    """
    image = check_image(np.stack([picture] * 3, 2) if np.ndim(picture) == 2 else picture)
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > size_px else cv2.INTER_CUBIC
    return cv2.resize(square, (size_px, size_px), interpolation=how).astype(np.uint8, copy=False)


def load_classifier(folder: Path, device: str = "cpu") -> Classifier:
    """Read the classifier in a folder of :func:`save_classifier`; nothing is fetched.

    Raises:
        ModelError: The folder holds none.
        OptionError: There is no such device.
    """
    network = read_network(str(folder), local=True)
    try:
        network.to(device)
    except (RuntimeError, AssertionError) as error:  # torch's, where it was built without CUDA
        raise OptionError(f"no such device: {device}; try cpu") from error
    return Classifier(network)
