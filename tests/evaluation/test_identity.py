from dataclasses import replace

import numpy as np
import pytest

from ganonymization.evaluation import identity
from ganonymization.evaluation.identity import (
    FLOOR,
    called_same_person,
    distance_to_original,
    recognisable,
    true_accepts,
)

from .made_pairs import NUMBERS, first_of, made_pairs, with_gender, without_face, without_output

SAME_PERSON = 0.2


def measured(pairs, **others):
    return identity.measure(pairs, SAME_PERSON, others)


@pytest.fixture(scope="module")
def good():
    return measured(with_gender(made_pairs()))


def seen_as(pairs, after):
    """The same pairs where the recogniser reads other numbers from the outputs."""
    return replace(pairs, after=replace(pairs.after, embedding=after))


def test_recognisable_is_none_at_chance_and_all_as_in_originals():
    assert recognisable(0.01, 0.01, 0.81) == 0
    assert recognisable(0.81, 0.01, 0.81) == 1
    assert recognisable(0.21, 0.01, 0.81) == pytest.approx(0.25)


def test_an_attacker_that_knows_nobody_proves_nothing():
    assert np.isnan(recognisable(0.01, 0.01, 0.02))
    assert np.isfinite(recognisable(0.01, 0.01, 0.021))


def test_the_distance_to_the_original_is_euclidean_and_needs_both():
    before = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    after = np.array([[3.0, 4.0], [1.0, 1.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(distance_to_original(before, after), [5, 0, np.nan])


def test_nearer_than_the_threshold_is_the_same_person():
    called = called_same_person(np.array([0.1, 0.6, 0.7, np.nan]), 0.6)
    np.testing.assert_array_equal(called, [1, 0, 0, np.nan])


def test_the_share_of_strangers_sets_the_threshold():
    impostor = np.append(np.linspace(0, 1, 101), np.nan)
    accepted, threshold = true_accepts(np.array([0.05, 0.095, 0.2, np.nan]), impostor, 0.1)
    assert threshold == pytest.approx(0.1)
    np.testing.assert_array_equal(accepted, [1, 1, 0, np.nan])
    assert true_accepts(np.array([0.05]), impostor, 0.01)[0] == [0]


def test_outputs_like_those_of_strangers_are_accepted_as_often_as_strangers_are():
    rng = np.random.default_rng(0)
    genuine, impostor = rng.normal(1, 0.1, 20_000), rng.normal(1, 0.1, 20_000)
    assert true_accepts(genuine, impostor, 0.1)[0].mean() == pytest.approx(0.1, abs=0.01)


def test_without_strangers_there_is_no_threshold_and_acceptance_is_unknown():
    accepted, threshold = true_accepts(np.array([0.1]), np.array([np.nan]), 0.1)
    assert np.isnan(threshold)
    assert np.isnan(accepted).all()


def test_who_is_gone_is_not_recognised(good):
    assert good.verdict == "pass"
    strongest = good.figure("recognisable, strongest attacker")
    assert strongest.low < strongest.value < 0.1
    assert strongest.reference == {"pass": 0.1, "warn": 0.25}


@pytest.mark.parametrize("attack", ["naive", "parrot", "trained", "trained, originals"])
def test_every_attack_is_at_chance_on_noise(good, attack):
    found = good.figure(f"rank 1 of 20, {attack}")
    assert found.reference["chance"] == pytest.approx(1 / 20)
    assert found.low < 1 / 20 < found.high
    assert good.figure(f"rank 5 of 20, {attack}").reference["chance"] == pytest.approx(5 / 20)


def test_people_are_found_in_the_originals_themselves(good):
    assert good.figure(f"rank 1 of 20, {FLOOR}").value > 0.95


def test_originals_that_were_passed_on_are_recognised():
    pairs = made_pairs()
    family = measured(seen_as(pairs, pairs.before.embedding))
    assert family.verdict == "fail"
    assert family.figure("distance to the own original").value == 0
    assert family.figure("called the same person").value == 1
    assert family.figure("accepted where 0.01 of strangers are").value == 1
    assert family.figure("rank 1 of 40, same picture").value == 1
    assert "names 100.0% of people" in family.findings[0]


def test_an_attacker_that_learns_sees_through_what_hides_people_from_others():
    """Loud noise hides a quiet mark of each person from all that did not learn where it is."""
    pairs = made_pairs()
    number = np.unique(pairs.person, return_inverse=True)[1]
    rng = np.random.default_rng(3)
    marked = rng.normal(0, 1, (len(number), NUMBERS))
    marked[:, :6] = rng.normal(0, 0.2, (40, 6))[number] + rng.normal(0, 0.01, (len(number), 6))
    family = measured(seen_as(pairs, marked))
    assert family.figure("rank 1 of 20, naive").value < 0.25
    assert family.figure("rank 1 of 20, trained").value > 0.8
    assert family.verdict == "fail"
    assert "The strongest attacker (trained)" in family.findings[0]


def test_a_gallery_of_outputs_finds_what_originals_do_not():
    """Outputs that differ as people do, along other directions: the parrot finds them."""
    pairs = made_pairs()
    turned, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(NUMBERS, NUMBERS)))
    family = measured(seen_as(pairs, pairs.before.embedding @ turned))
    assert family.figure("rank 1 of 20, naive").value < 0.25
    assert family.figure("rank 1 of 20, parrot").value > 0.95
    assert family.verdict == "fail"


def test_missing_outputs_count_at_chance():
    pairs = made_pairs()
    pairs = seen_as(pairs, pairs.before.embedding)
    family = measured(without_output(pairs, first_of(pairs, len(pairs.file) // 2)))
    found = family.figure("rank 1 of 40, same picture")
    assert found.value == pytest.approx(0.5 + 0.5 / 40)
    assert found.count == len(pairs.file)
    assert family.figure("distance to the own original").count == len(pairs.file) // 2


def test_originals_that_the_recogniser_could_not_read_are_not_in_the_gallery():
    pairs = made_pairs()
    hidden = pairs.person == pairs.person[0]
    family = measured(replace(pairs, before=without_face(pairs.before, hidden)))
    assert family.figure("rank 1 of 39, same picture").count == len(pairs.file)


def test_people_with_one_picture_are_looked_for_by_it_alone():
    family = measured(made_pairs(40, 1))
    assert "too few people with several pictures" in family.missing[0].what
    assert "--people" in family.missing[0].remedy
    assert family.attackers == {"same picture": 40}
    assert "strongest attacker (same picture)" in family.findings[0]
    titles = {f.title for f in family.figures if f.metric == "share_ranked"}
    assert titles == {f"rank {k} of 40, same picture" for k in (1, 5, 10)}
    assert family.verdict == "inconclusive"


@pytest.mark.parametrize("seed", range(4))
def test_a_recogniser_that_knows_nobody_is_told_and_never_passes(seed):
    """Nor may a bit of luck above or below chance decide."""
    pairs = made_pairs()
    noise = np.random.default_rng(seed).normal(0, 0.1, (2, *pairs.before.embedding.shape))
    unknown = replace(pairs, before=replace(pairs.before, embedding=noise[0]))
    family = measured(seen_as(unknown, noise[1]))
    assert "proves little" in family.missing[0].what
    assert np.isnan(family.figure("recognisable, strongest attacker").value)
    assert family.verdict == "inconclusive"


def test_where_outputs_show_no_face_attackers_that_learn_are_blind():
    pairs = made_pairs()
    blind = replace(pairs, after=without_face(pairs.after, np.ones(160, bool)))
    family = measured(blind)
    assert family.figure("rank 1 of 20, trained").value == pytest.approx(1 / 20)
    assert family.figure("recognisable, strongest attacker").value == pytest.approx(0)
    assert family.verdict == "pass"


def test_the_chance_of_parts_of_different_sizes_is_their_mean_over_probes():
    family = measured(made_pairs(41))
    found = family.figure("rank 1 of 20, naive")
    assert found.reference["chance"] == pytest.approx((20 / 20 + 21 / 21) / 41)


def test_each_group_has_its_figures(good):
    found = [
        good.figure("distance to the own original", f"gender: {g}") for g in ("female", "male")
    ]
    assert [f.count for f in found] == [80, 80]
    whole = good.figure("distance to the own original")
    assert np.mean([f.value for f in found]) == pytest.approx(whole.value)
    assert good.figure("rank 1 of 20, naive", "gender: male").count > 0


def test_each_picture_has_its_distance():
    pairs = made_pairs()
    told = measured(pairs).pictures
    expected = [np.linalg.norm(a - b) for a, b in zip(pairs.before.embedding, pairs.after.embedding,
                                                      strict=True)]  # fmt: skip
    np.testing.assert_allclose(told["distance"], expected)
    assert told["ranked first"].shape == (len(pairs.file),)


def test_several_other_anonymizations_make_the_test_stricter():
    pairs = made_pairs()
    gaps = distance_to_original(pairs.before.embedding, pairs.after.embedding)
    nearer = gaps - np.random.default_rng(0).normal(0.01, 0.05, len(gaps))
    (alone,) = measured(pairs, nearer=nearer).tables["compared"]
    first, second = measured(pairs, nearer=nearer, same=gaps).tables["compared"]
    assert (alone["against"], second["against"]) == ("nearer", "same")
    assert 0.1 < alone["r"] < 0.5
    assert 1e-6 < alone["p"] < 0.1
    assert first["p"] == pytest.approx(2 * alone["p"])
    assert (second["r"], second["p"]) == (0, 1)


def test_without_others_nothing_is_compared(good):
    assert good.tables == {}
