"""Training samples of the refiner: a face, and a texture on its mesh, its own or another's."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ...geometry import conditioning, rasterisation, topology, transforms
from ...geometry.wall import opacity
from ...surrogate.expression_reading import coarse, reading_square
from ...surrogate.shape_model import ShapeModel
from ...types import Image
from .. import layout
from ..augment import boxed_wall, jittered, other_skin, recoloured
from ..data import Shards, feature_weight

READINGS = 7  # neutral, happy, sad, angry, fearful, disgusted, surprised
STYLE_PX = 64
_FRONTAL = 0.15  # of the face's width, between the two halves
_NEAREST = 24  # donors by reading to choose from
_JITTER_EYES = 0.004
_SURROGATE_SHARE = 0.7  # of faces with another's texture: as at run time, nobody's shape, too
_OTHER_SKIN_SHARE = 0.35  # else hair and walls tell the skin

Sample = dict[str, Tensor]


class RefinerFaces(Dataset[Sample]):
    """Random samples; layers are (C, S, S) uint8 if not said otherwise.

    Keys: those of :class:`ganonymization.training.data.PreparedFaces` but ``landmarks``, and
    ``texture`` (3, delit), ``toned`` (3, the same as it was lit), ``skin`` and ``features`` (1
    each, where the texture may be used), ``style_of`` (3, 64, 64), ``reading`` (7,) float32,
    ``cross`` (a flag: the texture is another person's), ``own_condition`` (3, of the picture's face
    where ``condition`` is a surrogate's), ``shares`` (7,) float32, the reading as it was before it
    was made coarse, ``read_square`` (3,) float32, left, top and side of where a reader looks.

    Args:
        folders: Prepared, each with ``readings.npy``, (N, 7) float32.
        size_px: S.
        portrait_share: Share of samples whose head stands on black.
        seed: Sample i of two data sets with one seed is the same.
        cross_share: Of samples with another person's texture.
        held_out: Draw the faces that are marked as held out, and no others.
    """

    def __init__(
        self, folders: Sequence[Path], size_px: int, portrait_share: float, seed: int,
        cross_share: float = 0.5, held_out: bool = False,
    ) -> None:  # fmt: skip
        self.shards = Shards(folders)
        self.size_px, self.portrait_share, self.seed = size_px, portrait_share, seed
        self.cross_share = cross_share
        self.readings = np.concatenate([layout.load(f, "readings.npy") for f in folders])
        apart = np.concatenate([layout.load(f, "held_out.npy") for f in folders])
        old = np.concatenate([layout.load(f, "age.npy") for f in folders]) > 50
        vivid = self.readings[:, 2:].sum(1)
        weight = np.diff(self.shards.cumulative, prepend=0)
        weight = weight * (1 + 4 * vivid + 2 * old) * (apart == held_out)
        self.shards.cumulative = np.cumsum(weight) / weight.sum()
        donors = ~self.shards.grey & ~apart & (_yaw(self.shards.landmarks) < _FRONTAL)
        self.donors = np.nonzero(donors)[0]
        self.shape = ShapeModel.load()

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng([self.seed, index])
        size = self.size_px
        face = self.shards.draw(rng)
        portrait = bool(rng.random() < self.portrait_share) and not self.shards.grey[face]
        cross = bool(rng.random() < self.cross_share)
        crop, points = self.shards.moved(face, rng, size)
        colour = np.ascontiguousarray(crop[..., :3])
        if not portrait and rng.random() < _OTHER_SKIN_SHARE:
            colour = other_skin(colour, points, rng.uniform(28, 88))
        shape = points
        if cross and rng.random() < _SURROGATE_SHARE:
            seed = int(rng.integers(1 << 32))
            shape = self.shape.surrogate(points, seed, reading=coarse(self.readings[face]))
        held = np.concatenate([points, shape])
        picture, wall, alpha = _scene_or_head(colour, crop, held, portrait, rng)
        drawn = jittered(shape, rng, _JITTER_EYES / 2 * size / transforms.CROP_SIDE_EYES)
        if cross:
            texture, donor = self._anothers(face, drawn, rng)
            style_of = donor
        else:
            style_of = (colour * (crop[..., 3:4] / 255.0)).astype(np.uint8)
            texture = _own(colour, points, drawn, rng, 0.6 if portrait else 1.0)
        features = texture.features * np.uint8(rng.random() < 0.5)
        cover, eyes_px = (
            np.maximum(texture.skin, texture.features),
            size / transforms.CROP_SIDE_EYES,
        )
        weight = np.where(crop[..., 4] > 250, feature_weight(points, size), 0).astype(np.uint8)
        small = cv2.resize(style_of, (STYLE_PX, STYLE_PX), interpolation=cv2.INTER_AREA)
        return _tensors({
            "condition": conditioning.mesh(drawn, size).transpose(2, 0, 1),
            "own_condition": conditioning.mesh(points, size).transpose(2, 0, 1),
            "picture": picture.transpose(2, 0, 1),
            "wall": wall[None],
            "opacity": alpha[None],
            "weight": weight[None],
            "texture": rasterisation.delit(texture.image, cover, eyes_px).transpose(2, 0, 1),
            "toned": texture.image.transpose(2, 0, 1),
            "skin": texture.skin[None],
            "features": features[None],
            "style_of": small.transpose(2, 0, 1),
            "reading": coarse(self.readings[face]),
            "shares": self.readings[face],
            "read_square": np.array(reading_square(drawn), np.float32),
            "portrait": np.array(portrait),
            "cross": np.array(cross),
        })  # fmt: skip

    def _anothers(
        self, face: int, drawn: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[rasterisation.Texture, Image]:
        """The texture of a donor, as often as not one of a like expression, and its head."""
        if rng.random() < 0.5:
            gaps = np.abs(self.readings[self.donors] - self.readings[face]).sum(1)
            near = np.argsort(gaps, kind="stable")[:_NEAREST]
            donor = int(self.donors[near[rng.integers(_NEAREST)]])
        else:
            donor = int(self.donors[rng.integers(len(self.donors))])
        crop, points = self.shards.moved(donor, rng, self.size_px)
        colour = np.ascontiguousarray(crop[..., :3])
        if rng.random() < 0.5:
            colour = relit(colour, rng, 0.5)
        head = (colour * (crop[..., 3:4] / 255.0)).astype(np.uint8)
        return rasterisation.render(colour, points, drawn, self.size_px), head


def relit(picture: Image, rng: np.random.Generator, strength: float) -> Image:
    """A picture under a smooth random light.

    Args:
        picture: (S, S, 3) uint8 RGB.
        rng: Decides.
        strength: 0 changes nothing; 1 is a lamp from the side.
    """
    size, knots = picture.shape[0], int(rng.integers(2, 6))
    field = rng.normal(0, 0.22, (knots, knots, 1)) + rng.normal(0, 0.06, (knots, knots, 3))
    field = strength * field + rng.normal(0, 0.2) + rng.normal(0, 0.07, 3)
    smooth = cv2.resize(field.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    gamma = np.float32(np.exp(rng.normal(0, 0.15 * strength)))
    lit = (picture.astype(np.float32) / 255 + np.float32(0.004)) ** gamma * np.exp(smooth)
    return np.clip(lit * 255, 0, 255).astype(np.uint8)


def _own(
    colour: Image, points: NDArray[np.float64], drawn: NDArray[np.float64],
    rng: np.random.Generator, strength: float,
) -> rasterisation.Texture:  # fmt: skip
    """The face's own texture, displaced a little, perhaps mirrored, under another light."""
    size = colour.shape[0]
    source = jittered(points, rng, _JITTER_EYES * size / transforms.CROP_SIDE_EYES)
    if rng.random() < 0.4:
        colour = np.ascontiguousarray(colour[:, ::-1])
        source = source[topology.mirror()] * [-1, 1, 1] + np.array([size - 1, 0, 0])
    colour = relit(colour, rng, strength)
    if rng.random() < 0.15:
        colour = np.asarray(cv2.GaussianBlur(colour, (0, 0), rng.uniform(0.4, 1.2)), np.uint8)
    return rasterisation.render(colour, source, drawn, size)


def _scene_or_head(
    colour: Image, crop: Image, held: NDArray[np.float64], portrait: bool,
    rng: np.random.Generator,
) -> tuple[Image, NDArray[np.uint8], NDArray[np.uint8]]:  # fmt: skip
    """Target picture, wall and opacity: all of a head on black, or what is behind a wall."""
    size = colour.shape[0]
    if portrait:
        whole = np.full((size, size), 255, np.uint8)
        return (colour * (crop[..., 3:4] / 255.0)).astype(np.uint8), whole, whole
    radius = boxed_wall(held, rng).radius_map(size)
    wall = np.where(radius <= 1 + rng.uniform(0, 0.05), 255, 0).astype(np.uint8)
    return recoloured(colour, rng), wall, np.round(255 * opacity(radius)).astype(np.uint8)


def _yaw(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """How unlike the two halves are as they are seen, (N,): 0 is frontal."""
    p = landmarks[..., :2]
    right, left = (np.linalg.norm(p[:, 1] - p[:, i], axis=1) for i in (234, 454))
    yaw: NDArray[np.float64] = np.abs(right - left) / np.linalg.norm(p[:, 234] - p[:, 454], axis=1)
    return yaw


def _tensors(layers: dict[str, NDArray[np.generic]]) -> Sample:
    return {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in layers.items()}
