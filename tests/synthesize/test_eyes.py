import cv2
import numpy as np
import pytest

from ganonymization.geometry import topology
from ganonymization.synthesize.eyes import with_clear_eyes

from ..conftest import face_landmarks

SIZE = 256
POINTS = face_landmarks((128, 128), 130)
SKIN = (205, 160, 140)


def face(colour=SKIN):
    return np.full((SIZE, SIZE, 3), colour, np.uint8)


def iris_colour(picture, iris):
    """Mean RGB half-way between pupil and rim, below, where no highlight is."""
    centre, radius = POINTS[iris[0], :2], np.linalg.norm(POINTS[iris[1], :2] - POINTS[iris[0], :2])
    angles = np.linspace(0.1 * np.pi, 0.9 * np.pi, 30)
    ring = centre + 0.65 * radius * np.column_stack([np.cos(angles), np.sin(angles)])
    x, y = np.round(ring).astype(int).T
    return picture[y, x].mean(0)


def test_only_what_is_between_the_lids_changes():
    out = with_clear_eyes(face(), POINTS, 1, 1.0)
    allowed = np.zeros((SIZE, SIZE), np.uint8)
    for ring in (topology.EYE_RIGHT, topology.EYE_LEFT):
        cv2.fillPoly(allowed, [np.round(POINTS[list(ring), :2]).astype(np.int32)], (1,))
    allowed = cv2.dilate(allowed, np.ones((3, 3), np.uint8))
    changed = (out != face()).any(2)
    assert changed.sum() > 200
    assert not changed[allowed == 0].any()


def test_the_pupil_is_where_the_landmarks_put_it():
    """A sideways glance stays: the darkest place follows the iris."""
    for shift in (-5, 0, 5):
        points = POINTS.copy()
        points[topology.SURFACE_COUNT :, 0] += shift
        out = with_clear_eyes(face(), points, 1, 1.0).mean(2)
        for iris in (topology.IRIS_RIGHT, topology.IRIS_LEFT):
            x, y = np.round(points[iris[0], :2]).astype(int)
            row = out[y + 1, x - 20 : x + 21]
            dark = np.clip(100 - row, 0, None)
            assert abs((dark * np.arange(-20, 21)).sum() / dark.sum()) < 2


def test_both_irises_are_one_persons_and_seeds_differ():
    colours = []
    for seed in range(12):
        out = with_clear_eyes(face(), POINTS, seed, 1.0)
        right, left = (iris_colour(out, i) for i in (topology.IRIS_RIGHT, topology.IRIS_LEFT))
        assert np.abs(right - left).max() < 12
        colours.append(right)
        assert np.array_equal(out, with_clear_eyes(face(), POINTS, seed, 1.0))
    assert np.ptp(np.array(colours)[:, 2] - np.array(colours)[:, 0]) > 25  # blue and brown ones


@pytest.mark.parametrize("seed", range(6))
def test_dark_skin_has_brown_irises_and_a_grey_picture_grey_ones(seed):
    brown = iris_colour(with_clear_eyes(face((120, 80, 62)), POINTS, seed, 0.0),
                        topology.IRIS_RIGHT)  # fmt: skip
    assert brown[0] > brown[1] > brown[2] - 4
    between = [iris_colour(with_clear_eyes(face(), POINTS, seed, f), topology.IRIS_RIGHT)
               for f in (0.0, 0.5, 1.0)]  # fmt: skip
    assert np.abs(between[1] - (between[0] + between[2]) / 2).max() < 2
    grey = with_clear_eyes(face((150, 150, 150)), POINTS, seed, 1.0).astype(int)
    assert (grey.max(2) - grey.min(2)).max() <= 4


def test_closed_and_tiny_eyes_stay_as_they_were_drawn():
    closed = POINTS.copy()
    for ring in (topology.EYE_RIGHT, topology.EYE_LEFT):
        closed[list(ring), 1] = closed[list(ring), 1].mean()
    assert np.array_equal(with_clear_eyes(face(), closed, 1, 1.0), face())
    tiny = face_landmarks((128, 128), 12)
    assert np.array_equal(with_clear_eyes(face(), tiny, 1, 1.0), face())


def test_eyes_outside_the_crop_do_no_harm():
    out = with_clear_eyes(face(), POINTS + np.array([200, 0, 0]), 1, 1.0)
    assert out.shape == (SIZE, SIZE, 3)
    assert np.array_equal(with_clear_eyes(face(), POINTS + np.array([900, 900, 0]), 1, 1.0), face())
