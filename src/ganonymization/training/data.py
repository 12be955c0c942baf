"""Training samples from a prepared folder: augmented crops, their conditions and masks.

A prepared folder holds ``crops.npy`` (N, 288, 288, 5) uint8, whose channels are R, G, B, the head's
opacity and 255 where the pixel was inside the picture, and ``landmarks.npy`` (N, 478, 3) float32 in
pixels of those crops.
"""

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from .. import align, condition, topology
from ..types import Image, Reals
from ..wall import Wall, opacity

PREPARED_SIZE_PX = 288
CHANNELS = 5
GENERATOR_SIZE_PX = 256  # of the middle of a prepared crop
_FEATURES = (topology.EYE_LEFT, topology.EYE_RIGHT, topology.LIPS_OUTER)


class PreparedFaces(Dataset[dict[str, torch.Tensor]]):
    """Random training samples, (C, S, S) uint8 each.

    Keys: ``condition`` and ``picture`` (3), ``wall`` and ``opacity`` (1), ``weight`` (1; 0 outside
    the picture, up to 255 on eyes and mouth), ``portrait`` (a flag).

    Args:
        folder: A prepared folder.
        size_px: S.
        portrait_share: Share of samples whose head stands on black, without context.
        seed: Sample i of two data sets with one seed is the same.
        length: Samples before the loader starts anew.
    """

    def __init__(
        self, folder: Path, size_px: int, portrait_share: float, seed: int, length: int
    ) -> None:
        self.crops = np.load(folder / "crops.npy", mmap_mode="r")
        self.landmarks = np.load(folder / "landmarks.npy").astype(np.float64)
        self.size_px, self.portrait_share = size_px, portrait_share
        self.seed, self.length = seed, length
        self.cumulative = np.cumsum(vividness(self.landmarks))
        self.cumulative /= self.cumulative[-1]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        rng = np.random.default_rng([self.seed, index])
        face = int(np.searchsorted(self.cumulative, rng.random()))
        portrait = bool(rng.random() < self.portrait_share)
        crop, points = self._moved(face, rng)
        picture = _recoloured(crop[..., :3], rng, scene=not portrait)
        if portrait:
            picture = (picture * (crop[..., 3:4] / 255.0)).astype(np.uint8)
            wall = np.full((self.size_px, self.size_px), 255, np.uint8)
            alpha = wall
        else:
            radius = _jittered_wall(points, rng).radius_map(self.size_px)
            # At run time the picture's own pixels make the wall's edge coarse: never finer here.
            wall = np.where(radius <= 1 + rng.uniform(0, 0.05), 255, 0).astype(np.uint8)
            alpha = np.round(255 * opacity(radius)).astype(np.uint8)
        weight = np.where(crop[..., 4] > 250, _feature_weight(points, self.size_px), 0)
        layers = {
            "condition": condition.mesh(points, self.size_px).transpose(2, 0, 1),
            "picture": picture.transpose(2, 0, 1),
            "wall": wall[None],
            "opacity": alpha[None],
            "weight": weight.astype(np.uint8)[None],
            "portrait": np.array(portrait),
        }
        return {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in layers.items()}

    def _moved(self, face: int, rng: np.random.Generator) -> tuple[Image, NDArray[np.float64]]:
        """A flipped, turned, scaled and shifted crop with its landmarks."""
        crop, points = np.asarray(self.crops[face]), self.landmarks[face]
        if rng.random() < 0.5:
            crop = np.ascontiguousarray(crop[:, ::-1])
            points = points[topology.mirror()] * [-1, 1, 1] + np.array([PREPARED_SIZE_PX - 1, 0, 0])
        middle = (PREPARED_SIZE_PX - 1) / 2
        x, y = middle + rng.uniform(-5, 5, 2)
        side = GENERATOR_SIZE_PX * np.exp(rng.uniform(-0.06, 0.06))
        angle = np.deg2rad(rng.uniform(-5, 5))
        transform = align.similarity((x, y), side, angle, self.size_px)
        colour = align.warp(crop[..., :3], transform, self.size_px)
        masks = align.warp(
            np.ascontiguousarray(crop[..., 3:]), transform, self.size_px, cv2.BORDER_CONSTANT
        )
        return np.concatenate([colour, masks], 2), align.apply(transform, points)


def vividness(landmarks_px: Reals) -> NDArray[np.float64]:
    """How much more often a face should be drawn, (N,) >= 1: more for rare poses and expressions.

    Mouth opening and width, eye openings, brow height and yaw are measured and standardised; what
    lies more than 1.5 deviations out counts more, up to four times.
    """
    p = np.asarray(landmarks_px, np.float64)
    unit = np.linalg.norm(p[:, 33] - p[:, 263], axis=1)

    def distance(a: int, b: int) -> NDArray[np.float64]:
        gap: NDArray[np.float64] = np.linalg.norm(p[:, a] - p[:, b], axis=1) / unit
        return gap

    measures = np.stack(
        [distance(13, 14), distance(61, 291), distance(159, 145), distance(386, 374),
         distance(105, 159), distance(334, 386), (p[:, 234, 2] - p[:, 454, 2]) / unit]
    )  # fmt: skip
    deviations = np.abs(measures - measures.mean(1, keepdims=True)) / measures.std(1, keepdims=True)
    weights: NDArray[np.float64] = 1 + np.clip(deviations.max(0) - 1.5, 0, 3)
    return weights


def _jittered_wall(points: NDArray[np.float64], rng: np.random.Generator) -> Wall:
    """A wall as a looser box or another outline would have made it."""
    wall = Wall.around(points)
    grow = np.array(wall.half_wh) * rng.uniform(0, 0.12, 2) * (rng.random() < 0.6)
    shift = grow * rng.uniform(-1, 1, 2)
    return Wall(
        (wall.centre_xy[0] + float(shift[0]), wall.centre_xy[1] + float(shift[1])),
        (wall.half_wh[0] + float(grow[0]), wall.half_wh[1] + float(grow[1])),
    )


def _feature_weight(points: NDArray[np.float64], size_px: int) -> Image:
    """64 everywhere, 255 on eyes and mouth, (S, S): expressions are the product."""
    weight = np.full((size_px, size_px), 64, np.uint8)
    for ring in _FEATURES:
        outline = points[list(ring), :2]
        wider = outline.mean(0) + (outline - outline.mean(0)) * [1.3, 1.6]
        cv2.fillConvexPoly(weight, cv2.convexHull(wider.astype(np.int32)), (255,))
    return weight


def _recoloured(picture: Image, rng: np.random.Generator, scene: bool) -> Image:
    """Another light, contrast or white balance; scenes sometimes grey or as if from far away."""
    x = picture.astype(np.float32) / 255
    if rng.random() < 0.5:
        x = x ** np.exp(rng.normal(0, 0.2))
        x = x * np.exp(rng.normal(0, 0.06, 3)).astype(np.float32) * np.exp(rng.normal(0, 0.1))
        x = (x - 0.5) * np.exp(rng.normal(0, 0.1)) + 0.5
    if scene and rng.random() < 0.07:
        x = np.repeat(x @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, 2)
    if scene and rng.random() < 0.2:
        size = picture.shape[0]
        small = round(size * rng.uniform(0.2, 0.8))
        far = cv2.resize(x, (small, small), interpolation=cv2.INTER_AREA)
        x = np.asarray(cv2.resize(far, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)
    recoloured: Image = np.round(np.clip(x, 0, 1) * 255).astype(np.uint8)
    return recoloured
