"""The FaceMesh topology: which landmark is what, which three make a triangle, who mirrors whom.

Convention:
    Landmarks are numbered as by MediaPipe FaceMesh with refined eyes: 0-467 the surface, 468-472
    the iris on the left of a frontal picture (the person's right), 473-477 the other. "left" and
    "right" name sides of the *person*. Rings are closed and ordered, paths are open.

The triangles and the mean face are derived by ``tools/derive_topology.py``.
"""

from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Reals

LANDMARK_COUNT = 478
SURFACE_COUNT = 468

OUTER_EYE_RIGHT, OUTER_EYE_LEFT = 33, 263

FACE_OVAL = (
    10, 109, 67, 103, 54, 21, 162, 127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148,
    152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356, 389, 251, 284, 332, 297, 338,
)  # fmt: skip
LIPS_OUTER = (
    0, 37, 39, 40, 185, 61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267,
)  # fmt: skip
LIPS_INNER = (
    13, 82, 81, 80, 191, 78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312,
)  # fmt: skip
EYE_LEFT = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
EYE_RIGHT = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
BROWS = (
    (276, 283, 282, 295, 285),
    (300, 293, 334, 296, 336),
    (46, 53, 52, 65, 55),
    (70, 63, 105, 66, 107),
)
EXPRESSIVE = {
    "brows": tuple(sorted({i for brow in BROWS for i in brow})),
    "eyes": tuple(sorted({*EYE_LEFT, *EYE_RIGHT})),
    "mouth": tuple(sorted({*LIPS_OUTER, *LIPS_INNER})),
}
IRIS_RIGHT, IRIS_LEFT = (468, 469, 470, 471, 472), (473, 474, 475, 476, 477)  # centre, then rim

# Points that an expression moves least: forehead, bridge and side of the nose, outer eye corners,
# temples. The pose is fitted to them.
RIGID = (10, 67, 297, 109, 338, 103, 332, 54, 284, 21, 251, 162, 389, 127, 356, 234, 454, 33, 263,
         133, 362, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 129, 358, 151, 9, 8)  # fmt: skip


@cache
def _arrays() -> dict[str, NDArray[Any]]:
    with resources.files(__package__).joinpath("facemesh.npz").open("rb") as file:
        loaded = dict(np.load(file))
    for array in loaded.values():
        array.flags.writeable = False
    return loaded


def triangles() -> NDArray[np.int16]:
    """The 852 triangles of the surface, (852, 3) int16; eyes and mouth are open."""
    return _arrays()["triangles"]


def mirror() -> NDArray[np.int16]:
    """Index of each landmark's left-right twin, (478,) int16."""
    return _arrays()["mirror"]


def outer_eyes_px(landmarks_px: Reals) -> float:
    """Distance of the outer eye corners in the picture's plane, of (478, 2 or 3) landmarks."""
    ends = np.asarray(landmarks_px, np.float64)[[OUTER_EYE_RIGHT, OUTER_EYE_LEFT], :2]
    return float(np.linalg.norm(ends[0] - ends[1]))


def canonical_face() -> NDArray[np.float32]:
    """A mean frontal face, (478, 3) float32.

    Units are outer-eye distances; the origin is midway between the outer eye corners; x points to
    the right of the picture, y down, z away from the camera.
    """
    return _arrays()["canonical"]
