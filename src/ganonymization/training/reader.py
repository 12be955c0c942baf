"""A small network that reads landmarks in a picture, so that a loss can ask where they are.

FaceMesh itself has no gradient here. The reader is fitted on the same prepared pictures, and the
generator is asked that it reads the same landmarks in the drawn picture as in the real one, so what
the reader gets wrong in both cancels out.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .. import topology

READER_SIZE_PX = 128
READER_BATCH = 64
_RATE = 2e-3
_VIVID_WEIGHT = 3.0


class LandmarkReader(nn.Module):
    """Ten convolutions down to 8 x 8, then one linear layer."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        widths = (3, 24, 48, 64, 96, 96, 160, 160)
        strides = (2, 2, 1, 2, 1, 2, 1)
        for (a, b), stride in zip(pairwise(widths), strides, strict=True):
            layers += [nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
        layers += [nn.Conv2d(widths[-1], 64, 1), nn.ReLU(), nn.Flatten()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(64 * 8 * 8, 2 * topology.LANDMARK_COUNT)

    def forward(self, picture: Tensor) -> Tensor:
        """Pictures (N, 3, S, S) in [-1, 1] to (N, 478, 2), the crop's sides at -1 and 1."""
        if picture.shape[-1] != READER_SIZE_PX:
            picture = F.interpolate(picture, (READER_SIZE_PX, READER_SIZE_PX), mode="area")
        points: Tensor = self.head(self.body(picture)).view(-1, topology.LANDMARK_COUNT, 2)
        return points


def point_weights() -> Tensor:
    """How much each landmark counts, (478, 1), 1 on average: eyes, brows and mouth more."""
    weights = torch.ones(topology.LANDMARK_COUNT)
    vivid = (topology.EYE_LEFT, topology.EYE_RIGHT, topology.LIPS_OUTER, topology.LIPS_INNER)
    for path in (*vivid, *topology.BROWS):
        weights[list(path)] = _VIVID_WEIGHT
    return (weights / weights.mean())[:, None]


def fit_step(
    reader: LandmarkReader,
    optimizer: torch.optim.Optimizer,
    batch: dict[str, Tensor],
    progress: float,
    finish: Callable[[LandmarkReader], None],
) -> float:
    """One step of fitting; the loss comes back.

    Args:
        reader: In training mode.
        optimizer: Its.
        batch: ``picture`` (N, 3, S, S) uint8 and ``landmarks`` (N, 478, 2) in [-1, 1].
        progress: 0 at the first step, 1 at the last; the rate follows a cosine.
        finish: Averages the gradients over devices.
    """
    for group in optimizer.param_groups:
        group["lr"] = (
            _RATE * min(1.0, 0.01 + progress * 20) * (1 + math.cos(math.pi * progress)) / 2
        )
    picture = batch["picture"].float() / 127.5 - 1
    gap = (reader(picture) - batch["landmarks"]).abs() * point_weights().to(picture.device)
    loss = gap.mean()
    optimizer.zero_grad()
    loss.backward()
    finish(reader)
    optimizer.step()
    return float(loss.detach())
