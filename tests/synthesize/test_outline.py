"""A jaw gets an edge where it lies before something else; nothing else moves."""

import cv2
import numpy as np
import pytest

from ganonymization.geometry import topology
from ganonymization.geometry.rasterisation import hull
from ganonymization.synthesize.outline import with_crisp_jaw

from ..conftest import face_landmarks

SIZE = 256
POINTS = face_landmarks((128, 110), 80)
FACE = hull(POINTS, SIZE) > 0
EYES_Y, CHIN_Y = int(POINTS[33, 1]), int(POINTS[152, 1])
ROW = (int(POINTS[132, 1]) + CHIN_Y) // 2


def soft_face(deviation=6.0):
    """A light face before a dark ground, as a network that is unsure blurs it."""
    sharp = np.where(FACE[..., None], 200, 40).astype(np.uint8).repeat(3, 2)
    return cv2.GaussianBlur(sharp, (0, 0), deviation)


def width_px(picture):
    """Pixels between light and dark at the right side of the jaw."""
    row = picture[ROW, SIZE // 2 :, 0].astype(int)
    return int(((row < 180) & (row > 60)).sum())


def test_a_soft_jaw_gets_an_edge():
    out = with_crisp_jaw(soft_face(), FACE, POINTS)
    assert 1 <= width_px(out) <= 0.6 * width_px(soft_face())
    assert out.min() >= soft_face().min() and out.max() <= soft_face().max()


def test_the_edge_is_the_meshs():
    row = with_crisp_jaw(soft_face(), FACE, POINTS)[ROW, :, 0].astype(int)
    wanted = np.nonzero(FACE[ROW])[0]
    found = np.nonzero(row > 120)[0]
    assert abs(found[0] - wanted[0]) <= 2 and abs(found[-1] - wanted[-1]) <= 2


def test_a_line_drawn_along_the_jaw_goes_and_no_other_comes():
    """Networks draw a dark line between a face and a ground that is nearly as light."""
    face = np.where(FACE[..., None], 200, 170).astype(np.uint8).repeat(3, 2)
    line = cv2.morphologyEx(FACE.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0
    face[line] = 60
    row = with_crisp_jaw(cv2.GaussianBlur(face, (0, 0), 1.5), FACE, POINTS)[ROW, :, 0]
    assert 165 <= row.min() <= row.max() <= 200


def test_the_forehead_and_what_is_far_from_the_edge_stay():
    face = soft_face()
    out = with_crisp_jaw(face, FACE, POINTS)
    assert np.array_equal(out[: EYES_Y - 4], face[: EYES_Y - 4])
    assert np.array_equal(out[ROW, :40], face[ROW, :40])


def test_below_the_chin_the_neck_stays_soft():
    face = soft_face()
    out = with_crisp_jaw(face, FACE, POINTS)
    column = slice(CHIN_Y - 12, CHIN_Y + 12), SIZE // 2
    assert np.abs(out[column].astype(int) - face[column]).max() <= 2


@pytest.mark.parametrize("face", [np.zeros_like(FACE), np.ones_like(FACE)])
def test_where_there_is_no_outline_nothing_moves(face):
    drawn = soft_face()
    assert np.array_equal(with_crisp_jaw(drawn, face, POINTS), drawn)


def test_mouth_and_eyes_stay():
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    out = with_crisp_jaw(noise, FACE, POINTS)
    for ring in (topology.LIPS_OUTER, topology.EYE_LEFT, topology.EYE_RIGHT):
        within = hull(POINTS[list(ring)], SIZE) > 0
        assert within.any() and np.array_equal(out[within], noise[within])


def test_a_face_partly_beside_the_crop_works():
    moved = POINTS + np.array([100, 90, 0])
    face = soft_face()
    out = with_crisp_jaw(face, hull(moved, SIZE) > 0, moved)
    assert np.array_equal(out[:, :60], face[:, :60])
