import numpy as np
import torch

from ganonymization import condition
from ganonymization.training.data import PreparedFaces, vividness

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
        condition, "mesh", lambda p, s: drawn.append(p) or np.full((s, s, 3), 7, np.uint8)
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
