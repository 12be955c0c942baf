"""Lips are redder than the skin around them, and nothing else changes."""

import cv2
import numpy as np
import pytest

from ganonymization.geometry import topology
from ganonymization.geometry.skin import skin_lab
from ganonymization.synthesize.lips import with_red_lips

from ..conftest import face_landmarks

SIZE = 256
SKINS = [(225, 190, 170), (190, 140, 115), (95, 65, 50)]


def open_mouthed():
    points = face_landmarks((128, 128), 75)
    middle = points[[13, 14], 1].mean()
    for ring, apart in ((topology.LIPS_INNER, 12), (topology.LIPS_OUTER, 12)):
        for i in ring:
            points[i, 1] += apart * np.sign(points[i, 1] - middle)
    return points


def painted(skin, points):
    """A face of one colour."""
    face = np.empty((SIZE, SIZE, 3), np.uint8)
    face[:] = skin
    return face


def masks(points):
    lips, mouth = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
    outer, inner = (
        np.round(points[list(ring), :2]).astype(np.int32)
        for ring in (topology.LIPS_OUTER, topology.LIPS_INNER)
    )
    cv2.fillPoly(lips, [outer], 255)
    cv2.fillPoly(lips, [inner], 0)
    cv2.fillPoly(mouth, [inner], 255)
    return lips > 0, mouth > 0


def redness(face, points):
    lips, _ = masks(points)
    lab = cv2.cvtColor(face.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return (np.median(lab[lips], 0) - skin_lab(face, points))[1]


@pytest.mark.parametrize("skin", SKINS)
def test_womens_lips_are_redder_than_mens_and_both_than_skin(skin):
    points = open_mouthed()
    face = painted(skin, points)
    reds = [
        np.mean([redness(with_red_lips(face, points, seed, female), points) for seed in range(8)])
        for female in (0.0, 1.0)
    ]
    assert 0.3 < reds[0] < 4
    assert reds[0] + 3 < reds[1] < 12


def test_nothing_but_lips_changes():
    points = open_mouthed()
    face = painted(SKINS[1], points)
    out = with_red_lips(face, points, 3, 1.0)
    lips, mouth = masks(points)
    near = cv2.dilate(lips.astype(np.uint8), np.ones((15, 15))) > 0
    assert np.array_equal(out[~near], face[~near])
    deep = cv2.erode(mouth.astype(np.uint8), np.ones((9, 9))) > 0
    assert deep.any() and np.abs(out[deep].astype(int) - face[deep]).max() <= 4
    assert np.array_equal(out, with_red_lips(face, points, 3, 1.0))
    assert not np.array_equal(out, with_red_lips(face, points, 4, 1.0))


def test_lips_stay_grey_in_a_grey_picture():
    points = open_mouthed()
    out = with_red_lips(painted((140, 140, 140), points), points, 3, 1.0)
    assert np.ptp(out.astype(int), axis=2).max() <= 2


def test_lips_outside_of_the_crop_are_left_alone():
    points = open_mouthed() + np.array([0, 400, 0])
    face = painted(SKINS[0], points)
    assert np.array_equal(with_red_lips(face, points, 3, 1.0), face)
