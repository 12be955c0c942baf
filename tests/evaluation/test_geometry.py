import numpy as np
import pytest

from ganonymization.errors import InputError
from ganonymization.evaluation import geometry
from ganonymization.evaluation.attackers import folds

from ..simulated_people import simulated

PEOPLE = simulated()
PART = folds(PEOPLE.person)
ATTACK, TEST = PART == 2, PART == 0
BEFORE = geometry.aligned(PEOPLE.landmarks_px)


@pytest.mark.parametrize("attacker", ["lda", "mlp"])
def test_attackers_recognise_people_in_what_tells_them_apart(attacker):
    mean, low, high = geometry.rank1(BEFORE, PEOPLE, ATTACK, TEST, attacker)
    assert mean > 0.5
    assert low <= mean <= high


@pytest.mark.parametrize("attacker", ["lda", "mlp"])
def test_attackers_are_at_chance_where_nothing_tells(attacker):
    chance = 1 / 30
    noise = np.random.default_rng(0).normal(size=BEFORE.shape)
    mean, low, _ = geometry.rank1(noise, PEOPLE, ATTACK, TEST, attacker)
    assert low <= chance + 0.05 and mean < chance + 0.1
    same = np.repeat(BEFORE[:1], len(BEFORE), axis=0) + noise * 1e-3
    assert geometry.rank1(same, PEOPLE, ATTACK, TEST, attacker)[0] < chance + 0.1


def kept(after):
    return geometry.expression_kept(BEFORE, after, PEOPLE.person, PEOPLE.expression, TEST)


def test_an_expression_is_kept_or_lost():
    whole = kept(BEFORE)
    assert {name: round(value[0], 6) for name, value in whole.items()} == dict.fromkeys(
        geometry.REGIONS, 1.0
    )
    noise = np.random.default_rng(0).normal(size=BEFORE.shape)
    assert all(abs(value[0]) < 0.1 for value in kept(noise).values())
    half = kept(BEFORE * 0.5 + 3)
    assert half["face"][0] == pytest.approx(1)  # a correlation: size and place do not count


def test_whose_face_it_is_does_not_count():
    _, number = np.unique(PEOPLE.person, return_inverse=True)
    others = np.random.default_rng(0).normal(size=(number.max() + 1, BEFORE.shape[1]))
    assert kept(BEFORE + others[number])["face"][0] == pytest.approx(1)


def test_pictures_without_a_label_do_not_count():
    unknown = PEOPLE.expression == "surprise"
    labels = np.where(unknown, "", PEOPLE.expression)
    after = np.where(unknown[:, None], np.random.default_rng(0).normal(size=BEFORE.shape), BEFORE)
    told = geometry.expression_kept(BEFORE, after, PEOPLE.person, labels, TEST)
    assert told["face"][0] == pytest.approx(1)


def test_without_labels_nothing_can_be_kept():
    for label in ("", "neutral"):
        labels = np.full(len(PEOPLE.person), label)
        assert geometry.expression_kept(BEFORE, BEFORE, PEOPLE.person, labels, TEST) == {}


def told_apart(released, expression=PEOPLE.expression):
    return geometry.classified(released, PEOPLE.person, expression, ATTACK, TEST)


def test_expressions_are_told_apart():
    assert told_apart(BEFORE)[0] > 0.9
    noise = np.random.default_rng(0).normal(size=BEFORE.shape)
    assert told_apart(noise)[0] < 0.6


def test_a_single_expression_cannot_be_told_apart():
    alone = np.where(PEOPLE.expression == "neutral", "neutral", "")
    assert np.isnan(told_apart(BEFORE, alone)).all()


def test_too_few_people_are_refused():
    few = simulated(count=9)
    with pytest.raises(InputError, match="fewer than 10"):
        everybody = np.ones(len(few.person), bool)
        geometry.rank1(geometry.aligned(few.landmarks_px), few, everybody, everybody)
