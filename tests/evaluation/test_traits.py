from dataclasses import replace

import numpy as np
import pytest

from ganonymization.evaluation import traits
from ganonymization.evaluation.traits import context_rank, questions, skin_tone_kept, trait_lost

from .made_pairs import NUMBERS, first_of, made_pairs, without_face

PERSON = np.repeat([f"p{i}" for i in range(20)], 4)


def labelled(pairs, **columns):
    return replace(pairs, labels={**pairs.labels, **columns})


def alternating(pairs, *values):
    """A value for each person, in turns."""
    number = np.unique(pairs.person, return_inverse=True)[1]
    return np.array(values)[number % len(values)]


def marked(pairs, before, after):
    """The same where the recogniser's first number tells yes from no."""
    embeddings = []
    for seen, yes in ((pairs.before, before), (pairs.after, after)):
        values = seen.embedding.copy()
        values[:, 0] = np.where(yes, 1.0, -1.0)
        embeddings.append(values)
    return replace(
        pairs,
        before=replace(pairs.before, embedding=embeddings[0]),
        after=replace(pairs.after, embedding=embeddings[1]),
    )


def test_what_was_seen_and_is_no_longer_is_lost():
    before = np.array([0.9, 0.9, 0.4, np.nan, 0.6, 0.5, 0.51])
    after = np.array([0.5, 0.51, 0.1, 0.2, np.nan, 0.1, 0.0])
    np.testing.assert_array_equal(
        trait_lost(before, after), [1, 0, np.nan, np.nan, np.nan, np.nan, 1]
    )


def test_the_skin_tone_correlates_as_numpy_says():
    rng = np.random.default_rng(0)
    a = rng.normal(30, 10, 80)
    b = a + rng.normal(0, 10, 80)
    assert skin_tone_kept(a, b, PERSON)[0] == pytest.approx(np.corrcoef(a, b)[0, 1])


def test_the_context_rank_is_the_mean():
    found = np.tile([1.0, 0.0, 0.0, 0.0], 20)
    assert context_rank(found, PERSON)[0] == 0.25


def test_words_and_numbers_of_yes_are_one_question():
    pairs = made_pairs()
    for values in (("1", "0"), ("1", "-1"), ("Yes", "no"), ("TRUE", "false")):
        asked, _ = questions(labelled(pairs, glasses=alternating(pairs, *values)))
        np.testing.assert_array_equal(asked["glasses"], alternating(pairs, "yes", "no"))


def test_other_columns_ask_for_each_value():
    pairs = made_pairs()
    asked, _ = questions(labelled(pairs, hair=alternating(pairs, "black", "red", "")))
    assert set(asked) == {"hair: black", "hair: red"}
    np.testing.assert_array_equal(asked["hair: red"], alternating(pairs, "no", "yes", ""))


def test_expressions_names_and_rare_values_are_no_traits():
    pairs = made_pairs()
    rare = np.where(first_of(pairs, 11), "1", "0")
    asked, _ = questions(labelled(pairs, name=pairs.person, rare=rare, empty=np.full(160, "")))
    assert asked == {}


def test_traits_on_too_few_pictures_are_inconclusive_and_told():
    pairs = made_pairs()
    rare = np.where(first_of(pairs, 11), "1", "0")
    family = traits.measure(labelled(pairs, hat=rare, hair=alternating(pairs, "black", "red")))
    assert family.verdict == "inconclusive"
    (missing,) = family.missing
    assert missing.what == "hat: too few pictures with a face (no 149, yes 11)"
    assert "label 12 or more" in missing.remedy


def test_a_trait_of_faces_that_are_seldom_found_again_is_inconclusive():
    pairs = made_pairs()
    glasses = alternating(pairs, "1", "0")
    yes = glasses == "1"
    seen = marked(labelled(pairs, glasses=glasses), yes, yes)
    family = traits.measure(replace(seen, after=without_face(seen.after, ~first_of(pairs, 35))))
    assert family.verdict == "inconclusive"
    assert family.missing[0].what == "glasses: seen in 19 originals whose outputs show a face"
    assert "No traits were measured." in family.findings


@pytest.mark.parametrize(("values", "told"), [(20, True), (21, False)])
def test_a_column_of_many_values_is_a_name(values, told):
    pairs = made_pairs(84)
    place = alternating(pairs, *(f"place {i}" for i in range(values)))
    assert bool(questions(labelled(pairs, place=place))[0]) == told
    finding = "Of too many values to be traits: place."
    assert (finding in traits.measure(labelled(pairs, place=place)).findings) != told


def test_a_value_that_enough_originals_carry_is_asked():
    pairs = made_pairs()
    column = np.where(first_of(pairs, 12), "1", "0")
    assert set(questions(labelled(pairs, seldom=column))[0]) == {"seldom"}
    unseen = replace(pairs, before=without_face(pairs.before, first_of(pairs, 1)))
    assert questions(labelled(unseen, seldom=column))[0] == {}


def test_a_trait_that_stays_is_not_lost_and_one_that_goes_is():
    pairs = made_pairs()
    glasses = alternating(pairs, "1", "0")
    yes = glasses == "1"
    for after, lost in ((yes, 0), (~yes, 1), (np.zeros(160, bool), 1)):
        family = traits.measure(marked(labelled(pairs, glasses=glasses), yes, after))
        told = family.figure("glasses")
        assert told.value == lost
        assert told.count == yes.sum()
        assert told.reference["as often without it"] == pytest.approx(1 - after.mean())
        np.testing.assert_array_equal(np.isfinite(family.pictures["lost: glasses"]), yes)


def test_the_traits_that_go_least_often_come_first():
    pairs = made_pairs()
    glasses, beard = alternating(pairs, "1", "0"), alternating(pairs, "1", "1", "0", "0")
    pairs = marked(labelled(pairs, beard=beard, glasses=glasses), glasses == "1", glasses == "1")
    number = pairs.before.embedding.copy(), pairs.after.embedding.copy()
    number[0][:, 1] = np.where(beard == "1", 1.0, -1.0)
    number[1][:, 1] = -1.0
    pairs = replace(
        pairs,
        before=replace(pairs.before, embedding=number[0]),
        after=replace(pairs.after, embedding=number[1]),
    )
    family = traits.measure(pairs)
    assert "least often: glasses 0%, beard 100%" in family.findings[0]
    assert [f.title for f in family.figures[:2]] == ["glasses", "beard"]


def test_without_labels_it_says_so():
    family = traits.measure(made_pairs())
    assert family.findings[0] == "No traits are labelled; give --labels."
    assert family.verdict == "info"


def test_a_skin_tone_that_is_passed_on_is_told():
    pairs = made_pairs()
    passed = replace(pairs, after=replace(pairs.after, skin_tone_deg=pairs.before.skin_tone_deg))
    family = traits.measure(passed)
    assert family.figure("skin tone passed on").value == pytest.approx(1)
    assert family.findings[1] == "Skin tone is passed on with r = 1.00."
    assert abs(traits.measure(pairs).figure("skin tone passed on").value) < 0.3


def test_a_skin_tone_that_all_outputs_share_is_not_told_as_a_number():
    pairs = made_pairs()
    grey = replace(pairs.after, skin_tone_deg=np.full(160, 30.0))
    family = traits.measure(replace(pairs, after=grey))
    assert np.isnan(family.figure("skin tone passed on").value)
    assert "nan" not in " ".join(family.findings)


def test_few_skin_tones_tell_nothing():
    pairs = made_pairs()
    grey = replace(pairs.after, skin_tone_deg=np.where(first_of(pairs, 19), 30.0, np.nan))
    assert traits.measure(replace(pairs, after=grey)).figures == ()


def with_context(pairs, context):
    return replace(pairs, scene=True, before=replace(pairs.before, context=context))


def test_surroundings_that_tell_the_person_are_told():
    pairs = made_pairs()
    title = "rank 1 of 40 by what is around the face"
    told = traits.measure(with_context(pairs, pairs.before.embedding)).figure(title)
    assert told.value > 0.95
    assert told.reference == {"chance": 1 / 40}
    noise = np.random.default_rng(0).normal(size=(160, NUMBERS))
    chance = traits.measure(with_context(pairs, noise)).figure(title)
    assert chance.low < 1 / 40 < chance.high


def test_portraits_show_no_surroundings():
    pairs = made_pairs()
    assert {f.metric for f in traits.measure(pairs).figures} == {"skin_tone_kept"}


def test_surroundings_of_few_people_tell_nothing():
    pairs = made_pairs(19)
    found = traits.measure(with_context(pairs, pairs.before.embedding)).figures
    assert {f.metric for f in found} == {"skin_tone_kept"}
