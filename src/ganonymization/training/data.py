"""Training samples from prepared folders: augmented crops, their conditions and masks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ..errors import InputError
from ..geometry import conditioning, topology, transforms
from ..geometry.wall import Wall, opacity
from ..types import Image, Reals
from . import layout
from .layout import GENERATOR_SIZE_PX, PREPARED_SIZE_PX

_SKIN = (50, 101, 280, 330, 151, 199)  # cheeks, forehead, chin
_SKIN_SPREAD_LAB = np.array([45, 13, 13], np.float32)
_OUTER_EYES = (33, 263)
_WARPED_SHARE = 0.6
_FIELD_STEP = 8  # bumps are smooth: one vector for so many pixels is enough
_MOVABLE = (  # left and right, reach, deviations outwards and down in outer-eye distances
    ((55, 285), 0.12, (0.020, 0.035)),  # inner ends of the brows
    ((52, 282), 0.13, (0.005, 0.025)),
    ((46, 276), 0.13, (0.000, 0.020)),
    ((159, 386), 0.07, (0.000, 0.012)),  # upper and lower lids
    ((145, 374), 0.07, (0.000, 0.008)),
    ((61, 291), 0.15, (0.025, 0.025)),  # corners of the mouth
)
_FEATURES = (topology.EYE_LEFT, topology.EYE_RIGHT, topology.LIPS_OUTER, *topology.BROWS)


class _Shards:
    """Prepared folders as one list of faces; vivid and dark ones are drawn more often.

    Args:
        folders: Made by ``ganonymize prepare``.

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
        self._cumulative = np.cumsum(vividness(self.landmarks) * rarity(skin_ita_deg))
        self._cumulative /= self._cumulative[-1]

    def draw(self, rng: np.random.Generator) -> int:
        """The number of a random face."""
        return int(np.searchsorted(self._cumulative, rng.random()))

    def moved(
        self, face: int, rng: np.random.Generator, size_px: int
    ) -> tuple[Image, NDArray[np.float64]]:
        """A flipped, turned, scaled and shifted crop with its landmarks in its pixels.

        Args:
            face: Its number.
            rng: Decides.
            size_px: Side of the result.
        """
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
    """Random training samples of the generator, (C, S, S) uint8 if not said otherwise.

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
        self.shards = _Shards(folders)
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
            picture = _recoloured(colour, rng)
            radius = _jittered_wall(points, rng).radius_map(self.size_px)
            # At run time the picture's own pixels make the wall's edge coarse: never finer here.
            wall = np.where(radius <= 1 + rng.uniform(0, 0.05), 255, 0).astype(np.uint8)
            alpha = np.round(255 * opacity(radius)).astype(np.uint8)
        weight = np.where(crop[..., 4] > 250, _feature_weight(points, self.size_px), 0)
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
        end: Samples from here on are not asked for; the last step may go beyond.
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


@dataclass(frozen=True)
class Shift:
    """A bump that moves what lies about a landmark.

    Attributes:
        landmark: In its middle.
        by_eyes: (right, down) of the face, in outer-eye distances.
        reach_eyes: Deviation of the Gaussian bump.
    """

    landmark: int
    by_eyes: tuple[float, float]
    reach_eyes: float


def expression_shifts(rng: np.random.Generator) -> list[Shift]:
    """Shifts that make another expression of a face: brows, lids and corners of the mouth.

    Collections of portraits hardly frown; both sides move much alike.
    """
    shifts = []
    for (left, right), reach, (out, down) in _MOVABLE:
        both, own = rng.normal(0, 1, 2), rng.normal(0, 0.35, (2, 2))
        for landmark, sign, extra in ((left, -1, own[0]), (right, 1, own[1])):
            along, across = (both + extra) * (out, down)
            shifts.append(Shift(landmark, (sign * float(along), float(across)), reach))
    return shifts


def warped(
    crop: Image, points: NDArray[np.float64], shifts: Sequence[Shift]
) -> tuple[Image, NDArray[np.float64]]:
    """A crop and its landmarks, both moved by the same bumps.

    Args:
        crop: (S, S, C) uint8.
        points: (478, 3) landmarks in its pixels.
        shifts: All at once.
    """
    across = points[_OUTER_EYES[1], :2] - points[_OUTER_EYES[0], :2]
    eyes_px = float(np.linalg.norm(across))
    right = across / max(eyes_px, 1e-6)
    axes = np.stack([right, [-right[1], right[0]]])  # of the face, as rows
    middles = points[[shift.landmark for shift in shifts], :2].astype(np.float32)
    moves = np.array([shift.by_eyes for shift in shifts]) @ axes * eyes_px
    reaches = np.array([shift.reach_eyes for shift in shifts]) * eyes_px

    def field(places: NDArray[np.float32]) -> NDArray[np.float32]:
        total = np.zeros_like(places)
        for middle, move, reach in zip(middles, moves, reaches, strict=True):
            squared = ((places - middle) ** 2).sum(-1, keepdims=True)
            total += np.exp(squared / np.float32(-2 * reach**2)) * move.astype(np.float32)
        return total

    size = crop.shape[0]
    middle_px = (np.arange(size // _FIELD_STEP) + 0.5) * _FIELD_STEP - 0.5
    coarse = np.stack(np.meshgrid(middle_px, middle_px), -1).astype(np.float32)
    source = coarse
    for _ in range(4):  # the place that is moved to the pixel: a fixed point
        source = coarse - field(source)
    offset = cv2.resize(source - coarse, (size, size), interpolation=cv2.INTER_LINEAR)
    pixels = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1)
    places = (pixels + offset).astype(np.float32)
    layers = [
        cv2.remap(
            np.ascontiguousarray(part), places[..., 0], places[..., 1], cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ).reshape(size, size, -1)
        for part in (crop[..., :3], crop[..., 3:])
    ]  # fmt: skip
    moved = points.copy()
    moved[:, :2] += field(points[:, :2].astype(np.float32))
    return np.concatenate(layers, 2), moved


def jittered(
    points: NDArray[np.float64], rng: np.random.Generator, deviation_px: float
) -> NDArray[np.float64]:
    """Landmarks moved by noise that is smooth along the mesh, as another geometry's might be.

    Args:
        points: (478, 3) in crop pixels.
        rng: Decides.
        deviation_px: Of the noise.
    """
    if deviation_px == 0:
        return points
    noise = rng.normal(0, 1, points.shape)
    triangles = topology.triangles()
    count = np.bincount(triangles.ravel(), minlength=len(noise))[:, None]
    for _ in range(2):  # each landmark takes the mean of its triangles
        total = np.zeros_like(noise)
        np.add.at(total, triangles.ravel(), np.repeat(noise[triangles].mean(1), 3, 0))
        noise = np.where(count > 0, total / np.maximum(count, 1), noise * 0)
    noise[topology.SURFACE_COUNT :] = 0  # irises stay: gaze is told by few pixels
    surface = noise[: topology.SURFACE_COUNT]
    moved: NDArray[np.float64] = points + noise * (deviation_px / surface.std())
    return moved


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


def rarity(skin_ita_deg: Reals) -> NDArray[np.float64]:
    """How much more often a face should be drawn for its skin, (N,): collections are mostly light.

    Args:
        skin_ita_deg: (N,) individual typology angles in degrees; below 10 is dark, below 28 tan.
    """
    return np.where(skin_ita_deg < 10, 3.0, np.where(skin_ita_deg < 28, 1.7, 1.0))


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
    """64 everywhere, 255 on eyes, brows and mouth, (S, S): expressions are the product."""
    weight = np.full((size_px, size_px), 64, np.uint8)
    for ring in _FEATURES:
        outline = points[list(ring), :2]
        wider = outline.mean(0) + (outline - outline.mean(0)) * [1.3, 1.6]
        cv2.fillConvexPoly(weight, cv2.convexHull(wider.astype(np.int32)), (255,))
    return weight


def darker_skin(picture: Image, points: NDArray[np.float64], lightness: float) -> Image:
    """The same person with darker skin, face, ears and neck alike: collections are mostly light.

    What is coloured like the cheeks, chin and forehead is darkened in CIELAB; the nearer in colour,
    the more.

    Args:
        picture: (S, S, 3) uint8 RGB.
        points: (478, 3) landmarks in its pixels.
        lightness: L* that the cheeks get, 0 to 100; lighter than they are changes nothing.
    """
    size = picture.shape[0]
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    x, y = np.clip(np.round(points[list(_SKIN), :2]).astype(int), 0, size - 1).T
    skin = np.median(lab[y, x], axis=0)
    if lightness >= skin[0]:
        return picture
    distance = (((lab - skin) / _SKIN_SPREAD_LAB) ** 2).sum(2)
    share = cv2.GaussianBlur(np.exp(-distance / 2), (0, 0), size / 128)[..., None]
    factor = lightness / skin[0]
    darker = lab * np.array([factor, 0.5 + 0.5 * factor, 0.45 + 0.55 * factor], np.float32)
    mixed = np.asarray(lab + share * (darker - lab), np.float32)
    rgb = np.clip(cv2.cvtColor(mixed, cv2.COLOR_LAB2RGB), 0, 1)
    return np.asarray(np.round(rgb * 255), np.uint8)


def _recoloured(picture: Image, rng: np.random.Generator) -> Image:
    """Another light, contrast or white balance; sometimes grey, from afar, blurred, or JPEG."""
    x = picture.astype(np.float32) / 255
    if rng.random() < 0.5:
        x = x ** np.exp(rng.normal(0, 0.2))
        x = x * np.exp(rng.normal(0, 0.06, 3)).astype(np.float32) * np.exp(rng.normal(0, 0.1))
        x = (x - 0.5) * np.exp(rng.normal(0, 0.1)) + 0.5
    if rng.random() < 0.07:
        x = np.repeat(x @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, 2)
    if rng.random() < 0.2:
        size = picture.shape[0]
        small = round(size * rng.uniform(0.2, 0.8))
        far = cv2.resize(x, (small, small), interpolation=cv2.INTER_AREA)
        x = np.asarray(cv2.resize(far, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)
    if rng.random() < 0.1:
        x = np.asarray(cv2.GaussianBlur(x, (0, 0), rng.uniform(0.3, 1.5)), np.float32)
    recoloured: Image = np.round(np.clip(x, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))]
        _, coded = cv2.imencode(".jpg", recoloured[..., ::-1], quality)
        recoloured = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
    return recoloured
