import cv2
import numpy as np
import pytest

from ganonymization.geometry.skin import looks_like_skin, skin_lab

from ..conftest import face_landmarks


def test_the_median_of_skin_in_cielab():
    points = face_landmarks((64, 64), 40)
    red = np.full((128, 128, 3), (255, 0, 0), np.uint8)
    assert skin_lab(red, points) == pytest.approx([53.2, 80.1, 67.2], abs=0.2)
    image = np.full((128, 128, 3), (180, 140, 120), np.uint8)
    lab = skin_lab(image, points)
    x, y = np.round(points[50, :2]).astype(int)
    image[y - 3 : y + 4, x - 3 : x + 4] = 0  # a mole on one cheek
    assert skin_lab(image, points) == pytest.approx(lab)


def test_landmarks_outside_the_picture_are_read_at_its_rim():
    image = np.full((40, 40, 3), 90, np.uint8)
    assert np.isfinite(skin_lab(image, face_landmarks((0, 0), 40))).all()


def test_skin_of_all_tones_looks_like_skin_and_leaves_sky_and_shirts_do_not():
    def lab(*colours):
        return cv2.cvtColor(np.array([colours], np.float32) / 255, cv2.COLOR_RGB2LAB)

    skins = lab((225, 185, 165), (190, 140, 115), (120, 80, 60), (70, 45, 35))
    others = lab(
        (70, 140, 50),
        (110, 160, 220),
        (250, 250, 250),
        (128, 128, 128),
        (200, 30, 120),
        (255, 165, 0),
    )
    assert looks_like_skin(skins).all()
    assert not looks_like_skin(others).any()
