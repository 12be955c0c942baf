import numpy as np
import pytest

from ganonymization.evaluation import ranking
from ganonymization.evaluation.ranking import cross_attack, ranked_figures, ranks_of, share_ranked
from ganonymization.evaluation.statistics import interval_over_people

PEOPLE, PICTURES = 60, 3
PERSON = np.repeat([f"p{i:02d}" for i in range(PEOPLE)], PICTURES)
EXPRESSION = np.tile(["neutral", "happiness", ""], PEOPLE)
SEEN = np.ones(len(PERSON), bool)
OWN = np.repeat(np.random.default_rng(0).normal(size=(PEOPLE, 8)), PICTURES, axis=0)
FIRST = np.arange(0, len(PERSON), PICTURES)


def test_people_who_look_like_themselves_are_found():
    probe, found, people = ranks_of(OWN, OWN, FIRST, FIRST + 1)
    assert (probe == FIRST + 1).all()
    assert people == PEOPLE
    assert (found == 1).all()


def test_people_who_all_look_alike_are_found_by_chance():
    alike = np.ones((3000, 4))
    rows = np.arange(3000)
    _, found, _ = ranks_of(alike, alike, rows, rows)
    assert found.mean(0) == pytest.approx([0.01, 0.05, 0.1], abs=0.01)


def test_missing_probes_count_at_chance():
    probes = OWN.copy()
    probes[FIRST[:20] + 1] = np.nan
    _, found, _ = ranks_of(OWN, probes, FIRST, FIRST + 1)
    assert found[:20] == pytest.approx(np.tile([1 / 60, 5 / 60, 10 / 60], (20, 1)))
    assert (found[20:] == 1).all()


def test_people_missing_in_the_gallery_are_never_nearest_and_found_by_chance():
    galleries = OWN.copy()
    galleries[FIRST[:59]] = np.nan  # only the last is known
    probes = -OWN
    _, found, _ = ranks_of(galleries, probes, FIRST, FIRST + 1)
    assert found[:59, 0] == pytest.approx(1 / 60)
    assert found[59, 0] == 1


def test_everybody_is_attacked_by_what_others_taught():
    asked = []
    seen = SEEN.copy()
    seen[4] = False

    def spaces(learnt):
        asked.append(learnt)
        return {"own": (OWN, OWN)}

    found = cross_attack(PERSON, EXPRESSION, seen, spaces)["own"]
    assert len(asked) == 2
    rounds = len(found) // 2
    attacked = []
    for fold, learnt in enumerate(asked):
        rows = np.concatenate([rows for rows, *_ in found[fold * rounds : (fold + 1) * rounds]])
        assert not set(PERSON[rows]) & set(PERSON[learnt])
        assert not learnt[4] and 4 not in rows
        attacked.append(set(PERSON[rows]))
    assert sum(map(len, attacked)) == len(set.union(*attacked)) == PEOPLE
    assert all((ranks == 1).all() for _, ranks, _ in found)
    assert (EXPRESSION[np.concatenate([rows for rows, *_ in found])] != "neutral").all()


@pytest.mark.parametrize(("people", "parts"), [(299, 2), (300, 3)])
def test_thirds_are_attacked_where_their_galleries_are_full(people, parts):
    person = np.repeat([f"p{i:03d}" for i in range(people)], 2)
    asked = []

    def spaces(learnt):
        asked.append(learnt)
        return {}

    whole = np.ones(len(person), bool)
    cross_attack(person, np.full(len(person), ""), whole, spaces)
    assert len(asked) == parts
    assert (np.sum(asked, axis=0) == parts - 1).all()


def test_people_with_one_picture_do_not_fill_a_gallery():
    person = np.concatenate([np.repeat([f"a{i}" for i in range(60)], 2),
                             [f"b{i}" for i in range(400)]])  # fmt: skip
    blank, seen, own = np.full(len(person), ""), np.ones(len(person), bool), np.eye(len(person))
    found = cross_attack(person, blank, seen, lambda _: {"own": (own, own)})["own"]
    assert 50 <= sum(people for *_, people in found) / 5 <= 60
    assert len(found) == 2 * 5


def test_too_few_people_give_no_attack():
    few = np.arange(len(PERSON)) < 18 * PICTURES
    assert cross_attack(PERSON[few], EXPRESSION[few], SEEN[few], lambda _: {}) == {}
    one_each = np.arange(len(PERSON)) % PICTURES == 0
    assert cross_attack(PERSON, EXPRESSION, one_each, lambda _: {"a": (OWN, OWN)}) == {}


def test_figures_tell_each_rank_and_the_first_by_group():
    rows = np.arange(len(PERSON))[::-1]
    found = np.stack([np.linspace(0, 1, len(rows)), np.full(len(rows), 0.5), np.ones(len(rows))], 1)
    gender = np.where(np.arange(len(PERSON)) < 90, "female", "male")
    parts = [(rows[:60], found[:60], 20), (rows[60:], found[60:], 40)]
    figures = ranked_figures("naive", parts, PERSON, {"gender": gender})
    told = {(f.title, f.group): f for f in figures}
    assert set(told) == {
        ("rank 1 of 20, naive", "all"),
        ("rank 1 of 20, naive", "gender: female"),
        ("rank 1 of 20, naive", "gender: male"),
        ("rank 5 of 20, naive", "all"),
        ("rank 10 of 20, naive", "all"),
    }
    first = told["rank 1 of 20, naive", "all"]
    assert first.value == pytest.approx(0.5)
    assert first.reference["chance"] == pytest.approx((20 / 20 + 40 / 40) / 60)
    tenth = told["rank 10 of 20, naive", "all"]
    assert tenth.reference["chance"] == pytest.approx((20 * 10 / 20 + 40 * 10 / 40) / 60)
    assert tenth.value == 1
    women = told["rank 1 of 20, naive", "gender: female"]
    assert women.count == 90
    assert women.value == pytest.approx(found[90:, 0].mean())
    assert (women.low, women.high) == interval_over_people(found[90:, 0], PERSON[rows[90:]])[1:]
    assert first.metric == share_ranked.__name__


def test_galleries_hold_at_most_a_hundred():
    rows = np.arange(len(PERSON))
    figures = ranked_figures("naive", [(rows, np.ones((180, 3)), 5000)], PERSON, {})
    assert [f.title for f in figures] == [f"rank {k} of 100, naive" for k in ranking.RANKS]
