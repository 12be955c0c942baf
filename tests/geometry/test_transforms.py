import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganonymization.geometry import transforms
from ganonymization.types import Detection

from ..conftest import face_landmarks

finite = st.floats(-200, 200)
sides = st.floats(5, 400)
angles = st.floats(-np.pi, np.pi)


@given(finite, finite, sides, angles)
def test_a_transform_and_its_inverse_cancel(x, y, side, angle):
    transform = transforms.similarity((x, y), side, angle, 64)
    points = np.array([[0, 0], [10, 3], [-7, 99.0]])
    back = transforms.apply(transforms.inverse(transform), transforms.apply(transform, points))
    assert np.allclose(back, points, atol=1e-6)


@given(finite, finite, sides, angles)
def test_the_centre_goes_to_the_middle_and_the_upper_edge_is_level(x, y, side, angle):
    transform = transforms.similarity((x, y), side, angle, 64)
    along = np.array([x + np.cos(angle), y + np.sin(angle)])
    middle, beside = transforms.apply(transform, np.array([[x, y], along]))
    assert np.allclose(middle, 31.5)
    assert beside[1] == pytest.approx(31.5, abs=1e-6)
    assert beside[0] > 31.5
    assert transforms.scale_of(transform) == pytest.approx(64 / side)
    turned_by = (transforms.angle_of(transform) + angle) % (2 * np.pi)
    assert min(turned_by, 2 * np.pi - turned_by) < 1e-6


@given(finite, finite, st.floats(3, 80), angles)
def test_the_generators_crop_does_not_depend_on_pose(x, y, eyes, angle):
    """Where a face is, how large and how tilted: in the crop it is always the same."""
    points = face_landmarks((x, y), eyes, angle)
    upright = face_landmarks((0, 0), 10)
    crop = transforms.apply(transforms.generator_crop(points, 256), points)
    assert np.allclose(
        crop, transforms.apply(transforms.generator_crop(upright, 256), upright), atol=1e-4
    )


def test_an_open_mouth_does_not_change_the_crop(face):
    opened = face.copy()
    opened[152, 1] += 12  # the chin
    assert np.allclose(transforms.generator_crop(face, 64), transforms.generator_crop(opened, 64))


def test_a_similarity_in_3d_is_recovered():
    rng = np.random.default_rng(0)
    source = rng.normal(size=(30, 3))
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    target = 2.5 * source @ rotation.T + [1, 2, 3]
    scale, found, shift = transforms.fit_similarity_3d(source, target)
    assert scale == pytest.approx(2.5)
    assert np.allclose(found, rotation)
    assert np.allclose(shift, [1, 2, 3])


def test_a_detection_crop_levels_the_eyes():
    detection = Detection((10, 10, 30, 30), 1, ((20, 14), (20, 26)))
    transform = transforms.detection_crop(detection, 64)
    left, right = transforms.apply(transform, np.array([[20, 14], [20, 26.0]]))
    assert left[1] == pytest.approx(right[1])
    assert left[0] < right[0]


@pytest.mark.parametrize("side", [16, 100, 700])
def test_warping_keeps_a_smooth_picture_in_place(side):
    """Shrinking and growing alike put a ramp's values where the transform says."""
    y, x = np.mgrid[:600, :800]
    picture = np.dstack([x * 255 / 800, y * 255 / 600, x * 0]).astype(np.uint8)
    transform = transforms.similarity((400, 300), side, 0.3, 64)
    crop = transforms.warp(picture, transform, 64)
    where = transforms.apply(transforms.inverse(transform), np.array([[20, 30], [50, 10.0]]))
    for (u, v), (px, py) in zip([(20, 30), (50, 10)], where, strict=True):
        assert crop[v, u, 0] == pytest.approx(px * 255 / 800, abs=2)
        assert crop[v, u, 1] == pytest.approx(py * 255 / 600, abs=2)


def test_composing_applies_the_first_first():
    first, second = (
        transforms.similarity((3, 4), 9, 0.2, 32),
        transforms.similarity((8, 1), 5, 1.0, 16),
    )
    points = np.array([[1, 2], [3, 9.0]])
    both = transforms.apply(transforms.compose(second, first), points)
    assert np.allclose(both, transforms.apply(second, transforms.apply(first, points)))


def test_very_wide_pictures_can_be_cropped():
    """OpenCV's warp refuses sources of 32,767 pixels and more."""
    wide = np.zeros((20, 40000, 3), np.uint8)
    wide[:, 39000:] = 200
    crop = transforms.warp(wide, transforms.similarity((39500, 10), 40, 0, 32), 32)
    assert (crop == 200).all()
