"""A donor's texture on another face's mesh: one rasterisation, one affine map a triangle.

Each pixel learns which triangle it shows, far triangles painted first; the triangle's affine map
then tells where on the donor's picture that pixel lies, and the picture is sampled once. Eyes and
the inside of the mouth, which the mesh leaves open, are strips between their two lids or lips.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Image, Mask, Reals, Values
from . import topology

_SHIFT = 4  # OpenCV's fixed-point bits
_FEATHER_EYES = 0.12  # of the outer-eye distance: the texture fades out towards the oval
LIGHT_EYES = 0.2  # of the outer-eye distance: light is what is left after a Gaussian so wide
DARKEST = 0.02  # of white; below it a logarithm shows noise
_AREA = cv2.INTER_AREA
_SMALLEST_PX2 = 0.02  # twice a triangle's area in the donor's picture; less shows nothing


_LOGARITHM = np.log(np.arange(256, dtype=np.float32) / 255 + np.float32(DARKEST))


@dataclass(frozen=True)
class Texture:
    """A donor's face as it looks on another mesh.

    Attributes:
        image: (S, S, 3) uint8 RGB; meaningless where nothing covers.
        skin: (S, S) uint8, 255 where the mesh's surface has texture, fading towards the oval.
        features: (S, S) uint8, 255 in the openings of eyes and mouth.
        triangles: (S, S) int32, of :func:`triangle_map`; None where it was not kept.
    """

    image: Image
    skin: NDArray[np.uint8]
    features: NDArray[np.uint8]
    triangles: NDArray[np.int32] | None = None


@cache
def filled_triangles() -> NDArray[np.int32]:
    """The 852 triangles of the surface, then those that fill mouth and eyes, (T, 3) int32."""
    strips = [topology.LIPS_INNER, topology.EYE_LEFT, topology.EYE_RIGHT]
    corners = {0: (5, 15), 1: (0, 8), 2: (0, 8)}
    extra: list[tuple[int, int, int]] = []
    for number, ring in enumerate(strips):
        first, last = corners[number]
        upper = [ring[i % len(ring)] for i in range(first, last + 1)]
        lower = [ring[i % len(ring)] for i in range(first, last - len(ring) - 1, -1)]
        for i in range(len(upper) - 1):
            extra += [(upper[i], lower[i], lower[i + 1]), (upper[i], lower[i + 1], upper[i + 1])]
    proper = [t for t in extra if len(set(t)) == 3]
    return np.concatenate([topology.triangles().astype(np.int32), np.array(proper, np.int32)])


def hull(landmarks_px: Reals, size_px: int) -> NDArray[np.uint8]:
    """255 within the landmarks' convex hull, (S, S) uint8.

    Args:
        landmarks_px: (N, 2 or 3) in crop pixels.
        size_px: S.
    """
    filled = np.zeros((size_px, size_px), np.uint8)
    points = np.round(np.asarray(landmarks_px)[:, :2]).astype(np.int32)
    cv2.fillConvexPoly(filled, cv2.convexHull(points), (255,))
    return filled


def triangle_map(landmarks_px: Reals, size_px: int) -> NDArray[np.int32]:
    """Which triangle each pixel of a crop shows, (S, S) int32; -1 where there is no face.

    Args:
        landmarks_px: (478, 3) in crop pixels; z in the same scale, smaller is nearer.
        size_px: S.
    """
    points, triangles = np.asarray(landmarks_px, np.float64), filled_triangles()
    fixed = np.round(points[:, :2] * (1 << _SHIFT)).astype(np.int32)
    order = np.argsort(-points[triangles, 2].sum(1), kind="stable")
    canvas = np.full((size_px, size_px), -1, np.int32)
    for number, corners in zip(order.tolist(), fixed[triangles[order]], strict=True):
        cv2.fillConvexPoly(canvas, corners, (number,), cv2.LINE_8, _SHIFT)
    return canvas


def render(donor: Image, donor_px: Reals, landmarks_px: Reals, size_px: int) -> Texture:
    """A donor's face on a mesh.

    What the donor's picture hides is taken from its mirror twin.

    Args:
        donor: (H, W, 3) uint8 RGB.
        donor_px: (478, 3) its landmarks, in its pixels.
        landmarks_px: (478, 3) the mesh, in crop pixels.
        size_px: S.
    """
    numbers = triangle_map(landmarks_px, size_px)
    target, source = np.asarray(landmarks_px, float), np.asarray(donor_px, float)
    maps, usable = _affine_maps(target, source)
    image = np.zeros((size_px, size_px, 3), np.uint8)
    skin, features = np.zeros_like(numbers, np.uint8), np.zeros_like(numbers, np.uint8)
    left, top, width, height = cv2.boundingRect((numbers >= 0).view(np.uint8))
    if width == 0:
        return Texture(image, skin, features, numbers)
    here = slice(top, top + height), slice(left, left + width)
    shown = (numbers[here] >= 0).view(np.uint8)
    of_pixel = np.maximum(numbers[here], 0)
    x = np.arange(left, left + width, dtype=np.float32)[None, :]
    y = np.arange(top, top + height, dtype=np.float32)[:, None]
    u, v = (
        np.take(a, of_pixel) * x + np.take(b, of_pixel) * y + np.take(c, of_pixel)
        for a, b, c in maps.astype(np.float32).transpose(1, 2, 0)
    )
    smooth = _smoothed(donor, maps[usable])
    image[here] = cv2.remap(smooth, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inner = np.arange(len(usable)) >= len(topology.triangles())
    depth_px = cv2.distanceTransform(np.pad(shown, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    feather_px = max(_FEATHER_EYES * topology.outer_eyes_px(target), 1e-6)
    fade = cv2.convertScaleAbs(depth_px, None, 255 / feather_px)  # 0 where nothing is shown
    skin[here] = cv2.bitwise_and(fade, np.take(255 * (usable & ~inner).astype(np.uint8), of_pixel))
    features[here] = np.take(255 * (usable & inner).astype(np.uint8), of_pixel) * shown
    return Texture(image, skin, features, numbers)


def logarithm(image: Image) -> NDArray[np.float32]:
    """The logarithm in which light is a sum, (H, W, 3), of a picture, uint8."""
    return np.asarray(cv2.LUT(np.ascontiguousarray(image), _LOGARITHM), np.float32)


def delit(image: Image, cover: NDArray[np.uint8], eyes_px: float) -> Image:
    """A texture without its light and tone: its detail about a middle grey.

    Light is what of the logarithm is smooth (Land and McCann's retinex, 1971).

    Args:
        image: (S, S, 3) uint8 RGB.
        cover: (S, S) uint8, above 0 where the picture shows a face.
        eyes_px: Outer-eye distance in its pixels.
    """
    height, width = cover.shape
    shown = (cover > 0).astype(np.float32)
    log = logarithm(image)
    stacked = np.dstack([log * shown[..., None], shown])
    step = max(1, round(eyes_px / 10))
    small = cv2.resize(stacked, (-(-width // step), -(-height // step)), interpolation=_AREA)
    small = cv2.GaussianBlur(small, (0, 0), LIGHT_EYES * eyes_px / step)
    smooth = small[..., :3] / np.maximum(small[..., 3:], 1e-4)
    light = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR)
    grey = np.where(shown[..., None] > 0, 0.5 * np.exp(log - light), 0.5)
    return np.clip(np.round(255 * grey), 0, 255).astype(np.uint8)


def _affine_maps(target: Values, source: Values) -> tuple[Values, Mask]:
    """From crop to donor pixels for each triangle, (T, 2, 3), and which of them show something."""
    triangles = filled_triangles()
    twin = topology.mirror().astype(np.int64)[triangles]
    corners = target[triangles][:, :, :2]
    drawn = _doubled_area(corners)
    seen, seen_twin = (_doubled_area(source[which][:, :, :2]) for which in (triangles, twin))
    facing, facing_twin = seen * np.sign(drawn), -seen_twin * np.sign(drawn)
    hidden = (facing < _SMALLEST_PX2) & (facing_twin > facing)
    places = np.where(hidden[:, None, None], source[twin][:, :, :2], source[triangles][:, :, :2])
    usable = (np.abs(drawn) > 1e-2) & (np.maximum(facing, facing_twin) > _SMALLEST_PX2)
    return _maps(corners, places, np.where(usable, drawn, 1.0)) * usable[:, None, None], usable


def _maps(corners: Values, places: Values, doubled_area: Values) -> Values:
    """Affine maps, (T, 2, 3), that take three corners to three places, (T, 3, 2) both."""
    (ax, ay), (bx, by) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    first, second = ((places[:, k] - places[:, 0]).T for k in (1, 2))
    right = (first * by - second * ay) / doubled_area
    below = (second * ax - first * bx) / doubled_area
    shift = places[:, 0].T - right * corners[:, 0, 0] - below * corners[:, 0, 1]
    return np.stack([right, below, shift], 2).transpose(1, 0, 2)


def _doubled_area(corners: Values) -> Values:
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _smoothed(donor: Image, maps: Values) -> Image:
    """The donor blurred as far as the texture shrinks, so that nothing aliases."""
    if len(maps) == 0:
        return donor
    shrink = float(np.sqrt(np.median(np.abs(np.linalg.det(maps[:, :, :2])))))
    if shrink < 1.2:
        return donor
    return np.asarray(cv2.GaussianBlur(donor, (0, 0), 0.45 * shrink), np.uint8)
