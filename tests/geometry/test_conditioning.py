import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ganonymization.geometry import conditioning, topology, transforms

from ..conftest import face_landmarks

MEDIAPIPE_DOTS = "f62792ee03b736022cc8131c2409cca4b46aa06f7ac94925e056d1707251ac43"


def in_crop(points, size=256):
    return transforms.apply(transforms.generator_crop(points, size), points)


def test_the_mesh_covers_the_face_and_nothing_else():
    points = in_crop(face_landmarks())
    drawn = conditioning.mesh(points, 256)
    assert drawn.shape == (256, 256, 3)
    assert drawn.dtype == np.uint8
    lit = drawn.any(axis=2)
    rows, columns = np.where(lit)
    low, high = points[:468, :2].min(0), points[:468, :2].max(0)
    assert abs(columns.min() - low[0]) < 2
    assert abs(rows.max() - high[1]) < 2
    assert 0.1 < lit.mean() < 0.4


def test_a_symmetric_face_is_drawn_symmetrically():
    points = in_crop(face_landmarks())
    drawn = conditioning.mesh(points, 256).astype(int)
    mirrored = points[topology.mirror()] * [-1, 1, 1] + [255, 0, 0]
    again = conditioning.mesh(mirrored, 256).astype(int)
    # red is the canonical x and turns round; green and blue stay
    assert np.abs(again[..., 1:] - drawn[..., 1:]).mean() < 0.5


def test_a_closed_eye_shows_no_iris():
    def iris_pixels(points):
        x, y = points[468, :2].round().astype(int)
        around = conditioning.mesh(points, 256)[y - 8 : y + 9, x - 8 : x + 9]
        return (around == 0).all(axis=2).sum()

    opened = in_crop(face_landmarks())
    closed = opened.copy()
    upper, lower = list(topology.EYE_RIGHT[1:8]), list(topology.EYE_RIGHT[9:][::-1])
    closed[upper] = closed[lower] = (opened[upper] + opened[lower]) / 2
    assert iris_pixels(opened) > 10
    assert iris_pixels(closed) == 0


def test_an_open_mouth_is_dark_inside():
    points = in_crop(face_landmarks())
    below = points[:, 1] > points[14, 1] - 0.5
    points[below, 1] += 15
    x, y = ((points[13] + points[14]) / 2)[:2].round().astype(int)
    assert conditioning.mesh(points, 256)[y, x].tolist() == [40, 0, 0]


def test_dots_are_what_mediapipe_draws():
    """MediaPipe 0.10.21's own drawing of this face, as the published project calls it, by hash."""
    drawn = conditioning.dots(in_crop(face_landmarks(), 512), 512)
    assert hashlib.sha256(drawn.tobytes()).hexdigest() == MEDIAPIPE_DOTS


@given(st.floats(-300, 300), st.floats(-300, 300), st.floats(1, 500))
def test_landmarks_outside_the_crop_do_no_harm(x, y, eyes):
    points = face_landmarks((x, y), eyes)
    assert conditioning.mesh(points, 64).shape == (64, 64, 3)
    assert conditioning.dots(points, 64).shape == (64, 64, 3)


def test_a_map_of_triangles_gives_the_same_mesh():
    """But for pixels at the rims of triangles that fill eyes and mouth."""
    from ganonymization.geometry.rasterisation import triangle_map

    points = face_landmarks((128, 128), 75)
    points[:, 0] += 0.2 * points[:, 2]
    painted = conditioning.mesh(points, 256)
    taken = conditioning.mesh(points, 256, triangle_map(points, 256))
    differ = (painted != taken).any(2)
    assert (painted > 0).any(2).sum() > 10_000
    assert differ.sum() < 0.002 * (painted > 0).any(2).sum()
