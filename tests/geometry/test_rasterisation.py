import numpy as np
import pytest

from ganonymization.geometry import rasterisation, topology, transforms

from ..conftest import face_landmarks


def in_crop(points, size=128):
    return transforms.apply(transforms.generator_crop(points, size), points)


def ramp(size=128):
    """Red is the column, green the row."""
    axis = np.arange(size, dtype=np.uint8)
    return np.dstack([*np.meshgrid(axis, axis), np.zeros((size, size), np.uint8)])


def test_openings_are_filled_and_the_surface_is_the_meshs():
    triangles = rasterisation.filled_triangles()
    surface = len(topology.triangles())
    assert np.array_equal(triangles[:surface], topology.triangles())
    rings = {*topology.LIPS_INNER, *topology.EYE_LEFT, *topology.EYE_RIGHT}
    assert set(triangles[surface:].ravel().tolist()) == rings
    assert len(triangles) - surface == sum(n - 2 for n in (20, 16, 16))


def test_a_texture_on_its_own_mesh_is_the_picture():
    points = in_crop(face_landmarks())
    texture = rasterisation.render(ramp(), points, points, 128)
    solid = texture.skin == 255
    assert solid.sum() > 1000
    assert np.abs(texture.image[solid].astype(int) - ramp()[solid]).max() <= 1


def test_a_texture_follows_the_mesh():
    points = in_crop(face_landmarks())
    moved = points + np.array([9, -4, 0])
    texture = rasterisation.render(ramp(), points, moved, 128)
    solid = texture.skin == 255
    shifted = ramp()[solid].astype(int) - [9, -4, 0]
    assert np.abs(texture.image[solid].astype(int) - shifted).max() <= 1


def test_skin_fades_towards_the_oval_and_leaves_eyes_and_mouth_to_the_features():
    points = in_crop(face_landmarks(), 256)
    points[points[:, 1] > points[14, 1] - 0.5, 1] += 15  # an open mouth
    texture = rasterisation.render(np.full((256, 256, 3), 99, np.uint8), points, points, 256)
    x, y = ((points[13] + points[14]) / 2)[:2].round().astype(int)
    assert texture.features[y, x] == 255 and texture.skin[y, x] == 0
    assert not ((texture.skin > 0) & (texture.features > 0)).any()
    forehead = texture.skin[:, round(points[10, 0])]
    rising = forehead[np.nonzero(forehead)[0][0] :][:6].astype(int)
    assert rising[0] < 128 and (np.diff(rising) >= 0).all()


def test_what_the_donor_hides_comes_from_its_twin():
    points = face_landmarks()
    hidden = points.copy()
    left = points[:, 0] > points[1, 0]
    hidden[left, 0] = 2 * points[1, 0] - points[left, 0] + 0.1  # folded over: seen from behind
    size = 128
    target = in_crop(points, size)
    donor = transforms.apply(transforms.generator_crop(points, size), hidden)
    texture = rasterisation.render(ramp(size), donor, target, size)
    cheek = target[topology.mirror()[50], :2].round().astype(int)
    if target[50, 0] > target[1, 0]:
        cheek = target[50, :2].round().astype(int)
    assert texture.skin[cheek[1], cheek[0]] > 0


@pytest.mark.parametrize("size", [64, 512])
def test_any_size_is_drawn(size):
    donor_px = in_crop(face_landmarks(), 128)
    texture = rasterisation.render(ramp(), donor_px, in_crop(face_landmarks(), size), size)
    assert texture.image.shape == (size, size, 3)
    assert texture.skin.shape == texture.features.shape == (size, size)
    assert (texture.skin > 0).mean() > 0.1


def test_a_hull_holds_all_landmarks_and_little_more():
    points = face_landmarks((60, 64), 40)
    filled = rasterisation.hull(points, 128)
    x, y = np.round(points[:, :2]).astype(int).T
    assert (filled[y, x] == 255).all()
    assert set(np.unique(filled)) == {0, 255}
    assert 0.9 < (filled > 0).sum() / (rasterisation.triangle_map(points, 128) >= 0).sum() < 1.15
