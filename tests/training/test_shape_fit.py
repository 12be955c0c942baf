from dataclasses import replace

import numpy as np
import pytest
import torch

from ganonymization.errors import InputError, OptionError
from ganonymization.evaluation import geometry
from ganonymization.evaluation.attackers import folds
from ganonymization.geometry import topology
from ganonymization.surrogate.shape_model import ShapeModel
from ganonymization.training import shape_command, shape_fit
from ganonymization.training.shape_faces import mirror_image
from ganonymization.training.shape_fit import canonical_leak, fit_readings, fit_shape

from ..simulated_people import simulated


@pytest.fixture(scope="module")
def fitted():
    """A model fitted on a third of simulated people, in fewer steps than a true one."""
    people = simulated(135)
    part = folds(people.person)
    patch = pytest.MonkeyPatch()
    patch.setattr(shape_fit, "_STEPS", 150)
    model = fit_shape(people.of(part == 1), leak_weights={"balanced": 0.5})
    patch.undo()
    return people, part, model


def test_people_go_and_expressions_stay(fitted):
    people, part, model = fitted
    attack, test = part == 2, part == 0
    before = geometry.aligned(people.landmarks_px)
    after = geometry.aligned(model.surrogate(people.landmarks_px, 1))
    raw = geometry.rank1(before, people, attack, test)[0]
    assert geometry.rank1(after, people, attack, test)[0] < 0.6 * raw
    kept = geometry.expression_kept(before, after, people.person, people.expression, test)
    assert kept["brows"][0] > 0.8
    assert kept["mouth"][0] > 0.8


def test_mirror_images_are_released_as_mirror_images(fitted):
    people, _, model = fitted
    face = people.landmarks_px[2]
    mirrored = face[topology.mirror()] * [-1, 1, 1]
    expected = model.surrogate(face, 2)[topology.mirror()] * [-1, 1, 1]
    assert np.abs(model.surrogate(mirrored, 2) - expected).max() < 0.01 * np.ptp(face)


@pytest.fixture(scope="module")
def few():
    """Few people, and what three steps make of them."""
    people = simulated(45)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shape_fit, "_STEPS", 3)
        yield people, fit_shape(people, leak_weights={"balanced": 1.0})


def test_a_fit_can_be_repeated(few):
    people, model = few
    again = fit_shape(people, leak_weights={"balanced": 1.0})
    for name, values in model.arrays().items():
        assert np.array_equal(values, again.arrays()[name]), name


def test_the_leak_is_what_two_pictures_share():
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(2000), 2)
    first, second = np.arange(0, 4000, 2), np.arange(1, 4000, 2)
    own = rng.normal(size=(4000, 3))
    assert canonical_leak(torch.tensor(own), first, second) < 0.02
    shared = own.copy()
    shared[:, 0] = rng.normal(size=2000)[person]
    found = float(canonical_leak(torch.tensor(shared), first, second))
    assert found == pytest.approx(1 / 1.03**2, abs=0.02)  # one correlation of one, and the floor
    scaled = canonical_leak(torch.tensor(shared * [1e-3, 1, 10]), first, second)
    assert float(scaled) == pytest.approx(found, abs=1e-6)


def test_too_few_people_are_refused():
    with pytest.raises(InputError, match="fewer than 40"):
        fit_shape(simulated(39))
    with pytest.raises(InputError, match="differ in expression"):
        fit_shape(simulated(45, pictures=2))


def test_the_command_writes_a_model(few, tmp_path, monkeypatch):
    people, fitted = few
    monkeypatch.setattr(shape_command, "read_people", lambda folder, index: (people, []))
    monkeypatch.setattr(shape_command, "fit_shape", lambda people: fitted)
    out = tmp_path / "new" / "shape.npz"
    assert shape_command.fit_and_save(tmp_path, tmp_path / "i.csv", out) == []
    model = ShapeModel.load(out)
    assert model.surrogate(people.landmarks_px[0], 0, "balanced").shape == (478, 3)
    assert [path.name for path in out.parent.iterdir()] == ["shape.npz"]


def test_people_without_labels_are_fitted_all_the_same(few):
    people = replace(few[0], expression=np.full_like(few[0].expression, ""))
    model = fit_shape(people, leak_weights={"balanced": 0.5})
    assert model.surrogate(people.landmarks_px).shape == people.landmarks_px.shape


def test_other_files_are_not_overwritten(tmp_path):
    with pytest.raises(OptionError, match="ends in"):
        shape_command.fit_and_save(tmp_path, tmp_path / "index.csv", tmp_path / "index.csv")


def test_what_goes_with_a_reading_is_learnt_from_many_faces_and_symmetric(few):
    _, model = few
    rng = np.random.default_rng(0)
    size = 3 * topology.SURFACE_COUNT
    frown = np.zeros(size).reshape(-1, 3)
    for brows in topology.BROWS:
        frown[list(brows), 1] = 0.05
    angry = rng.random(300) < 0.3
    readings = np.where(angry[:, None], np.eye(7)[3], np.eye(7)[0])
    surface = model.mean + rng.normal(0, 0.02, (300, len(model.people))) @ model.people
    surface = (surface + angry[:, None] * frown.ravel()).reshape(300, -1, 3)
    irises = topology.canonical_face()[topology.SURFACE_COUNT :]
    faces = np.concatenate([surface, np.broadcast_to(irises, (300, *irises.shape))], 1)
    found = fit_readings(model, 100 * faces, readings)
    assert found.shape == (6, size)
    assert np.abs(found[2] - frown.ravel()).max() < 0.015
    assert np.abs(found[[0, 1, 3, 4, 5]]).max() < 1e-6
    assert np.allclose(mirror_image(found), found)
