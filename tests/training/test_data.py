import numpy as np
import pytest
import torch

from ganonymization.geometry import conditioning, topology
from ganonymization.geometry.skin import skin_lab
from ganonymization.training.augment import (
    Shift,
    darker_skin,
    expression_shifts,
    jittered,
    other_skin,
    warped,
)
from ganonymization.training.data import Batches, PreparedFaces, rarity, vividness

from ..conftest import face_landmarks


def faces(prepared, portrait_share, size=64):
    return PreparedFaces([prepared], size, portrait_share, 0.002, seed=5)


def test_samples_repeat_and_differ(prepared):
    one, two = faces(prepared, 0.5), faces(prepared, 0.5)
    for key, value in one[3].items():
        assert torch.equal(value, two[3][key])
    assert not torch.equal(one[3]["picture"], one[4]["picture"])


def test_a_scene_hides_the_face_and_composes_the_ring(prepared):
    sample = faces(prepared, 0.0)[0]
    wall, opacity = sample["wall"][0] > 0, sample["opacity"][0]
    assert 0.1 < wall.float().mean() < 0.6
    assert (opacity[wall] > 200).all()
    assert (opacity == 0).any()
    assert sample["condition"].amax(0)[~wall].max() == 0  # the face lies behind the wall


def test_a_portrait_has_no_context_and_stands_on_black(prepared):
    sample = faces(prepared, 1.0)[0]
    assert (sample["wall"] == 255).all()
    assert sample["picture"][:, :4, :4].max() == 0
    assert sample["picture"][:, 28:36, 28:36].float().mean() > 30


def test_the_condition_is_the_one_of_run_time(prepared, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        conditioning, "mesh", lambda p, s: drawn.append(p) or np.full((s, s, 3), 7, np.uint8)
    )
    assert (faces(prepared, 0.5)[0]["condition"] == 7).all()
    assert drawn[0].shape == (478, 3)


def test_eyes_and_mouth_weigh_more(prepared):
    weight = faces(prepared, 0.0)[1]["weight"][0]
    assert {64, 255} <= set(weight.unique().tolist())
    assert 0.005 < (weight == 255).float().mean() < 0.1


def test_rare_expressions_are_drawn_more_often():
    usual = np.stack([face_landmarks((50, 50), 20) for _ in range(60)])
    usual += np.random.default_rng(0).normal(0, 0.05, usual.shape)
    usual[7, 14, 1] += 9  # an open mouth
    weights = vividness(usual)
    assert weights[7] == weights.max() == 4
    assert np.median(weights) < 1.5


def test_dark_skin_is_drawn_more_often():
    assert rarity(np.array([-20.0, 9.0, 20.0, 50.0])).tolist() == [3.0, 3.0, 1.7, 1.0]


def test_several_folders_are_one_list(prepared):
    two = PreparedFaces([prepared, prepared], 64, 0.5, 0.0, seed=5)
    assert len(two.shards.landmarks) == 4
    rng = np.random.default_rng(0)
    first, again = (two.shards.moved(f, np.random.default_rng(1), 64) for f in (1, 3))
    assert np.array_equal(first[0], again[0])
    assert {two.shards.draw(rng) for _ in range(50)} == {0, 1, 2, 3}


def test_grey_faces_are_never_portraits(prepared):
    grey = PreparedFaces([prepared], 64, 1.0, 0.0, seed=5)
    grey.shards.grey[:] = True
    assert not any(bool(grey[i]["portrait"]) for i in range(5))


def test_the_mesh_is_jittered_smoothly_and_the_gaze_is_not():
    points = face_landmarks((50, 50), 20)
    moved = jittered(points, np.random.default_rng(0), 2.0)
    shift = moved - points
    assert shift[:468].std() == pytest.approx(2.0)
    assert not shift[468:].any()
    triangles = topology.triangles()
    within = np.ptp(shift[triangles], axis=1).mean()
    anywhere = np.abs(shift[:468] - shift[np.roll(np.arange(468), 200)]).mean()
    assert within < 0.8 * anywhere
    assert jittered(points, np.random.default_rng(0), 0.0) is points


def test_devices_share_the_samples_and_a_run_goes_on():
    assert list(Batches(0, 4, 2)) == [[0, 1], [2, 3]]
    assert list(Batches(8, 13, 2, rank=0, devices=2)) == [[8, 9], [12, 13]]
    assert list(Batches(8, 13, 2, rank=1, devices=2)) == [[10, 11], [14, 15]]
    assert not list(Batches(8, 8, 2))


def test_a_sample_tells_where_the_landmarks_of_its_mesh_are(prepared):
    sample = PreparedFaces([prepared], 256, 0.5, 0.0, seed=3)[4]
    assert sample["landmarks"].shape == (478, 2)
    places = ((sample["landmarks"].numpy() + 1) / 2 * 256 - 0.5).round().astype(int)
    irises = sample["condition"].numpy()[:, places[[468, 473], 1], places[[468, 473], 0]]
    assert (irises < 40).all()  # drawn black
    mesh = sample["condition"].numpy().any(0)
    assert mesh[places[[1, 152, 10], 1].clip(0, 255), places[[1, 152, 10], 0]].any()


def test_a_warp_moves_picture_and_landmarks_alike():
    """A picture of its own coordinates tells at each landmark's new place where it came from."""
    points = face_landmarks((64, 60), 40)
    columns, rows = np.meshgrid(np.arange(128), np.arange(128))
    crop = np.stack([columns, rows, rows, columns, rows], 2).astype(np.uint8)
    warp, moved = warped(crop, points, [Shift(55, (0.1, -0.08), 0.1), Shift(291, (0.0, 0.1), 0.15)])
    for landmark, shift in ((55, (0.1, -0.08)), (291, (0.0, 0.1))):
        eyes = np.linalg.norm(points[33, :2] - points[263, :2])
        assert moved[landmark, :2] - points[landmark, :2] == pytest.approx(
            eyes * np.array(shift), abs=0.3
        )
    x, y = np.round(moved[:, :2]).astype(int).T
    came_from = warp[y, x].astype(float)
    for layers in ([0, 1], [3, 4]):
        gap = np.abs(came_from[:, layers] - points[:, :2])
        assert gap.max() < 2 and np.median(gap) < 0.6  # pixels, where both are rounded
    far = np.linalg.norm(points[:, :2] - points[152, :2], axis=1) < 4
    assert np.abs(moved - points)[far].max() < 0.5


def test_another_expression_moves_both_sides_much_alike():
    rng = np.random.default_rng(0)
    drawn = [{s.landmark: s.by_eyes for s in expression_shifts(rng)} for _ in range(400)]
    left = np.array([d[55] for d in drawn])
    right = np.array([d[285] for d in drawn])
    assert np.corrcoef(left[:, 0], -right[:, 0])[0, 1] > 0.7
    assert np.corrcoef(left[:, 1], right[:, 1])[0, 1] > 0.7
    assert left[:, 1].std() == pytest.approx(0.037, rel=0.15)


def test_skin_gets_darker_and_the_background_stays():
    points = face_landmarks((64, 60), 40)
    picture = np.full((128, 128, 3), (30, 90, 200), np.uint8)
    picture[20:110, 30:100] = (220, 170, 140)
    darker = darker_skin(picture, points, 35.0)
    assert np.array_equal(darker[:10], picture[:10])
    assert darker[64, 64].mean() < 0.65 * picture[64, 64].mean()
    assert darker_skin(picture, points, 99.0) is picture


@pytest.mark.parametrize("lightness", [30.0, 90.0])
def test_skin_gets_any_lightness(lightness):
    points = face_landmarks((64, 60), 40)
    picture = np.full((128, 128, 3), (30, 90, 200), np.uint8)
    picture[20:110, 30:100] = (220, 170, 140)
    other = other_skin(picture, points, lightness)
    assert skin_lab(other, points)[0] == pytest.approx(lightness, abs=2)
    assert np.array_equal(other[:10], picture[:10])
