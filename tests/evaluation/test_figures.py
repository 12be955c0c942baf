import numpy as np
import pytest

from ganonymization.evaluation.figures import (
    Family,
    Figure,
    Missing,
    graded,
    mean_figures,
    members,
    not_asked,
    worst,
)
from ganonymization.evaluation.statistics import interval_over_people

PERSON = np.repeat([f"p{i:02d}" for i in range(20)], 2)
GENDER = np.array(["female"] * 25 + ["male"] * 9 + [""] * 6)


def some_metric():
    """Stands for a function that defines values."""


def test_the_worst_verdict_counts():
    assert worst(["pass", "fail", "warn"]) == "fail"
    assert worst(["info", "warn", "pass"]) == "warn"
    assert worst(["info", "pass"]) == "pass"
    assert worst([]) == "info"


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.0, "pass"), (0.1, "pass"), (0.11, "warn"), (0.25, "warn"), (0.26, "fail")],
)
def test_low_figures_pass_where_lower_is_better(value, verdict):
    assert graded(value, 0.1, 0.25) == verdict


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(1.0, "pass"), (0.8, "pass"), (0.79, "warn"), (0.6, "warn"), (0.59, "fail")],
)
def test_high_figures_pass_where_higher_is_better(value, verdict):
    assert graded(value, 0.8, 0.6) == verdict


def test_what_could_not_be_measured_is_inconclusive():
    assert graded(float("nan"), 0.1, 0.25) == "inconclusive"
    assert graded(float("nan"), 0.8, 0.6) == "inconclusive"


def test_what_is_missing_hides_no_failure_and_lets_nothing_pass():
    missing = (Missing("all", "give it"),)
    assert [worst([v], missing) for v in ("pass", "warn", "fail", "info")] == [
        "inconclusive", "inconclusive", "fail", "inconclusive",
    ]  # fmt: skip
    assert worst([], missing) == "inconclusive"


def test_a_verdict_lacks_the_families_that_were_not_asked():
    asked = [Family(name, "pass", (), (), ()) for name in ("quality", "traits", "coverage")]
    assert list(not_asked(asked)) == ["identity", "expression", "geometry"]


def test_groups_are_named_by_kind_and_value():
    age = np.repeat(["old", "young"], 20)
    told = members({"gender": GENDER, "age": age})
    assert list(told) == ["gender: female", "gender: male", "age: old", "age: young"]
    assert (told["gender: male"] == (GENDER == "male")).all()


def test_means_are_told_of_everybody_and_of_each_group():
    values = np.random.default_rng(0).normal(size=40)
    values[[0, 30]] = np.nan
    groups = {"gender": GENDER}
    figures = mean_figures(some_metric, "gaps", values, PERSON, groups, {"chance": 0.5}, least=8)
    everybody, women, men = figures
    assert (everybody.group, everybody.count) == ("all", 38)
    assert (women.group, women.count) == ("gender: female", 24)
    assert (men.group, men.count) == ("gender: male", 8)
    assert women.value == pytest.approx(np.nanmean(values[:25]))
    there = np.isfinite(values)
    expected = interval_over_people(values[there], PERSON[there])
    assert (everybody.value, everybody.low, everybody.high) == expected
    for figure in figures:
        assert figure.metric == "some_metric"
        assert figure.title == "gaps"
        assert figure.reference == {"chance": 0.5}


def test_small_groups_are_not_told():
    figures = mean_figures(some_metric, "gaps", np.ones(40), PERSON, {"gender": GENDER})
    assert [f.group for f in figures] == ["all", "gender: female"]


def test_everybody_is_told_even_of_nothing():
    (figure,) = mean_figures(some_metric, "gaps", np.full(40, np.nan), PERSON, {"gender": GENDER})
    assert np.isnan([figure.value, figure.low, figure.high]).all()
    assert figure.count == 0


def test_a_figure_is_found_by_title_and_group():
    figures = tuple(
        Figure("m", title, value, group=group)
        for title, group, value in [("a", "all", 1), ("b", "all", 2), ("b", "age: old", 3)]
    )
    family = Family("identity", "info", (), figures, ())
    assert family.figure("b").value == 2
    assert family.figure("b", "age: old").value == 3
