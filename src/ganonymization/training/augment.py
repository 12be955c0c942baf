"""Other faces, lights and outlines than those of the pictures, drawn at random for training."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import skin as skin_tone
from ..geometry import topology
from ..geometry.wall import Wall
from ..types import Image, Values

_OUTER_EYES = (33, 263)
_FIELD_STEP = 8  # bumps are smooth: one vector for so many pixels is enough
_MOVABLE = (  # left and right, reach, deviations outwards and down in outer-eye distances
    ((55, 285), 0.12, (0.020, 0.035)),  # inner ends of the brows
    ((52, 282), 0.13, (0.005, 0.025)),
    ((46, 276), 0.13, (0.000, 0.020)),
    ((159, 386), 0.07, (0.000, 0.012)),  # upper and lower lids
    ((145, 374), 0.07, (0.000, 0.008)),
    ((61, 291), 0.15, (0.025, 0.025)),  # corners of the mouth
)


@dataclass(frozen=True)
class Shift:
    """A Gaussian bump that moves what lies about a landmark, (right, down) of the face.

    Moves and the bump's deviation are in outer-eye distances.
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


def warped(crop: Image, points: Values, shifts: Sequence[Shift]) -> tuple[Image, Values]:
    """A crop (S, S, C) uint8 and its (478, 3) landmarks, both moved by the same bumps."""
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


def jittered(points: Values, rng: np.random.Generator, deviation_px: float) -> Values:
    """Landmarks (478, 3) in crop pixels, moved by noise that is smooth along the mesh.

    So may those of another geometry differ.
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
    noise[topology.SURFACE_COUNT :] = 0  # irises stay: gaze is a matter of few pixels
    surface = noise[: topology.SURFACE_COUNT]
    moved: Values = points + noise * (deviation_px / surface.std())
    return moved


def jittered_wall(points: Values, rng: np.random.Generator) -> Wall:
    """A wall as a looser box or another outline would have made it."""
    wall = Wall.around(points)
    grow = np.array(wall.half_wh) * rng.uniform(0, 0.12, 2) * (rng.random() < 0.6)
    shift = grow * rng.uniform(-1, 1, 2)
    return Wall(
        (wall.centre_xy[0] + float(shift[0]), wall.centre_xy[1] + float(shift[1])),
        (wall.half_wh[0] + float(grow[0]), wall.half_wh[1] + float(grow[1])),
    )


def boxed_wall(faces_px: Values, rng: np.random.Generator) -> Wall:
    """A wall as it is at run time, where a detector's box may push it beyond the faces it holds.

    A little, and more above than elsewhere.

    Args:
        faces_px: (N, 3) landmarks in crop pixels, of the old face and of the new.
        rng: Decides.
    """
    wall = Wall.around(faces_px)
    (x, y), (w, h) = wall.centre_xy, wall.half_wh
    left, right = np.abs(rng.normal(0, 0.02, 2)) * w
    top, bottom = max(0.0, rng.normal(0.03, 0.04)) * h, abs(rng.normal(0, 0.02)) * h
    centre = (x + float(right - left) / 2, y + float(bottom - top) / 2)
    return Wall(centre, (w + float(left + right) / 2, h + float(top + bottom) / 2))


def other_skin(picture: Image, points: Values, lightness: float) -> Image:
    """The same person with darker or lighter skin, face, ears and neck alike.

    What is coloured like the cheeks, chin and forehead is changed in CIELAB; the nearer in colour,
    the more.

    Args:
        picture: (S, S, 3) uint8 RGB.
        points: (478, 3) landmarks in its pixels.
        lightness: L* that the cheeks get, 0 to 100.
    """
    size = picture.shape[0]
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    x, y = np.clip(np.round(points[list(skin_tone.PLACES), :2]).astype(int), 0, size - 1).T
    skin = np.median(lab[y, x], axis=0)
    distance = (((lab - skin) / skin_tone.SPREAD_LAB) ** 2).sum(2)
    share = cv2.GaussianBlur(np.exp(-distance / 2), (0, 0), size / 128)[..., None]
    factor = lightness / max(float(skin[0]), 1.0)
    if factor < 1:
        other = lab * np.array([factor, 0.5 + 0.5 * factor, 0.45 + 0.55 * factor], np.float32)
    else:
        other = lab.copy()
        other[..., 0] = 100 - (100 - lab[..., 0]) * (100 - lightness) / max(100 - skin[0], 1.0)
    mixed = np.asarray(lab + share * (other - lab), np.float32)
    rgb = np.clip(cv2.cvtColor(mixed, cv2.COLOR_LAB2RGB), 0, 1)
    return np.asarray(np.round(rgb * 255), np.uint8)


def darker_skin(picture: Image, points: Values, lightness: float) -> Image:
    """See :func:`other_skin`; lighter than it is changes nothing. Collections are mostly light."""
    lighter = lightness >= skin_tone.skin_lab(picture, points)[0]
    return picture if lighter else other_skin(picture, points, lightness)


def recoloured(picture: Image, rng: np.random.Generator) -> Image:
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
