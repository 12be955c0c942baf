"""What an evaluation says: figures with their intervals, and a verdict on each family of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from ..types import Reals
from .arrays import Flags, Texts, Values
from .statistics import interval_over_people

Verdict = Literal["pass", "warn", "inconclusive", "fail", "info"]
FamilyName = Literal["identity", "expression", "traits", "geometry", "quality", "coverage"]

JUDGED: tuple[FamilyName, ...] = ("identity", "expression", "geometry", "quality", "coverage")
_WORSE: tuple[Verdict, ...] = ("info", "pass", "warn", "inconclusive", "fail")
EVERYBODY = "all"


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes:
        metric: Name of the function whose docstring defines it.
        title: What it is of, in words.
        value: NaN where it could not be measured.
        low: Lower end of its 95 % interval, or NaN.
        high: Upper end, or NaN.
        count: Pictures or people that it was measured on.
        group: ``"all"``, or such as ``"gender: female"``.
        reference: What to hold it against, by name, such as chance.
    """

    metric: str
    title: str
    value: float
    low: float = float("nan")
    high: float = float("nan")
    count: int = 0
    group: str = EVERYBODY
    reference: Mapping[str, float] = field(default_factory=dict)


class Missing(NamedTuple):
    """Something that was not measured, and how to supply what it needs."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Family:
    """One family of figures and what they come to.

    Attributes:
        name: Of the family.
        verdict: ``"info"`` where there is nothing to pass.
        findings: What a reader must know, the most important first.
        figures: All figures.
        metrics: The functions that define them.
        pictures: What was measured on each picture, (N,) each, NaN where it was not.
        tables: Further tables, rows of equal keys.
        missing: What was not measured; a family with any of it does not pass.
        attackers: How many people each attacker looked for, by its name.
    """

    name: FamilyName
    verdict: Verdict
    findings: tuple[str, ...]
    figures: tuple[Figure, ...]
    metrics: tuple[Callable[..., Any], ...]
    pictures: Mapping[str, Values] = field(default_factory=dict)
    tables: Mapping[str, list[dict[str, object]]] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    attackers: Mapping[str, int] = field(default_factory=dict)

    def figure(self, title: str, group: str = EVERYBODY) -> Figure:
        """The figure of this title and group."""
        return next(f for f in self.figures if f.title == title and f.group == group)


def worst(verdicts: Iterable[Verdict], missing: Sequence[Missing] = ()) -> Verdict:
    """The worst verdict, inconclusive at best where something is missing; of none ``"info"``."""
    unknown: list[Verdict] = ["inconclusive"] if missing else []
    return max([*verdicts, *unknown], key=_WORSE.index, default="info")


def not_asked(families: Iterable[Family]) -> dict[FamilyName, Missing]:
    """The families that a verdict on everything lacks."""
    there = {family.name for family in families}
    remedy = "run without --only, or name it there too"
    return {name: Missing("not asked for", remedy) for name in JUDGED if name not in there}


def graded(value: float, passes: float, warns: float) -> Verdict:
    """Grade a figure: ``passes`` and better pass, ``warns`` and better warn, the rest fails.

    Args:
        value: NaN is inconclusive, for what could not be measured proves nothing.
        passes: The better limit.
        warns: The worse one; above ``passes`` where lower is better, else below.
    """
    if np.isnan(value):
        return "inconclusive"
    better = np.less_equal if warns > passes else np.greater_equal
    if better(value, passes):
        return "pass"
    return "warn" if better(value, warns) else "fail"


def mean_figures(
    metric: Callable[..., Any],
    title: str,
    values: Reals,
    person: Texts,
    groups: Mapping[str, Texts],
    reference: Mapping[str, float] | None = None,
    *,
    least: int = 10,
) -> list[Figure]:
    """The mean of (N,) values over everybody and over each group, with intervals over people.

    Args:
        metric: Defines the values.
        title: Of the figures.
        values: NaN where there is none.
        person: (N,).
        groups: By kind, such as ``"gender"``, (N,); ``""`` is none.
        reference: See :class:`Figure`.
        least: Pictures that a group must have.
    """
    figures = []
    for group, chosen in {EVERYBODY: np.ones(len(values), bool), **members(groups)}.items():
        there = chosen & np.isfinite(values)
        if group != EVERYBODY and there.sum() < least:
            continue
        found = interval_over_people(values[there], person[there])
        figures.append(
            Figure(metric.__name__, title, *found, int(there.sum()), group, reference or {})
        )
    return figures


def members(groups: Mapping[str, Texts]) -> dict[str, Flags]:
    """Who is in each group, by names such as ``"gender: female"``."""
    return {
        f"{kind}: {value}": values == value
        for kind, values in groups.items()
        for value in np.unique(values)
        if value
    }
