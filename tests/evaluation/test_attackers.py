import numpy as np
import pytest
from scipy.spatial.distance import cdist

from ganonymization.errors import InputError
from ganonymization.evaluation.attackers import (
    can_learn,
    folds,
    gallery_and_probes,
    learnt_features,
    principal_components,
    several,
)

PEOPLE, PICTURES, WIDTH = 80, 4, 40
PERSON = np.repeat([f"p{i:02d}" for i in range(PEOPLE)], PICTURES)
LEARNT = np.arange(len(PERSON)) < len(PERSON) // 2


def planted(seed: int = 0) -> np.ndarray:
    """Six small numbers that are the person's, hidden among large ones that are nobody's."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 5, (len(PERSON), WIDTH))
    values[:, :6] = np.repeat(rng.normal(0, 0.5, (PEOPLE, 6)), PICTURES, axis=0)
    values[:, :6] += rng.normal(0, 0.05, (len(PERSON), 6))
    turn, _ = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))
    return values @ turn


def nearest_is_own(features: np.ndarray) -> float:
    """Share of the attacked whose nearest other picture is of the same person."""
    attacked = features[~LEARNT]
    gaps = cdist(attacked, attacked)
    np.fill_diagonal(gaps, np.inf)
    return float((PERSON[~LEARNT][gaps.argmin(1)] == PERSON[~LEARNT]).mean())


def test_nobody_is_in_two_folds():
    part = folds(PERSON)
    assert set(part) == {0, 1, 2}
    for name in np.unique(PERSON):
        assert len(set(part[PERSON == name])) == 1
    sizes = np.bincount(part) // PICTURES
    assert sizes.max() - sizes.min() <= 1


def test_folds_are_drawn_by_the_seed():
    assert (folds(PERSON, 3, 1) == folds(PERSON, 3, 1)).all()
    assert (folds(PERSON, 3, 1) != folds(PERSON, 3, 2)).any()


def test_people_with_several_chosen_pictures_are_counted():
    person = np.array(["a", "a", "b", "b", "c"])
    assert several(person, np.ones(5, bool)) == 2
    assert several(person, np.array([True, False, True, True, True])) == 1


@pytest.mark.parametrize(("attacker", "least"), [("lda", 0.6), ("mlp", 0.22)])
def test_an_attacker_finds_people_where_plain_distances_miss_them(attacker, least):
    """Chance is one in 53; the components alone, all alike, find one in six."""
    worlds = [planted(seed) for seed in range(3)]
    assert np.mean([nearest_is_own(values) for values in worlds]) < 0.05
    alike = np.mean([nearest_is_own(principal_components(v, LEARNT)) for v in worlds])
    found = [nearest_is_own(learnt_features(v, PERSON, LEARNT, attacker)) for v in worlds]
    assert np.mean(found) > max(least, 1.3 * alike)


@pytest.mark.parametrize("attacker", ["lda", "mlp"])
def test_features_are_of_unit_length_and_missing_faces_stay_missing(attacker):
    values = planted()
    values[[3, 200]] = np.nan
    values[5, 7] = np.nan
    features = learnt_features(values, PERSON, LEARNT, attacker)
    gone = np.isnan(features)
    assert set(np.flatnonzero(gone.any(1))) == set(np.flatnonzero(gone.all(1))) == {3, 5, 200}
    assert np.allclose(np.linalg.norm(features[~gone.any(1)], axis=1), 1)


@pytest.mark.parametrize("attacker", ["lda", "mlp"])
def test_pictures_that_are_not_learnt_do_not_influence_the_attacker(attacker):
    values = planted()
    other = values.copy()
    other[~LEARNT] = values[~LEARNT] * 7 - 3
    before, after = (learnt_features(v, PERSON, LEARNT, attacker) for v in (values, other))
    assert np.allclose(before[LEARNT], after[LEARNT])
    assert not np.allclose(before[~LEARNT], after[~LEARNT])


@pytest.mark.parametrize("attacker", ["lda", "mlp"])
def test_where_all_look_alike_there_is_nothing_to_learn(attacker):
    values = np.tile(planted()[:1], (len(PERSON), 1))
    values[3] = np.nan
    features = learnt_features(values, PERSON, LEARNT, attacker)
    assert np.isnan(features[3]).all()
    assert np.ptp(np.delete(features, 3, axis=0), axis=0).max() < 1e-9


def test_a_single_picture_of_a_person_is_not_learnt():
    values = planted()
    learnt = LEARNT.copy()
    learnt[1:PICTURES] = False  # only the first is left of the first person
    other = values.copy()
    other[0] += 1000
    before, after = (learnt_features(v, PERSON, learnt) for v in (values, other))
    assert np.allclose(before[1:], after[1:])


def test_an_attacker_needs_ten_people_with_several_pictures():
    values = planted()
    nine, ten = (np.arange(len(PERSON)) < n * PICTURES for n in (9, 10))
    assert np.isfinite(learnt_features(values, PERSON, ten)).all()
    assert np.isnan(learnt_features(values, PERSON, nine)).all()
    values[0:3] = np.nan  # one of the ten has one picture left
    blind = learnt_features(values, PERSON, ten)
    assert len(blind) == len(PERSON) and np.isnan(blind).all()


@pytest.mark.parametrize(("people", "enough"), [(9, False), (10, True)])
def test_ten_people_with_several_pictures_are_enough_to_learn_from(people, enough):
    chosen = np.arange(len(PERSON)) < people * PICTURES
    assert can_learn(PERSON, chosen) == enough
    chosen[1:PICTURES] = False  # the first person has one picture left
    assert not can_learn(PERSON, chosen)


def test_components_are_scaled_on_what_is_learnt_and_rounding_stays_out():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 10)) + 1e-12 * rng.normal(
        size=(200, 10)
    )
    learnt = np.arange(200) < 120
    found = principal_components(values, learnt)
    assert found.shape == (200, 3)
    assert np.allclose(found[learnt].mean(0), 0)
    assert np.allclose(np.cov(found[learnt].T, ddof=0), np.eye(3))


def test_a_neutral_picture_is_looked_for_by_another_expression():
    expression = np.tile(["happiness", "neutral", "", "neutral"], PEOPLE)
    for seed in range(3):
        gallery, probes = gallery_and_probes(PERSON, expression, LEARNT, seed)
        assert (PERSON[gallery] == PERSON[probes]).all()
        assert len(np.unique(PERSON[gallery])) == len(gallery) == PEOPLE // 2
        assert (expression[gallery] == "neutral").all()
        assert (expression[probes] != "neutral").all()
        assert LEARNT[gallery].all() and LEARNT[probes].all()


def test_without_expressions_any_two_different_pictures_are_taken():
    for label in ("", "neutral"):
        expression = np.full(len(PERSON), label)
        gallery, probes = gallery_and_probes(PERSON, expression, LEARNT, 0)
        assert len(gallery) == PEOPLE // 2
        assert (PERSON[gallery] == PERSON[probes]).all()
        assert (gallery != probes).all()
        again, _ = gallery_and_probes(PERSON, expression, LEARNT, 1)
        assert (gallery != again).any()


def test_people_with_one_picture_are_not_looked_for():
    chosen = LEARNT.copy()
    chosen[1:PICTURES] = False
    gallery, probes = gallery_and_probes(PERSON, np.full(len(PERSON), ""), chosen, 0)
    assert PERSON[0] not in PERSON[gallery]
    assert len(gallery) == len(probes) == PEOPLE // 2 - 1


def test_fewer_than_ten_people_are_not_attacked():
    nine = np.arange(len(PERSON)) < 9 * PICTURES
    with pytest.raises(InputError, match="fewer than 10 people"):
        gallery_and_probes(PERSON, np.full(len(PERSON), ""), nine, 0)


@pytest.mark.parametrize("within", [0, 1])
def test_pictures_of_one_person_that_are_all_alike_stop_no_attack(within):
    person = np.repeat([f"p{i:02d}" for i in range(40)], 4)
    values = np.repeat(np.random.default_rng(0).normal(size=(40, 128)) * within, 4, axis=0) + 1
    features = learnt_features(values, person, np.ones(160, bool))
    assert np.isfinite(features).all()
