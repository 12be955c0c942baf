"""Hair and background behind the wall, continued as detailed as they are outside.

A network draws what lies between wall and face softly: it saw little of the hair of this world. The
place, light and colour of what it drew are kept; its detail is that of the surroundings, mirrored
at the wall, so that strands and edges meet there. The same parting as of a donor's skin: light from
the network, detail from a picture.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import transforms
from ..geometry.rasterisation import DARKEST, logarithm
from ..geometry.wall import GeneratorInput
from ..types import Image, Mask

_DETAIL_EYES = 0.07  # of the outer-eye distance: what is finer is detail
_DEEPEST_EYES = 0.55  # as far from the wall detail is mirrored
_ALIKE_LAB = 14.0  # colours so far apart are hardly the same thing
_FACE_EYES = 0.05  # kept free around the texture
_CHIN, _FADE_EYES = 152, 0.3  # a mirrored neck has folds that none has: the last bit above the chin
Plane = NDArray[np.float32]
Bits = NDArray[np.uint8]


def continued(face: Image, skin: Bits, inputs: GeneratorInput) -> Image:
    """A drawn crop with the surroundings' detail near the wall, (S, S, 3) uint8 RGB.

    Args:
        face: (S, S, 3) uint8 RGB.
        skin: (S, S) uint8, above 0 where the face has texture of its own.
        inputs: Surroundings and wall.
    """
    if inputs.wall_mask.all() or not inputs.wall_mask.any():
        return face
    eyes_px = face.shape[0] / transforms.CROP_SIDE_EYES
    here = _window(inputs.wall_mask, round(_DEEPEST_EYES * eyes_px))
    hidden, sigma_px = np.ascontiguousarray(inputs.wall_mask[here]), _DETAIL_EYES * eyes_px
    visible = (~hidden).view(np.uint8)
    mirrored, depth_px = _mirrored_places(hidden)
    around, drawn = logarithm(inputs.context[here]), logarithm(face[here])
    around_smooth, drawn_smooth = (
        _smooth(around, visible, sigma_px), _smooth(drawn, 1 - visible, sigma_px)
    )  # fmt: skip
    detail = cv2.copyTo(around - _enlarged(around_smooth, hidden), visible)
    share = _alike(drawn_smooth, around_smooth, mirrored, hidden)
    share *= cv2.remap(visible, *mirrored, cv2.INTER_NEAREST)
    share *= np.clip(1 - depth_px / (_DEEPEST_EYES * eyes_px), 0, 1)
    share *= _free_of_face(skin[here], inputs.surrogate_px[_CHIN, 1] - here[0].start, eyes_px)
    share = _plane(cv2.copyTo(cv2.GaussianBlur(share, (0, 0), sigma_px / 3), 1 - visible))
    there = _plane(cv2.remap(_plane(detail), *mirrored, cv2.INTER_LINEAR))
    gap = _enlarged(drawn_smooth, hidden) + there - drawn
    new = np.exp(drawn + gap * share[..., None]) - np.float32(DARKEST)
    out = face.copy()
    levels = cv2.convertScaleAbs(np.maximum(new, 0), alpha=255)
    out[here] = np.where(share[..., None] > 0, levels, face[here])
    return out


def _window(hidden: Mask, margin_px: int) -> tuple[slice, slice]:
    """Rows and columns of what is hidden, and a margin."""
    left, top, width, height = cv2.boundingRect(hidden.view(np.uint8))
    rows = slice(max(0, top - margin_px), min(hidden.shape[0], top + height + margin_px))
    return rows, slice(max(0, left - margin_px), min(hidden.shape[1], left + width + margin_px))


def _mirrored_places(hidden: Mask) -> tuple[tuple[Plane, Plane], Plane]:
    """For each hidden pixel its mirror image at the nearest visible one, x and y; and the depth."""
    depth, labels = cv2.distanceTransformWithLabels(
        hidden.view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.flatnonzero(~hidden).astype(np.int32)
    of_label = np.zeros(int(labels.max()) + 1, np.int32)
    of_label[labels.ravel()[places]] = places
    rows, columns = np.divmod(of_label, np.int32(hidden.shape[1]))
    x = (2 * columns).astype(np.float32)[labels] - np.arange(hidden.shape[1], dtype=np.float32)
    y = (2 * rows).astype(np.float32)[labels]
    y -= np.arange(hidden.shape[0], dtype=np.float32)[:, None]
    return (x, y), _plane(depth)


def _free_of_face(skin: Bits, chin_px: float, eyes_px: float) -> Plane:
    """1 beside the face's own texture and above its chin, fading to 0."""
    away_px = cv2.distanceTransform((skin == 0).view(np.uint8), cv2.DIST_L2, 3)
    y = np.arange(skin.shape[0], dtype=np.float32)[:, None]
    above = np.clip((chin_px - y) / (_FADE_EYES * eyes_px), 0, 1)
    return _plane(np.clip(away_px / (_FACE_EYES * eyes_px) - 1, 0, 1) * above)


def _alike(drawn: Plane, around: Plane, mirrored: tuple[Plane, Plane], like: Mask) -> Plane:
    """1 where what is drawn has the colour of its mirror image, towards 0 where it has not."""
    height, width = drawn.shape[:2]
    x, y = (cv2.resize(axis, (width, height), interpolation=cv2.INTER_NEAREST) for axis in mirrored)
    x, y = _plane(x * (width / like.shape[1])), _plane(y * (height / like.shape[0]))
    labs = [
        cv2.cvtColor(_plane(np.clip(np.exp(log) - DARKEST, 0, 1)), cv2.COLOR_RGB2LAB)
        for log in (drawn, _plane(cv2.remap(around, x, y, cv2.INTER_LINEAR)))
    ]
    gap = ((labs[0] - labs[1]) ** 2).sum(2)
    return _enlarged(_plane(np.exp(-gap / (2 * _ALIKE_LAB**2))), like)


def _smooth(layer: Plane, known: Bits, sigma_px: float) -> Plane:
    """A Gaussian that sees known pixels alone, in cells of half its deviation."""
    step = max(1, int(sigma_px / 2))
    cells = (-(-layer.shape[1] // step), -(-layer.shape[0] // step))
    small = cv2.resize(cv2.copyTo(layer, known), cells, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(_plane(known), cells, interpolation=cv2.INTER_AREA)
    sums, weights = (cv2.GaussianBlur(x, (0, 0), sigma_px / step) for x in (small, weight))
    return _plane(sums / np.maximum(weights, 1e-4)[..., None])


def _enlarged(cells: Plane, like: Mask) -> Plane:
    size = (like.shape[1], like.shape[0])
    return _plane(cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR))


def _plane(values: NDArray[Any]) -> Plane:
    return np.asarray(values, np.float32)
