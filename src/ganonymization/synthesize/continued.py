"""Hair and background behind the wall, continued as detailed as they are outside.

A network draws what lies between wall and face softly: it saw little of the hair of this world. The
place, light and colour of what it drew are kept; its detail is that of the surroundings, mirrored
at the wall, so that strands and edges meet there. The same parting as of a donor's skin: light from
the network, detail from a picture.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import transforms
from ..geometry.rasterisation import DARKEST
from ..geometry.wall import GeneratorInput
from ..types import Image, Mask, Reals

_DETAIL_EYES = 0.07  # of the outer-eye distance: what is finer is detail
_DEEPEST_EYES = 0.55  # as far from the wall detail is mirrored
_ALIKE_LAB = 14.0  # colours so far apart are hardly the same thing
_FACE_EYES = 0.05  # kept free around the texture
_CHIN, _FADE_EYES = 152, 0.3
Plane = NDArray[np.float32]


def continued(face: Image, skin: NDArray[np.uint8], inputs: GeneratorInput) -> Image:
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
    hidden, sigma = np.ascontiguousarray(inputs.wall_mask[here]), _DETAIL_EYES * eyes_px
    visible = (~hidden).view(np.uint8)
    mirrored, depth_px = _mirrored_places(hidden)
    around = cv2.LUT(np.ascontiguousarray(inputs.context[here]), _LOGARITHM)
    drawn = cv2.LUT(np.ascontiguousarray(face[here]), _LOGARITHM)
    around_smooth, drawn_smooth = (
        _smooth(around, visible, sigma),
        _smooth(drawn, 1 - visible, sigma),
    )
    detail = cv2.copyTo(cv2.subtract(around, _enlarged(around_smooth, hidden)), visible)
    there = cv2.remap(detail, *mirrored, cv2.INTER_LINEAR)
    share = _alike(drawn_smooth, around_smooth, mirrored, hidden)
    share *= cv2.remap(visible, *mirrored, cv2.INTER_NEAREST)
    share *= _above_chin(inputs.surrogate_px, here[0], eyes_px)
    share *= np.clip(1 - depth_px / (_DEEPEST_EYES * eyes_px), 0, 1)
    free = (np.ascontiguousarray(skin[here]) == 0).view(np.uint8)
    share *= np.clip(cv2.distanceTransform(free, cv2.DIST_L2, 3) / (_FACE_EYES * eyes_px) - 1, 0, 1)
    share = cv2.copyTo(cv2.GaussianBlur(share, (0, 0), sigma / 3), 1 - visible)
    gap = cv2.subtract(cv2.add(_enlarged(drawn_smooth, hidden), there), drawn)
    new = np.exp(drawn + cv2.multiply(gap, cv2.merge([share] * 3)))
    out = face.copy()
    levels = cv2.convertScaleAbs(np.maximum(new - np.float32(DARKEST), 0), alpha=255)
    out[here] = np.where(share[..., None] > 0, levels, face[here])
    return out


_LOGARITHM = np.log(np.arange(256, dtype=np.float32) / 255 + np.float32(DARKEST))


def _window(hidden: Mask, margin_px: int) -> tuple[slice, slice]:
    """Rows and columns of what is hidden, and a margin."""
    left, top, width, height = cv2.boundingRect(hidden.view(np.uint8))
    bottom, right = (
        min(n, m + margin_px)
        for n, m in zip(hidden.shape, (top + height, left + width), strict=True)
    )
    return slice(max(0, top - margin_px), bottom), slice(max(0, left - margin_px), right)


def _above_chin(landmarks_px: Reals, rows: slice, eyes_px: float) -> Plane:
    """1 above the chin, fading to 0: a mirrored neck has folds that none has."""
    chin = float(np.asarray(landmarks_px)[_CHIN, 1])
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
    return np.clip((chin - y) / (_FADE_EYES * eyes_px), 0, 1)


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
    return (x, y), np.asarray(depth, np.float32)


def _smooth(layer: Plane, known: NDArray[np.uint8], sigma_px: float) -> Plane:
    """A Gaussian that sees known pixels alone, in cells of half its deviation."""
    step = max(1, int(sigma_px / 2))
    cells = (-(-layer.shape[1] // step), -(-layer.shape[0] // step))
    small = cv2.resize(cv2.copyTo(layer, known), cells, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(known.astype(np.float32), cells, interpolation=cv2.INTER_AREA)
    small, weight = (cv2.GaussianBlur(each, (0, 0), sigma_px / step) for each in (small, weight))
    return np.asarray(small / np.maximum(weight, 1e-4)[..., None], np.float32)


def _enlarged(cells: Plane, like: Mask) -> Plane:
    size = (like.shape[1], like.shape[0])
    return np.asarray(cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _alike(drawn: Plane, around: Plane, mirrored: tuple[Plane, Plane], like: Mask) -> Plane:
    """1 where what is drawn has the colour of its mirror image, towards 0 where it has not."""
    height, width = drawn.shape[:2]
    scales = width / like.shape[1], height / like.shape[0]
    places = [
        cv2.resize(axis, (width, height), interpolation=cv2.INTER_NEAREST) * np.float32(scale)
        for axis, scale in zip(mirrored, scales, strict=True)
    ]
    there = cv2.remap(around, *places, cv2.INTER_LINEAR)
    labs = [
        cv2.cvtColor(np.clip(np.exp(log) - DARKEST, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB)
        for log in (drawn, there)
    ]
    gap = ((labs[0] - labs[1]) ** 2).sum(2)
    return _enlarged(np.exp(-gap / (2 * _ALIKE_LAB**2)), like)
