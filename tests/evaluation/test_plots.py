import re

import numpy as np
import pytest

from ganonymization.evaluation import plots
from ganonymization.evaluation.figures import Family, Figure
from ganonymization.evaluation.identity import FLOOR


def traits_of(*titles):
    figures = [
        Figure("trait_lost", title, 0.5 - i / 10, 0.2, 0.8, 20, "all",
               {"as often without it": 0.5})
        for i, title in enumerate(titles)
    ]  # fmt: skip
    return Family("traits", "info", ("x",), tuple(figures), ())


def attacks_of(**values):
    figures = [
        Figure("share_ranked", f"rank {rank} of 20, {name}", value, 0.0, 1.0, 20, group,
               {"chance": 0.05})
        for name, value in values.items() for rank, group in ((1, "all"), (5, "all"), (1, "age: 9"))
    ]  # fmt: skip
    return Family("identity", "pass", ("x",), tuple(figures), ())


def texts(svg):
    return re.findall(r"<text [^>]*>([^<]*)</text>", svg)


def names(svg, known):
    return [text for text in texts(svg) if text in known]


@pytest.mark.parametrize("title", ["price: $5_$", "$^$", "a$\\b$", "性别: 女", "שיער", "👓"])
def test_labels_of_any_kind_are_drawn_as_they_are(title):
    assert title in texts(plots.traits(traits_of(title)))


def test_what_the_user_gave_is_no_markup():
    svg = plots.traits(traits_of("<b>&"))
    assert "&lt;b&gt;&amp;" in texts(svg)
    assert "<b>" not in svg


def test_traits_are_sorted_by_how_often_they_go():
    titles = ["beard", "glasses", "hat"]
    assert names(plots.traits(traits_of(*titles)), titles) == titles[::-1]


def test_attacks_are_sorted_by_how_many_they_find_and_told_once():
    svg = plots.attacks(attacks_of(**{"naive": 0.3, FLOOR: 0.9, "parrot": 0.1}))
    assert names(svg, ("naive", "parrot", FLOOR)) == ["parrot", "naive", FLOOR]


def test_classes_of_any_name_are_drawn():
    row = {"kappa": 0.5, "F1 learnt from outputs": float("nan"), "mean |change of p|": 0.1}
    rows = [{"expression": name, **row} for name in ("$joy", "驚き")]
    svg = plots.classes(Family("expression", "pass", ("x",), (), (), {}, {"classes": rows}))
    assert names(svg, ("$joy", "驚き")) == ["$joy", "驚き"]


def test_distances_are_drawn_beside_the_threshold():
    called = Figure("called_same_person", "called the same person", 0.1, reference={
        "threshold": 0.6})  # fmt: skip
    gaps = np.append(np.linspace(0.5, 1, 30), np.nan)
    svg = plots.distances(Family("identity", "pass", ("x",), (called,), (), {"distance": gaps}))
    assert "pictures" in texts(svg)


@pytest.mark.parametrize("draw", [plots.attacks, plots.classes, plots.traits, plots.distances])
def test_where_nothing_was_measured_nothing_is_drawn(draw):
    nothing = {"distance": np.full(3, np.nan)}
    assert draw(Family("identity", "pass", ("x",), (), (), nothing)) is None
    assert draw(Family("identity", "pass", ("x",), (), ())) is None


def test_the_same_figures_give_the_same_picture_but_for_its_ids():
    first, second = (plots.traits(traits_of("hat")) for _ in range(2))
    assert texts(first) == texts(second)
