from dataclasses import replace

import numpy as np
import pytest

from ganonymization.evaluation import quality
from ganonymization.evaluation.quality import face_found, frechet, sharpness_ratio, variety

from .made_pairs import first_of, made_pairs, with_gender, without_face, without_output

RNG = np.random.default_rng(0)


def seen_as(pairs, **changes):
    return replace(pairs, after=replace(pairs.after, **changes))


def test_a_face_is_looked_for_where_there_is_an_output():
    found = face_found(np.array([True, False, False]), np.array([2, 1, 0]))
    np.testing.assert_array_equal(found, [1, 0, np.nan])


def test_sharpness_is_told_as_a_ratio():
    before, after = np.array([10.0, 4.0, np.nan]), np.array([5.0, 8.0, 1.0])
    np.testing.assert_allclose(sharpness_ratio(before, after), [0.5, 2, np.nan])


def test_equal_sets_are_equally_varied_and_a_constant_face_is_not():
    people = RNG.normal(size=(60, 8))
    assert variety(people, people) == 1
    assert variety(people, people[::-1] + 3) == pytest.approx(1)
    assert variety(people, np.repeat(people[:1], 60, 0)) == pytest.approx(0, abs=1e-6)


def test_half_the_distances_are_half_the_variety():
    people = RNG.normal(size=(60, 8))
    assert variety(people, people / 2) == pytest.approx(0.5)


def test_variety_is_the_mean_distance_of_pairs():
    from scipy.spatial.distance import pdist

    a, b = RNG.normal(size=(30, 5)), RNG.uniform(size=(40, 5))
    assert variety(a, b) == pytest.approx(pdist(b).mean() / pdist(a).mean())


def test_the_frechet_distance_of_shifted_sets_is_the_shift_squared():
    people = RNG.normal(size=(200, 4))
    assert frechet(people, people) == pytest.approx(0, abs=1e-9)
    assert frechet(people, people + np.array([3, 0, 4, 0])) == pytest.approx(25)


def test_the_frechet_distance_of_a_wider_set_is_that_of_deviations():
    """Of one set and its double: the sum of (2 s - s)^2, which is the sum of variances."""
    people = RNG.normal(size=(200, 4))
    middle = people.mean(0)
    expected = people.var(0, ddof=1).sum()
    assert frechet(people, middle + 2 * (people - middle)) == pytest.approx(expected)


def test_good_pictures_pass():
    family = quality.measure(with_gender(made_pairs()))
    assert family.verdict == "pass"
    assert family.figure("face found in the output").value == 1
    assert family.figure("sharpness by the original's").value == 1
    assert family.figure("variety of faces").value == pytest.approx(1, abs=0.1)
    assert family.figure("sharpness by the original's", "gender: male").count == 80
    assert family.findings[0] == "A face is found in 100.0% of the outputs."


@pytest.mark.parametrize(
    ("lost", "verdict"), [(8, "pass"), (9, "warn"), (32, "warn"), (33, "fail")]
)
def test_outputs_without_a_face_are_bad(lost, verdict):
    pairs = made_pairs()
    family = quality.measure(replace(pairs, after=without_face(pairs.after, first_of(pairs, lost))))
    assert family.verdict == verdict
    assert family.figure("face found in the output").value == 1 - lost / 160


@pytest.mark.parametrize(("spread", "verdict"), [(0.7, "pass"), (0.5, "warn"), (0.1, "fail")])
def test_outputs_that_look_alike_are_bad(spread, verdict):
    pairs = made_pairs()
    family = quality.measure(seen_as(pairs, embedding=spread * pairs.before.embedding))
    assert family.figure("variety of faces").value == pytest.approx(spread)
    assert family.verdict == verdict


@pytest.mark.parametrize(("left", "told"), [(19, False), (20, True)])
def test_the_variety_of_few_faces_is_not_told(left, told):
    pairs = made_pairs()
    gone = ~first_of(pairs, left)
    family = quality.measure(without_output(pairs, gone))
    assert ("variety of faces" in {f.title for f in family.figures}) == told
    assert family.figure("face found in the output").count == left
    if told:
        assert family.figure("Fréchet distance to the originals").count == left


def test_each_picture_has_its_sharpness():
    pairs = made_pairs()
    told = quality.measure(seen_as(pairs, sharpness=np.arange(160.0))).pictures
    np.testing.assert_allclose(told["sharpness ratio"], np.arange(160) / 10)
    assert (told["found again"] == 1).all()


def test_without_outputs_it_says_so():
    pairs = made_pairs()
    family = quality.measure(without_output(pairs, np.ones(160, bool)))
    assert family.findings == ("There are no outputs.",)
    assert family.verdict == "inconclusive"
    assert "variety" in family.missing[0].what
