import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganonymization.geometry import transforms
from ganonymization.geometry.wall import RING, GeneratorInput, Place, Wall, opacity

from ..conftest import face_landmarks

SIZE = 64
poses = st.tuples(
    st.floats(20, 108), st.floats(20, 108), st.floats(6, 40), st.floats(-np.pi, np.pi)
)


def place_of(points, size=SIZE) -> Place:
    crop_from_image = transforms.generator_crop(points, size)
    return Place(Wall.around(transforms.apply(crop_from_image, points)), crop_from_image, size)


@given(poses)
def test_every_landmark_lies_behind_the_wall(pose):
    x, y, eyes, angle = pose
    place = place_of(face_landmarks((x, y), eyes, angle))
    crop = transforms.apply(place.crop_from_image, face_landmarks((x, y), eyes, angle))
    assert place.wall.radius(crop[:, 0], crop[:, 1]).max() < 1
    assert place.wall.fits(SIZE)


def test_the_wall_tells_extents_but_no_jaw():
    """Two faces of one height and width, a broad jaw and a pointed one, have the same wall."""
    broad = face_landmarks((32, 32), 14)
    pointed = broad.copy()
    jaw = (pointed[:, 1] > 34) & (pointed[:, 1] < pointed[152, 1] - 1)
    pointed[jaw, 0] = 32 + 0.7 * (pointed[jaw, 0] - 32)
    assert not np.allclose(broad, pointed)
    assert Wall.around(broad) == Wall.around(pointed)


def test_the_wall_is_shaped_like_a_face():
    """Little of what is no face lies behind it: ears, collars and what is beside a jaw stay."""
    points = face_landmarks((32, 32), 14)
    hull = cv2.convexHull(points[:, :2].astype(np.float32) * 8)
    wall = Wall.around(points * 8).radius_map(SIZE * 8) <= 1
    assert wall.sum() < 1.3 * cv2.contourArea(hull)
    widths = wall.sum(1)[np.nonzero(wall.any(1))[0]]
    upper, lower = widths[len(widths) // 5], widths[-len(widths) // 5]
    assert lower < 0.9 * upper


@given(st.floats(0.3, 2), st.floats(0.3, 2), st.sampled_from((1.0, RING)))
def test_no_part_of_the_wall_lies_beyond_its_extents(width, height, radii):
    wall = Wall((0.0, 0.0), (width, height))
    y, x = np.mgrid[-3:3:601j, -3:3:601j]
    within = wall.radius(x, y) <= radii
    assert np.abs(x[within]).max() <= width * radii + 1e-9
    assert np.abs(y[within]).max() <= height * radii + 1e-9


def test_boxes_widen_the_wall_but_not_beyond_the_crop():
    points = face_landmarks((32, 32), 18)
    tight = Wall.around(points)
    angles = np.linspace(0, 6, 30)
    ring = np.column_stack([np.cos(angles), np.sin(angles)])
    wide = Wall.around(points, 32 + 24 * ring, SIZE)
    assert wide.radius(*(32 + 24 * ring).T).max() < 1
    huge = Wall.around(points, 32 + 80 * ring, SIZE)
    assert huge.half_wh[0] > wide.half_wh[0] > tight.half_wh[0]
    assert huge.fits(SIZE)


def test_opacity_is_whole_behind_the_wall_and_nothing_beyond_the_ring():
    r = np.linspace(0, 2, 201)
    alpha = opacity(r)
    assert (alpha[r <= 1] == 1).all()
    assert (alpha[r >= RING] == 0).all()
    assert (np.diff(alpha) <= 0).all()


@given(poses, st.integers(0, 2**32 - 1))
def test_no_pixel_behind_the_wall_crosses(pose, seed):
    """Noise behind the wall leaves everything that crosses as it was, to the bit."""
    x, y, eyes, angle = pose
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)
    points = face_landmarks((x, y), eyes, angle)
    place = place_of(points)
    window = place.window(picture.shape, 1.0)
    inside = place.radius(window) <= 1
    other = picture.copy()
    other[window][inside] = rng.integers(0, 256, (inside.sum(), 3))
    first, second = (GeneratorInput.scene(p, place, points, 1) for p in (picture, other))
    assert np.array_equal(first.context, second.context)
    assert np.array_equal(first.wall_mask, second.wall_mask)


@pytest.mark.parametrize("size", [16, 40, 64, 100, 128, 200, 400])
@pytest.mark.parametrize("angle", [0, 0.3])
def test_the_context_shows_the_surroundings_with_no_line_beside_the_wall(size, angle):
    """Resampled, enlarged by a cubic or made smaller, nothing of the blank wall shows."""
    picture, points = np.full((128, 128, 3), 200, np.uint8), face_landmarks(angle_rad=angle)
    place = place_of(points, size)
    inputs = GeneratorInput.scene(picture, place, points, 1)
    seen = inputs.context[~inputs.wall_mask]
    assert 199 <= seen.min() <= seen.max() <= 201  # resampling rounds
    assert cv2.connectedComponents(inputs.wall_mask.astype(np.uint8))[0] == 2  # no specks
    assert (inputs.context[inputs.wall_mask] == 0).all()
    assert 0.1 < inputs.wall_mask.mean() < 0.6


def test_a_portrait_crosses_without_a_pixel():
    inputs = GeneratorInput.portrait(SIZE, face_landmarks(), 1)
    assert inputs.wall_mask.all()
    assert not inputs.context.any()


def test_a_face_at_the_edge_or_outside_has_a_window_in_the_picture():
    for centre in ((0, 0), (127, 60), (400, 400)):
        place = place_of(face_landmarks(centre))
        rows, columns = place.window((128, 128), RING)
        assert 0 <= rows.start <= rows.stop <= 128
        assert 0 <= columns.start <= columns.stop <= 128
        GeneratorInput.scene(np.zeros((128, 128, 3), np.uint8), place, face_landmarks(centre), 1)
