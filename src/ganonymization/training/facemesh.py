"""FaceMesh as a PyTorch network, so that a loss can ask where a drawn face's landmarks are found.

The network is the shipped one (Grishchenko et al., "Attention mesh", CVPR workshops 2020). ONNX
Runtime passes no gradient back.
"""

from torch import Tensor, nn

from .. import weights
from .onnx_module import OnnxModule

INPUT_PX = 192


class FaceMesh(nn.Module):
    """478 landmarks of a face that fills about two thirds of a square picture; frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.network = OnnxModule(weights.path_of("facemesh"), ["landmarks"])

    def forward(self, picture: Tensor) -> Tensor:
        """Pictures (N, 3, 192, 192) RGB in [-1, 1] to landmarks (N, 478, 2) in their pixels."""
        landmarks: Tensor = self.network((picture + 1) / 2)[0]
        return landmarks[..., :2]
