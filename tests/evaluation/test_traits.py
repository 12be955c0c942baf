from dataclasses import replace

import numpy as np
import pytest

from ganonymization.evaluation import traits
from ganonymization.evaluation.traits import context_rank, questions, skin_tone_kept, trait_lost

from .made_sides import NUMBERS, first_of, made_sides, without_face

PERSON = np.repeat([f"p{i}" for i in range(20)], 4)


def labelled(sides, **columns):
    return replace(sides, labels={**sides.labels, **columns})


def alternating(sides, *values):
    """A value for each person, in turns."""
    number = np.unique(sides.person, return_inverse=True)[1]
    return np.array(values)[number % len(values)]


def marked(sides, before, after):
    """The same where the recogniser's first number tells yes from no."""
    embeddings = []
    for seen, yes in ((sides.before, before), (sides.after, after)):
        values = seen.embedding.copy()
        values[:, 0] = np.where(yes, 1.0, -1.0)
        embeddings.append(values)
    return replace(
        sides,
        before=replace(sides.before, embedding=embeddings[0]),
        after=replace(sides.after, embedding=embeddings[1]),
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
    sides = made_sides()
    for values in (("1", "0"), ("1", "-1"), ("Yes", "no"), ("TRUE", "false")):
        asked = questions(labelled(sides, glasses=alternating(sides, *values)))
        np.testing.assert_array_equal(asked["glasses"], alternating(sides, "yes", "no"))


def test_other_columns_ask_for_each_value():
    sides = made_sides()
    asked = questions(labelled(sides, hair=alternating(sides, "black", "red", "")))
    assert set(asked) == {"hair: black", "hair: red"}
    np.testing.assert_array_equal(asked["hair: red"], alternating(sides, "no", "yes", ""))


def test_expressions_names_and_rare_values_are_no_traits():
    sides = made_sides()
    rare = np.where(first_of(sides, 11), "1", "0")
    asked = questions(labelled(sides, name=sides.person, rare=rare, empty=np.full(160, "")))
    assert asked == {}


@pytest.mark.parametrize(("values", "told"), [(20, True), (21, False)])
def test_a_column_of_many_values_is_a_name(values, told):
    sides = made_sides(84)
    place = alternating(sides, *(f"place {i}" for i in range(values)))
    assert bool(questions(labelled(sides, place=place))) == told


def test_a_value_that_enough_originals_carry_is_asked():
    sides = made_sides()
    column = np.where(first_of(sides, 12), "1", "0")
    assert set(questions(labelled(sides, seldom=column))) == {"seldom"}
    unseen = replace(sides, before=without_face(sides.before, first_of(sides, 1)))
    assert questions(labelled(unseen, seldom=column)) == {}


def test_a_trait_that_stays_is_not_lost_and_one_that_goes_is():
    sides = made_sides()
    glasses = alternating(sides, "1", "0")
    yes = glasses == "1"
    for after, lost in ((yes, 0), (~yes, 1), (np.zeros(160, bool), 1)):
        family = traits.measure(marked(labelled(sides, glasses=glasses), yes, after))
        told = family.figure("glasses")
        assert told.value == lost
        assert told.count == yes.sum()
        assert told.reference["as often without it"] == pytest.approx(1 - after.mean())
        np.testing.assert_array_equal(np.isfinite(family.pictures["lost: glasses"]), yes)


def test_the_traits_that_go_least_often_come_first():
    sides = made_sides()
    glasses, beard = alternating(sides, "1", "0"), alternating(sides, "1", "1", "0", "0")
    sides = marked(labelled(sides, beard=beard, glasses=glasses), glasses == "1", glasses == "1")
    number = sides.before.embedding.copy(), sides.after.embedding.copy()
    number[0][:, 1] = np.where(beard == "1", 1.0, -1.0)
    number[1][:, 1] = -1.0
    sides = replace(
        sides,
        before=replace(sides.before, embedding=number[0]),
        after=replace(sides.after, embedding=number[1]),
    )
    family = traits.measure(sides)
    assert "least often: glasses 0%, beard 100%" in family.findings[0]
    assert [f.title for f in family.figures[:2]] == ["glasses", "beard"]


def test_without_labels_it_says_so():
    family = traits.measure(made_sides())
    assert family.findings[0] == "No traits are labelled; give --labels."
    assert family.verdict == "info"


def test_a_skin_tone_that_is_passed_on_is_told():
    sides = made_sides()
    passed = replace(sides, after=replace(sides.after, skin_tone_deg=sides.before.skin_tone_deg))
    family = traits.measure(passed)
    assert family.figure("skin tone passed on").value == pytest.approx(1)
    assert family.findings[1] == "Skin tone is passed on with r = 1.00."
    assert abs(traits.measure(sides).figure("skin tone passed on").value) < 0.3


def test_a_skin_tone_that_all_outputs_share_is_not_told_as_a_number():
    sides = made_sides()
    grey = replace(sides.after, skin_tone_deg=np.full(160, 30.0))
    family = traits.measure(replace(sides, after=grey))
    assert np.isnan(family.figure("skin tone passed on").value)
    assert "nan" not in " ".join(family.findings)


def test_few_skin_tones_tell_nothing():
    sides = made_sides()
    grey = replace(sides.after, skin_tone_deg=np.where(first_of(sides, 19), 30.0, np.nan))
    assert traits.measure(replace(sides, after=grey)).figures == ()


def with_context(sides, context):
    return replace(sides, scene=True, before=replace(sides.before, context=context))


def test_surroundings_that_tell_the_person_are_told():
    sides = made_sides()
    title = "rank 1 of 40 by what is around the face"
    told = traits.measure(with_context(sides, sides.before.embedding)).figure(title)
    assert told.value > 0.95
    assert told.reference == {"chance": 1 / 40}
    noise = np.random.default_rng(0).normal(size=(160, NUMBERS))
    chance = traits.measure(with_context(sides, noise)).figure(title)
    assert chance.low < 1 / 40 < chance.high


def test_portraits_show_no_surroundings():
    sides = made_sides()
    assert {f.metric for f in traits.measure(sides).figures} == {"skin_tone_kept"}


def test_surroundings_of_few_people_tell_nothing():
    sides = made_sides(19)
    found = traits.measure(with_context(sides, sides.before.embedding)).figures
    assert {f.metric for f in found} == {"skin_tone_kept"}
