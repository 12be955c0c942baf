"""Training samples from prepared folders: augmented crops, their conditions and masks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ..errors import InputError
from ..geometry import conditioning, topology, transforms
from ..geometry.wall import opacity
from ..types import Image, Reals, Values
from . import layout
from .augment import darker_skin, expression_shifts, jittered, jittered_wall, recoloured, warped
from .layout import GENERATOR_SIZE_PX, PREPARED_SIZE_PX

_WARPED_SHARE = 0.6
_FEATURES = (topology.EYE_LEFT, topology.EYE_RIGHT, topology.LIPS_OUTER, *topology.BROWS)


class Shards:
    """Prepared folders as one list of faces; vivid and dark ones are drawn more often.

    Raises:
        InputError: A folder is not such a one.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        if not folders:
            raise InputError("no prepared folder: make one with 'ganonymize prepare'")
        self._crops = [layout.load(folder, "crops.npy", "r") for folder in folders]
        self._ends = np.cumsum([len(crops) for crops in self._crops])
        parts = [layout.load(folder, "landmarks.npy") for folder in folders]
        self.landmarks = np.concatenate(parts).astype(np.float64)
        self.grey = np.concatenate([layout.load(folder, "chroma.npy") for folder in folders]) < 20
        skin_ita_deg = np.concatenate([layout.load(f, "skin_ita_deg.npy") for f in folders])
        self.cumulative = np.cumsum(vividness(self.landmarks) * rarity(skin_ita_deg))
        self.cumulative /= self.cumulative[-1]

    def draw(self, rng: np.random.Generator) -> int:
        """The number of a random face."""
        return int(np.searchsorted(self.cumulative, rng.random()))

    def moved(self, face: int, rng: np.random.Generator, size_px: int) -> tuple[Image, Values]:
        """A flipped, turned, scaled and shifted crop of a face with its landmarks in its pixels."""
        shard = int(np.searchsorted(self._ends, face, side="right"))
        first = self._ends[shard - 1] if shard else 0
        crop, points = np.asarray(self._crops[shard][face - first]), self.landmarks[face]
        if rng.random() < 0.5:
            crop = np.ascontiguousarray(crop[:, ::-1])
            points = points[topology.mirror()] * [-1, 1, 1] + np.array([PREPARED_SIZE_PX - 1, 0, 0])
        x, y = (PREPARED_SIZE_PX - 1) / 2 + rng.uniform(-5, 5, 2)
        side = GENERATOR_SIZE_PX * np.exp(rng.uniform(-0.06, 0.06))
        angle = np.deg2rad(rng.uniform(-5, 5))
        transform = transforms.similarity((x, y), side, angle, size_px)
        colour = transforms.warp(crop[..., :3], transform, size_px)
        masks = transforms.warp(
            np.ascontiguousarray(crop[..., 3:]), transform, size_px, cv2.BORDER_CONSTANT
        )
        return np.concatenate([colour, masks], 2), transforms.apply(transform, points)


class PreparedFaces(Dataset[dict[str, Tensor]]):
    """Random training samples of the generator, (C, S, S) uint8 but for the last two.

    Keys: ``condition`` and ``picture`` (3), ``wall`` and ``opacity`` (1), ``weight`` (1; 0 outside
    the picture, up to 255 on eyes, brows and mouth), ``portrait`` (a flag), and ``landmarks``,
    those of the condition, (478, 2) float32 with the crop's sides at -1 and 1.

    Args:
        folders: Prepared folders.
        size_px: S.
        portrait_share: Share of samples whose head stands on black, without context.
        jitter_eyes: Deviation of the noise on the drawn mesh, in outer-eye distances.
        seed: Sample i of two data sets with one seed is the same.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        size_px: int,
        portrait_share: float,
        jitter_eyes: float,
        seed: int,
    ) -> None:
        self.shards = Shards(folders)
        self.size_px, self.portrait_share = size_px, portrait_share
        self.jitter_eyes, self.seed = jitter_eyes, seed

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, index])
        face = self.shards.draw(rng)
        # A grey photograph would teach the portraits grey skin; a grey scene asks for a grey face.
        portrait = bool(rng.random() < self.portrait_share) and not self.shards.grey[face]
        crop, points = self.shards.moved(face, rng, self.size_px)
        if rng.random() < _WARPED_SHARE:
            crop, points = warped(crop, points, expression_shifts(rng))
        colour = np.ascontiguousarray(crop[..., :3])
        if not portrait and rng.random() < 0.3:
            colour = darker_skin(colour, points, rng.uniform(28, 60))
        if portrait:  # in their own colours, for new heads take their style from them
            picture = (colour * (crop[..., 3:4] / 255.0)).astype(np.uint8)
            wall = np.full((self.size_px, self.size_px), 255, np.uint8)
            alpha = wall
        else:
            picture = recoloured(colour, rng)
            radius = jittered_wall(points, rng).radius_map(self.size_px)
            # At run time the picture's own pixels make the wall's edge coarse: never finer here.
            wall = np.where(radius <= 1 + rng.uniform(0, 0.05), 255, 0).astype(np.uint8)
            alpha = np.round(255 * opacity(radius)).astype(np.uint8)
        weight = np.where(crop[..., 4] > 250, feature_weight(points, self.size_px), 0)
        eyes_px = self.size_px / transforms.CROP_SIDE_EYES
        drawn = jittered(points, rng, self.jitter_eyes * eyes_px)
        layers = {
            "condition": conditioning.mesh(drawn, self.size_px).transpose(2, 0, 1),
            "picture": picture.transpose(2, 0, 1),
            "wall": wall[None],
            "opacity": alpha[None],
            "weight": weight.astype(np.uint8)[None],
            "portrait": np.array(portrait),
            "landmarks": ((drawn[:, :2] + 0.5) / self.size_px * 2 - 1).astype(np.float32),
        }
        return {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in layers.items()}


class Batches(Sampler[list[int]]):
    """Sample numbers, a device's share of each step; a run goes on where it stopped.

    Args:
        first: The run's first sample that was not seen.
        end: The last step is the one that reaches it.
        batch: Samples a step on each device.
        rank: Which device this is.
        devices: How many there are.
    """

    def __init__(self, first: int, end: int, batch: int, rank: int = 0, devices: int = 1) -> None:
        self.starts = range(first, end, batch * devices)
        self.own = range(rank * batch, (rank + 1) * batch)

    def __iter__(self) -> Iterator[list[int]]:
        for start in self.starts:
            yield [start + i for i in self.own]


def vividness(landmarks_px: Reals) -> Values:
    """How much more often a face should be drawn, (N,) >= 1: more for rare poses and expressions.

    Mouth opening and width, eye openings, brow height and yaw are measured and standardised; what
    lies more than 1.5 deviations out counts more, up to four times.
    """
    p = np.asarray(landmarks_px, np.float64)
    unit = np.linalg.norm(p[:, 33] - p[:, 263], axis=1)

    def distance(a: int, b: int) -> Values:
        gap: Values = np.linalg.norm(p[:, a] - p[:, b], axis=1) / unit
        return gap

    measures = np.stack(
        [distance(13, 14), distance(61, 291), distance(159, 145), distance(386, 374),
         distance(105, 159), distance(334, 386), (p[:, 234, 2] - p[:, 454, 2]) / unit]
    )  # fmt: skip
    deviations = np.abs(measures - measures.mean(1, keepdims=True)) / measures.std(1, keepdims=True)
    weights: Values = 1 + np.clip(deviations.max(0) - 1.5, 0, 3)
    return weights


def rarity(skin_ita_deg: Reals) -> Values:
    """How much more often a face should be drawn for its skin, (N,): collections are mostly light.

    Args:
        skin_ita_deg: (N,) individual typology angles in degrees; below 10 is dark, below 28 tan.
    """
    return np.where(skin_ita_deg < 10, 3.0, np.where(skin_ita_deg < 28, 1.7, 1.0))


def feature_weight(points: Values, size_px: int) -> Image:
    """64 everywhere, 255 on eyes, brows and mouth, (S, S): expressions are the product."""
    weight = np.full((size_px, size_px), 64, np.uint8)
    for ring in _FEATURES:
        outline = points[list(ring), :2]
        wider = outline.mean(0) + (outline - outline.mean(0)) * [1.3, 1.6]
        cv2.fillConvexPoly(weight, cv2.convexHull(wider.astype(np.int32)), (255,))
    return weight
