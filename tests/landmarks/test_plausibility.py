import numpy as np
import pytest

from ganonymization.errors import LandmarksError
from ganonymization.landmarks.plausibility import check_plausible

from ..conftest import face_landmarks


def test_a_face_in_any_pose_passes():
    for angle in np.linspace(-np.pi, np.pi, 7):
        check_plausible(face_landmarks((50, 20), 30, angle))


def test_a_turned_head_passes():
    face = face_landmarks((0, 0), 40)
    for yaw in np.deg2rad([-60, 30, 70]):
        cos, sin = np.cos(yaw), np.sin(yaw)
        check_plausible(face @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]]))


def degenerate():
    face = face_landmarks((0, 0), 40)
    shuffled = face[np.random.default_rng(0).permutation(478)]
    mirrored = face * [1, 1, -1]
    flat = np.column_stack([face[:, 0], np.zeros(478), face[:, 2]])
    broken = face.copy()
    broken[7, 1] = np.nan
    folded = face.copy()
    folded[:, 1] = np.abs(folded[:, 1] - 20)
    return {
        "a point": np.zeros((478, 3)),
        "a line": flat,
        "not a number": broken,
        "shuffled": shuffled,
        "inside out": mirrored,
        "folded": folded,
        "too few": face[:468],
        "noise": face + np.random.default_rng(1).normal(0, 15, face.shape),
    }


@pytest.mark.parametrize("name", list(degenerate()))
def test_what_cannot_be_a_face_is_refused(name):
    with pytest.raises(LandmarksError):
        check_plausible(degenerate()[name])
