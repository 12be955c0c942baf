"""Putting a new face into the scene.

Two masks, see ``wall.py``: behind the *wall* only new pixels stand; the *composite* mask is larger,
and the feather lies wholly in the ring between the two.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import transforms
from ..geometry.rasterisation import hull
from ..geometry.skin import likeness, skin_lab
from ..geometry.wall import RING, GeneratorInput, Place, opacity
from ..types import Box, Image, Mask
from .tone import colour_levels

_STRIP_ROWS = 256
_GREY_LEVELS = 2.0  # mean spread of R, G, B in a grey picture, some JPEG noise included
_ALIKE_LEVELS = 60.0  # skin beside hair differs by more: no tone to be met
_ALIKE = np.exp(-((np.arange(256) / _ALIKE_LEVELS) ** 2)).astype(np.float32)  # by difference
_WITHIN = 0.25  # a power: in a face, what is half like its skin is skin
_SEAM = 0.01  # of the crop's side: where what a face and its surroundings learned meets
_SEAM_CELLS = 256  # along a side, enough for that
_FEW = 0.004  # less of a ring nearby tells nothing
_TONE_CELLS = 64  # along a side: tone is smooth
_TONE_SIGMA = 1 / 14  # of the crop's side: how far a difference of tone reaches


def blend_crop(drawn: Image, inputs: GeneratorInput, place: Place) -> Image:
    """The new face in its surroundings, in the crop, (S, S, 3) uint8 RGB."""
    alpha = opacity(place.wall.radius_map(place.size_px))
    alpha[inputs.wall_mask] = 1
    return np.asarray(cv2.blendLinear(drawn, inputs.context, alpha, 1 - alpha), np.uint8)


def match_tone(drawn: Image, inputs: GeneratorInput, place: Place) -> Image:
    """Shift the new face's tone to meet its surroundings in the ring; make it grey in grey ones.

    The difference between surroundings and drawing, known in the ring alone, is spread inwards
    by normalised convolution (Knutsson and Westin, CVPR 1993) and fades towards the centre. The
    more they differ, the less it counts: hair is no reason to darken skin. Skin learns from skin
    and all else from all else, so no leaf's green reaches a cheek. A low resolution is
    enough for what is so smooth.

    Args:
        drawn: (S, S, 3) uint8 RGB, the generator's crop.
        inputs: What the generator got.
        place: Of the face.

    Returns:
        (S, S, 3) uint8 RGB.
    """
    if _is_grey(inputs):
        drawn = np.repeat(cv2.cvtColor(drawn, cv2.COLOR_RGB2GRAY)[..., None], 3, 2).astype(np.uint8)
    size = place.size_px
    grid = min(size, _SEAM_CELLS)
    around, within = (_enlarged(each, grid) for each in _shifts(drawn, inputs, place))
    points = (inputs.surrogate_px[:, :2] + 0.5) * (grid / size) - 0.5
    face = cv2.GaussianBlur(hull(points, grid), (0, 0), grid * _SEAM)
    share = face / np.float32(255)
    shift = _enlarged(cv2.blendLinear(within, around, share, 1 - share), size)
    return np.asarray(cv2.add(drawn, shift, dtype=cv2.CV_8U), np.uint8)


def _shifts(
    drawn: Image, inputs: GeneratorInput, place: Place
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """By how much the tone is shifted around the face, and within: (64, 64, 3) both."""

    def small(layer: NDArray[Any]) -> NDArray[Any]:
        return cv2.resize(layer, (_TONE_CELLS, _TONE_CELLS), interpolation=cv2.INTER_AREA)

    axis = (np.arange(_TONE_CELLS, dtype=np.float32) + 0.5) * (place.size_px / _TONE_CELLS) - 0.5
    radius = place.wall.radius(axis[None, :], axis[:, None])
    known = (small(inputs.wall_mask.view(np.uint8) * 255) == 0) & (radius < RING * 1.1)
    was, seen = small(drawn), small(inputs.context)
    gaps = cv2.subtract(seen, was, dtype=cv2.CV_32F)
    counts = cv2.LUT(cv2.absdiff(seen, was).max(2), _ALIKE) * known
    tone = skin_lab(drawn, inputs.surrogate_px)
    is_skin = likeness(was, tone)
    both = np.sqrt(is_skin * likeness(seen, tone))
    seen_skin = np.asarray(np.clip(2 * both - 1, 0, 1), np.float32)
    of_skin, skin_count = _spread(gaps, counts * seen_skin)
    of_rest, rest_count = _spread(gaps, counts * (1 - seen_skin))
    beside = is_skin * skin_count / np.maximum(skin_count + rest_count, 1e-4)
    reach = np.clip((radius - 0.5) / 0.5, 0, 1)
    share = (reach * reach * (3 - 2 * reach))[..., None]
    around, within = (
        np.asarray(share * (of_rest + skin[..., None] * (of_skin - of_rest)), np.float32)
        for skin in (beside, is_skin**_WITHIN)
    )
    return around, within


def _enlarged(layer: NDArray[Any], side_px: int) -> NDArray[np.float32]:
    whole = cv2.resize(layer, (side_px, side_px), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole, np.float32)


def _spread(
    gaps: NDArray[Any], counts: NDArray[Any]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A mean of gaps nearby by what counts, towards 0 where little does; and how much does."""
    sigma = _TONE_SIGMA * len(counts)
    count = np.asarray(cv2.GaussianBlur(counts, (0, 0), sigma), np.float32)
    total = cv2.GaussianBlur(gaps * counts[..., None], (0, 0), sigma)
    return np.asarray(total / (count + _FEW)[..., None], np.float32), count


@dataclass(frozen=True)
class Canvas:
    """A picture that is being changed, and where.

    Attributes:
        image: (H, W, 3) uint8 RGB, changed in place.
        touched: (H, W) bool, True where a pixel may have changed: the composite mask.
        opaque: (H, W) bool, True where nothing of the original is left.
    """

    image: Image
    touched: Mask
    opaque: Mask

    @classmethod
    def of(cls, image: Image) -> "Canvas":
        """A copy of a picture, untouched."""
        shape = image.shape[:2]
        return cls(image.copy(), np.zeros(shape, bool), np.zeros(shape, bool))


def paste(canvas: Canvas, drawn: Image, place: Place) -> None:
    """Put a crop's face into the picture.

    Args:
        canvas: Changed within the composite mask of the face.
        drawn: (S, S, 3) uint8 RGB, the crop.
        place: Of the face.
    """
    rows, columns = place.window(canvas.image.shape, RING)
    if columns.start >= columns.stop:
        return
    for top in range(rows.start, rows.stop, _STRIP_ROWS):  # strips bound the memory
        strip = slice(top, min(top + _STRIP_ROWS, rows.stop)), columns
        radius = place.radius(strip)
        alpha = opacity(radius)
        shift = np.array([[1.0, 0, columns.start], [0, 1.0, top]])
        strip_from_crop = transforms.inverse(transforms.compose(place.crop_from_image, shift))
        new = _from_crop(drawn, strip_from_crop, (radius.shape[1], radius.shape[0]))
        old = canvas.image[strip]
        mixed = cv2.blendLinear(new, np.ascontiguousarray(old), alpha, 1 - alpha)
        touched = radius < RING
        cv2.copyTo(mixed, touched.view(np.uint8), old)
        canvas.touched[strip] |= touched
        canvas.opaque[strip] |= radius <= 1


def portrait(drawn: Image, place: Place, size_px: int, level: bool) -> Image:
    """A drawn head on black, (size_px, size_px, 3) uint8, upright or as tilted as in the picture.

    Args:
        drawn: (S, S, 3) uint8 RGB, the crop.
        place: Of the face.
        size_px: Side of the portrait.
        level: Upright.
    """
    side = drawn.shape[0]
    angle = 0.0 if level else transforms.angle_of(place.crop_from_image)
    middle = (side - 1) / 2
    portrait_from_crop = transforms.similarity((middle, middle), side, angle, size_px)
    return transforms.warp(drawn, portrait_from_crop, size_px, cv2.BORDER_CONSTANT)


def covered_share(box_xyxy: Box, mask: Mask) -> float:
    """Share of the ellipse within a box that a (H, W) mask covers; 1 outside the picture."""
    left, top, right, bottom = box_xyxy
    height, width = mask.shape
    x0, x1 = max(0, int(np.floor(left))), min(width, int(np.ceil(right)) + 1)
    y0, y1 = max(0, int(np.floor(top))), min(height, int(np.ceil(bottom)) + 1)
    if x0 >= x1 or y0 >= y1:
        return 1.0
    u = (np.arange(x0, x1) - (left + right) / 2) / ((right - left) / 2)
    v = (np.arange(y0, y1) - (top + bottom) / 2) / ((bottom - top) / 2)
    ellipse = u[None, :] ** 2 + v[:, None] ** 2 <= 1
    if not ellipse.any():
        return 1.0
    return float(mask[y0:y1, x0:x1][ellipse].mean())


def _is_grey(inputs: GeneratorInput) -> bool:
    """Whether the surroundings have no colour, as in a black and white picture kept as RGB."""
    levels = colour_levels(inputs.context, inputs.wall_mask)
    return levels is not None and levels < _GREY_LEVELS


def _from_crop(
    drawn: Image, window_from_crop: transforms.Matrix, size_wh: tuple[int, int]
) -> NDArray[np.uint8]:
    """Resample a crop into a window of the picture, without aliasing when it shrinks."""
    scale = transforms.scale_of(window_from_crop)
    if scale < 0.7:
        side = max(8, round(drawn.shape[0] * scale))
        ratio = side / drawn.shape[0]
        small = cv2.resize(drawn, (side, side), interpolation=cv2.INTER_AREA)
        back = np.array([[1 / ratio, 0, 0.5 / ratio - 0.5], [0, 1 / ratio, 0.5 / ratio - 0.5]])
        drawn, window_from_crop = (
            np.asarray(small, np.uint8),
            transforms.compose(window_from_crop, back),
        )
    elif scale > 1:
        drawn, window_from_crop = transforms.enlarged(drawn, window_from_crop)
    warped = cv2.warpAffine(
        drawn, window_from_crop, size_wh, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.uint8)
