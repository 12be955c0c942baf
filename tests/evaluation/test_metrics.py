"""Every number that is reported is defined where a reader finds it."""

import importlib
import inspect
import pkgutil
import re
from dataclasses import replace

import numpy as np
import pytest

from ganonymization import evaluation
from ganonymization.evaluation import coverage, expression, geometry, identity, quality, traits
from ganonymization.evaluation.marked import Compared
from ganonymization.evaluation.page import definition

from .made_pairs import made_pairs, with_gender

MODULES = (identity, expression, traits, geometry, quality, coverage)
METRICS = sorted({m for module in MODULES for m in module.METRICS}, key=lambda m: m.__name__)
# A direction, or what either end means.
BETTER = r"(higher|lower) is better|is best|must be [01]|near [01] .*near [01] "


def measured():
    """Every family, of a scene where all that can be measured is there."""
    pairs = with_gender(made_pairs(), scene=True)
    pairs = replace(pairs, unchanged=np.zeros(160), surroundings=np.ones(160))
    return [
        identity.measure(pairs, 0.2, {"other": np.ones(160)}),
        expression.measure(pairs),
        traits.measure(pairs),
        geometry.measure(pairs, lambda landmarks_px: landmarks_px),
        quality.measure(pairs),
        coverage.measure(pairs, everything_covered()),
    ]


def everything_covered():
    """Marked faces of which some are left, and a cover that lies elsewhere."""
    names = np.array(["a", "a", "b", "b"])
    boxes = np.array([[0, 0, side, side] for side in (20, 30, 30, 100)], float)
    covered = np.array([0.0, 1, 1, 1])
    return Compared(np.array(["a", "b"]), names, boxes, covered, names[:1], boxes[:1], 0)


@pytest.fixture(scope="module")
def families():
    return measured()


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.__name__)
def test_a_metric_tells_its_range_its_source_and_which_way_is_better(metric):
    told = definition(metric)
    assert "Range" in told
    assert "Source: " in told
    assert re.search(BETTER, told)


def test_the_families_have_their_names(families):
    names = ["identity", "expression", "traits", "geometry", "quality", "coverage"]
    assert [family.name for family in families] == names


def test_every_figure_names_a_metric_of_its_family(families):
    for family, module in zip(families, MODULES, strict=True):
        assert family.metrics == module.METRICS
        names = {metric.__name__ for metric in family.metrics}
        assert {figure.metric for figure in family.figures} <= names
        assert len(family.figures) > 2


def test_every_metric_is_measured(families):
    """F1 and kappa stand in the table of the classes."""
    for family in families:
        told = {figure.metric for figure in family.figures}
        missing = {metric.__name__ for metric in family.metrics} - told
        assert missing == ({"f1", "kappa"} if family.name == "expression" else set())


def test_no_two_figures_of_a_group_have_one_title(families):
    for family in families:
        titles = [(figure.title, figure.group) for figure in family.figures]
        assert len(titles) == len(set(titles))


def test_pictures_have_a_number_each_and_intervals_hold_their_value(families):
    for family in families:
        assert {len(values) for values in family.pictures.values()} <= {160}
        for figure in family.figures:
            assert figure.count > 0
            assert not figure.low > figure.value
            assert not figure.high < figure.value


def test_a_second_time_gives_the_same_numbers(families):
    for first, second in zip(families, measured(), strict=True):
        assert repr(first.figures) == repr(second.figures)


def explained(values):
    """What is told.

    Range: 0
    to 1.

    Args:
        values: Not for readers.

    Returns:
        Nor this.
    """


def returning():
    """What is told.

    Returns:
        Not this.
    """


def test_definitions_end_before_the_arguments():
    assert definition(explained) == "What is told.  Range: 0 to 1."
    assert definition(returning) == "What is told."
    assert definition(lambda: None) == ""


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.__name__)
def test_no_argument_gets_into_a_definition(metric):
    assert not re.search(r"Args:|Returns:|Raises:|\n", definition(metric))


def there_is(name, module):
    """Whether a docstring in a module may name this."""
    if hasattr(module, name):
        return True
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@pytest.mark.parametrize("name", [each.name for each in pkgutil.iter_modules(evaluation.__path__)])
def test_docstrings_name_what_there_is(name):
    module = importlib.import_module(f"{evaluation.__name__}.{name}")
    named = re.findall(r":(?:func|class|mod|meth):`([\w.]+)`", inspect.getsource(module))
    assert [other for other in named if not there_is(other, module)] == []


def test_what_there_is_not_is_noticed():
    assert there_is("ganonymization.evaluation.look.unchanged_shares", coverage)
    assert there_is("ganonymization.evaluation.observations", coverage)
    assert there_is("PairedObservations", coverage)
    assert not there_is("Side", coverage)
    assert not there_is("ganonymization.evaluation.look.unchanged_share", coverage)
    assert not there_is("ganonymization.evaluation.nowhere", coverage)
    assert not there_is("nobody.nowhere", coverage)
