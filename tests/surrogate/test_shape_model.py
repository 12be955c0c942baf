from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganonymization.errors import LandmarksError, ModelError, OptionError
from ganonymization.geometry import topology
from ganonymization.surrogate.eye_mouth_opening import EYES, MOUTH
from ganonymization.surrogate.shape_model import Posed, ShapeModel, eye_openness

from ..conftest import face_landmarks

MODEL = ShapeModel.load()
SURFACE = topology.SURFACE_COUNT


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return tilt @ turn @ nod


def somebody(seed: int = 0) -> np.ndarray:
    """A face of one person: the canonical one, smoothly deformed, frontal, eyes 100 px apart."""
    rng = np.random.default_rng(seed)
    face = topology.canonical_face().astype(float)
    waves = np.sin(face[:, [1, 0, 2]] * rng.uniform(2, 5, 3) + rng.uniform(0, 6, 3))
    return (face + 0.03 * waves) * 100 + [300, 200, 0]


@settings(max_examples=25, deadline=None)
@given(
    st.floats(-3, 3), st.floats(0.05, 20), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3),
    st.sampled_from(["balanced", "high"]),
)  # fmt: skip
def test_a_tilt_scale_or_shift_is_carried_through(tilt, scale, x, y, privacy):
    face, turn = somebody(), rotation(0, 0, tilt)

    def moved(points):
        return scale * points @ turn.T + [x, y, 0]

    expected = moved(MODEL.surrogate(face, 3, privacy))
    found = MODEL.surrogate(moved(face), 3, privacy)
    assert np.abs(found - expected).max() < 1e-6 * scale * 1000


@pytest.mark.parametrize("pose", [(0, 0, 0), (0.5, 0, 0.3), (-0.4, 0.25, -1)])
def test_pose_scale_and_place_are_kept(pose):
    face = somebody() @ rotation(*pose).T
    before, after = Posed.of(face), Posed.of(MODEL.surrogate(face, 1))
    assert after.scale == pytest.approx(before.scale)
    assert np.allclose(after.rotation, before.rotation)
    assert np.allclose(after.shift, before.shift)


def test_a_seed_is_a_person():
    face = somebody()
    one, again, other = (MODEL.surrogate(face, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert 0.2 < np.abs(one - other).max() < 30  # of 100 px between the eyes


def test_people_at_rest_become_the_same_nobody():
    """Faces that differ as people differ, and wear no expression."""
    face = topology.canonical_face().astype(float)
    for direction in MODEL.people:
        other = face.copy()
        other[:SURFACE] += 2 * direction.reshape(-1, 3)
        before = np.abs(Posed.of(other).frontal - face)[:SURFACE].mean()
        after = np.abs(MODEL.surrogate(other, 5) - MODEL.surrogate(face, 5))[:SURFACE].mean()
        assert after < 0.35 * before


def test_batches_are_single_faces():
    faces = np.stack([somebody(1), somebody(2) @ rotation(0.3, 0, 0).T])
    singly = np.stack([MODEL.surrogate(face, 7) for face in faces])
    assert np.allclose(MODEL.surrogate(faces, 7), singly)


def test_a_symmetric_face_stays_symmetric():
    face = topology.canonical_face().astype(float)
    face = (face + face[topology.mirror()] * [-1, 1, 1]) / 2
    for privacy in ("balanced", "high"):
        new = MODEL.surrogate(face, 4, privacy)
        assert np.abs(new - new[topology.mirror()] * [-1, 1, 1]).max() < 2e-3


def test_a_mirror_image_becomes_the_mirror_image():
    face = somebody(3) @ rotation(0.3, 0.1, 0).T
    mirrored = face[topology.mirror()] * [-1, 1, 1]
    expected = MODEL.surrogate(face, 2)[topology.mirror()] * [-1, 1, 1]
    assert np.abs(MODEL.surrogate(mirrored, 2) - expected).max() < 0.2  # of 100 px


def test_the_surrogate_of_a_surrogate_tells_nothing_new():
    """What differs between people at rest is gone at once, and does not come back."""
    rng = np.random.default_rng(0)
    faces = np.repeat(topology.canonical_face()[None].astype(float), 8, axis=0)
    faces[:, :SURFACE] += (rng.normal(size=(8, len(MODEL.people))) @ MODEL.people).reshape(8, -1, 3)
    once = MODEL.surrogate(faces, 1)
    twice = MODEL.surrogate(once, 1)
    before = Posed.of(faces).frontal.std(0).mean()
    assert once.std(0).mean() < 0.4 * before
    assert twice.std(0).mean() < 0.4 * before


def opened(mouth: float, right: float, left: float) -> np.ndarray:
    face = topology.canonical_face().astype(float)
    surface = MOUTH.opened(face[:SURFACE], np.float64(mouth))
    for eye, openness in zip(EYES, (right, left), strict=True):
        surface = eye.opened(surface, np.float64(openness))
    return np.concatenate([surface, face[SURFACE:]])


@pytest.mark.parametrize("privacy", ["balanced", "high"])
def test_lips_blinks_and_winks_are_kept(privacy):
    usual = 0.19
    for mouth, right, left in [(0, usual, usual), (0.3, 0, 0), (0.02, usual, 0), (0.1, 0.3, 0.3)]:
        new = Posed.of(MODEL.surrogate(opened(mouth, right, left), 1, privacy)).frontal[:SURFACE]
        assert MOUTH.openness(new) == pytest.approx(max(mouth - 0.01, 0), abs=0.02)
        for eye, openness in zip(EYES, (right, left), strict=True):
            if openness == 0:
                assert eye.openness(new) == pytest.approx(0, abs=0.02)
            else:
                assert eye.openness(new) > 0.13


def test_irises_follow_the_gaze_and_nothing_else_of_the_person():
    face = face_landmarks(eyes_px=100.0)
    usual = MODEL.surrogate(face, 1)
    aside = face.copy()
    aside[SURFACE:, 0] += 4
    gone = MODEL.surrogate(aside, 1) - usual
    assert np.allclose(gone[:SURFACE], 0, atol=1e-9)
    assert np.all((gone[SURFACE:, 0] > 3) & (gone[SURFACE:, 0] < 5))
    large = face.copy()
    for centre, *rim in (topology.IRIS_RIGHT, topology.IRIS_LEFT):
        large[rim] += 0.3 * (face[rim] - face[centre])
        large[rim, 2] += 3
    assert np.allclose(MODEL.surrogate(large, 1), usual, atol=1e-9)


@pytest.mark.parametrize(
    "points",
    [np.full((478, 3), np.nan), np.zeros((478, 3)), np.ones((478, 3)) * 7, np.zeros((468, 3))],
)
def test_what_is_no_face_is_refused(points):
    with pytest.raises(LandmarksError):
        MODEL.surrogate(points)


def test_unknown_settings_are_refused():
    with pytest.raises(OptionError, match="balanced, high"):
        MODEL.surrogate(somebody(), privacy="none")
    with pytest.raises(OptionError, match="no setting 'high'"):
        replace(MODEL, coders={"balanced": MODEL.coders["balanced"]}).surrogate(
            somebody(), privacy="high"
        )


def test_a_model_is_saved_and_loaded(tmp_path):
    np.savez(tmp_path / "m.npz", **MODEL.arrays())
    again = ShapeModel.load(tmp_path / "m.npz")
    assert np.array_equal(again.surrogate(somebody()), MODEL.surrogate(somebody()))


@pytest.mark.parametrize("wrong", ["missing", "text", "cut", "partial", "shape", "nan", "bare"])
def test_wrong_models_are_refused(tmp_path, wrong):
    path, arrays = tmp_path / "m.npz", MODEL.arrays()
    if wrong == "text":
        path.write_text("hello")
    elif wrong == "cut":
        np.savez(path, **arrays)
        path.write_bytes(path.read_bytes()[:-200])
    elif wrong == "nan":
        np.savez(path, **(arrays | {"mean": arrays["mean"] * np.nan}))
    elif wrong == "bare":
        np.savez(path, **{k: v for k, v in arrays.items() if "." not in k})
    elif wrong == "partial":
        np.savez(path, **{k: v for k, v in arrays.items() if k != "high.encode"})
    elif wrong == "shape":
        np.savez(path, **(arrays | {"mean": arrays["mean"][:9]}))
    with pytest.raises(ModelError, match="fit"):
        ShapeModel.load(path)


def test_codes_below_the_threshold_tell_nothing():
    coder = MODEL.coders["balanced"]
    inside = np.linalg.pinv(coder.encode) @ (0.9 * coder.threshold)
    assert np.all(coder(inside) == 0)
    outside = np.linalg.pinv(coder.encode) @ (10 * coder.threshold)
    assert np.abs(coder(outside)).max() > 0


def test_the_shipped_model_is_small():
    path = resources.files("ganonymization").joinpath("weights", "shape.npz")
    assert len(path.read_bytes()) < 2_000_000


@pytest.mark.parametrize("privacy", ["balanced", "high"])
def test_known_eyes_at_rest_let_every_change_through_and_no_difference_at_rest(privacy):
    narrow, wide = (
        MODEL.surrogate(opened(0.0, rest, rest), 1, privacy, eyes_at_rest=np.full(2, rest))
        for rest in (0.15, 0.25)
    )
    assert np.allclose(eye_openness(narrow), eye_openness(wide), rtol=0.02)
    half = MODEL.surrogate(opened(0.0, 0.1, 0.2), 1, privacy, eyes_at_rest=np.full(2, 0.2))
    assert np.allclose(eye_openness(half) / eye_openness(wide), [0.5, 1.0], atol=0.05)


def test_the_reading_stands_in_for_codes_that_do_not_pass():
    coder = MODEL.coder("balanced")
    angry = np.eye(7)[3]
    usual = MODEL.usual(angry)
    at_rest, wide = np.zeros_like(usual), 3 * usual
    faint, alone = coder(0.05 * usual), coder(at_rest, usual)
    assert np.abs(faint).max() < 0.2 * np.abs(alone).max()
    assert np.allclose(alone, usual @ coder.encode.T @ coder.decode)
    assert np.allclose(coder(0.05 * usual, usual), alone, atol=0.1 * np.abs(alone).max())
    assert np.allclose(coder(wide, usual), coder(wide), atol=0.1 * np.abs(wide).max())
    assert not MODEL.usual(np.eye(7)[0]).any() and not MODEL.usual(None).any()


def test_a_face_at_rest_shows_a_reading_more_strongly_than_the_mean_of_faces():
    at_rest, angry = topology.canonical_face().astype(float), np.eye(7)[3]
    at_rest[:SURFACE] = MODEL.mean.reshape(-1, 3)
    without, read = (
        Posed.of(MODEL.surrogate(100 * at_rest, 1, reading=reading)).frontal
        for reading in (None, angry)
    )
    usual = MODEL.coder("balanced")(np.zeros_like(MODEL.mean), MODEL.usual(angry)).reshape(-1, 3)
    brows = list(topology.EXPRESSIVE["brows"])
    shown, mean = (change[brows, 1].mean() for change in (read - without, usual))
    assert mean > 0 and 1.4 * mean < shown < 2.2 * mean


def test_a_model_without_readings_is_read(tmp_path):
    arrays = {k: v for k, v in MODEL.arrays().items() if k != "by_reading"}
    np.savez(tmp_path / "shape.npz", **arrays)
    model = ShapeModel.load(tmp_path / "shape.npz")
    face = somebody()
    assert np.allclose(model.surrogate(face, 1, reading=np.eye(7)[3]), model.surrogate(face, 1))
