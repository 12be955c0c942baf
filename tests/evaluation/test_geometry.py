import numpy as np
import pytest

from ganonymization.errors import InputError
from ganonymization.evaluation import geometry
from ganonymization.evaluation.geometry import Thirds

from ..simulated_people import simulated

PEOPLE = simulated()
PARTS = Thirds.of(PEOPLE.person)
BEFORE = geometry.aligned(PEOPLE.landmarks_px)


def test_nobody_is_in_two_thirds():
    for turn in range(3):
        parts = Thirds.of(PEOPLE.person, turn)
        names = [set(PEOPLE.person[p]) for p in (parts.fit, parts.attack, parts.test)]
        assert sum(map(len, names)) == 90
        assert len(set.union(*names)) == 90
    tests = [set(PEOPLE.person[Thirds.of(PEOPLE.person, turn).test]) for turn in range(3)]
    assert len(set.union(*tests)) == 90


@pytest.mark.parametrize("attacker", ["lda", "mlp"])
def test_attackers_recognise_people_in_what_tells_them_apart(attacker):
    mean, low, high = geometry.rank1(BEFORE, PEOPLE, PARTS, attacker)
    assert mean > 0.5
    assert low <= mean <= high


@pytest.mark.parametrize("attacker", ["lda", "mlp"])
def test_attackers_are_at_chance_where_nothing_tells(attacker):
    chance = 1 / geometry.gallery_size(PEOPLE, PARTS)
    noise = np.random.default_rng(0).normal(size=BEFORE.shape)
    mean, low, _ = geometry.rank1(noise, PEOPLE, PARTS, attacker)
    assert low <= chance + 0.05 and mean < chance + 0.1
    same = np.repeat(BEFORE[:1], len(BEFORE), axis=0) + noise * 1e-3
    assert geometry.rank1(same, PEOPLE, PARTS, attacker)[0] < chance + 0.1


def test_an_expression_is_kept_or_lost():
    whole = geometry.expression_kept(BEFORE, BEFORE, PEOPLE, PARTS)
    assert {name: round(value[0], 6) for name, value in whole.items()} == dict.fromkeys(
        geometry.REGIONS, 1.0
    )
    noise = np.random.default_rng(0).normal(size=BEFORE.shape)
    lost = geometry.expression_kept(BEFORE, noise, PEOPLE, PARTS)
    assert all(abs(value[0]) < 0.1 for value in lost.values())
    half = geometry.expression_kept(BEFORE, BEFORE * 0.5 + 3, PEOPLE, PARTS)
    assert half["face"][0] == pytest.approx(1)  # a correlation: size and place do not count


def test_expressions_are_told_apart():
    assert geometry.classified(BEFORE, PEOPLE, PARTS)[0] > 0.9
    noise = np.random.default_rng(0).normal(size=BEFORE.shape)
    assert geometry.classified(noise, PEOPLE, PARTS)[0] < 0.6


def test_too_few_people_are_refused():
    few = simulated(count=9)
    with pytest.raises(InputError, match="fewer than 10"):
        geometry.rank1(geometry.aligned(few.landmarks_px), few, Thirds.of(few.person))
