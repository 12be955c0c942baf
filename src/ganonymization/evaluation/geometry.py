"""What landmarks reveal: who somebody is, and what is left of the expression."""

from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec

import numpy as np

from ..datasets.people import People
from ..errors import MissingExtraError
from ..geometry import topology
from ..surrogate.shape_model import Posed
from ..types import Reals
from . import attackers, classifiers, ranking
from .arrays import NOT_MEASURED, Flags, Interval, Rows, Texts, Values
from .attackers import AttackerName
from .figures import Family, Figure, Missing, graded, worst
from .identity import recognisable, still_recognised
from .observations import PairedObservations
from .statistics import correlation_interval, interval_over_people, mean_of_parts

AS_THEY_ARE, AGAIN, RELEASED = "as they are", "found again", "released"
_LIMITS = 0.3, 0.6
_KINDS: tuple[AttackerName, ...] = ("lda", "mlp")
_UNKNOWN = Missing(
    "attackers know nobody by the originals' landmarks, so they prove little here",
    "give --people with more people, or more pictures of each",
)
REGIONS: Mapping[str, tuple[int, ...]] = {
    "face": tuple(range(topology.SURFACE_COUNT)),
    **topology.EXPRESSIVE,
}


def aligned(landmarks: Reals) -> Values:
    """Faces laid over each other, scale, rotation and place removed: (N, 478, 3) -> (N, 1434)."""
    frontal = Posed.of(landmarks).frontal
    return frontal.reshape(len(frontal), -1)


def require_attackers() -> None:
    """Ask for the library that the attackers are made of, before any work is done.

    Raises:
        MissingExtraError: The extra ``eval`` is not installed.
    """
    if find_spec("sklearn") is None:
        raise MissingExtraError("evaluating", "eval")


def rank1(
    released: Values, people: People, learnt: Flags, tested: Flags, attacker: AttackerName = "lda"
) -> Interval:
    """How often an attacker ranks the right person first, with its 95 % interval over people.

    A neutral picture is looked for by another expression of the same person, or any other picture
    where there is none, in random galleries of 100 people (or as many as there are).

    Args:
        released: (N, 1434) of all pictures.
        people: Who is on them.
        learnt: (N,) the pictures that the attacker learns from.
        tested: (N,) the pictures of the people who are looked for.
        attacker: See ``attackers.learnt_features``.

    Raises:
        InputError: Too few people have two pictures.
    """
    features = attackers.learnt_features(released, people.person, learnt, attacker)
    found = [
        ranking.ranks_of(features, features, *rows)
        for rows in ranking.choices(people.person, people.expression, tested)
    ]
    rows = np.concatenate([rows for rows, *_ in found])
    first = np.concatenate([probabilities[:, 0] for _, probabilities, _ in found])
    return interval_over_people(first, people.person[rows])


def expression_kept(
    before: Values, after: Values, person: Texts, expression: Texts, chosen: Flags
) -> dict[str, Interval]:
    """Correlation of the difference between two pictures of one person, before and after.

    By region, over x and y of all its landmarks (N, 1434) in the canonical frame, of every chosen
    picture that is not neutral against the person's neutral ones; empty without such pairs.
    Range: -1 to 1, higher is better. Source: this project.
    """
    first, second = _expressions(person, expression, chosen)
    kept = {}
    for region, places in REGIONS.items() if len(first) else ():
        columns = [3 * place + axis for place in places for axis in (0, 1)]
        a, b = (x[second][:, columns] - x[first][:, columns] for x in (before, after))
        kept[region] = correlation_interval(a, b, person[first])
    return kept


def classified(
    released: Values, person: Texts, expression: Texts, learnt: Flags, tested: Flags
) -> Interval:
    """Balanced accuracy of an expression classifier that learns from released landmarks, (N, 1434).

    Linear discriminants; expressions of which either side has too few pictures do not count, and
    with fewer than two others all is NaN. Range: 0 to 1, higher is better; chance is one in the
    number of expressions. Source: Brodersen et al., "The balanced accuracy and its posterior
    distribution", ICPR 2010.
    """
    known = sorted(
        set(classifiers.classes_of(expression, learnt))
        & set(classifiers.classes_of(expression, tested))
    )
    if len(known) < 2:
        return NOT_MEASURED
    labelled = np.isin(expression, known)
    components = attackers.principal_components(released, learnt & labelled)
    model = classifiers.discriminants(len(known))
    model.fit(components[learnt & labelled], expression[learnt & labelled])
    where = tested & labelled
    right = (model.predict(components[where]) == expression[where]).astype(np.float64)
    return classifiers.balanced_accuracy(right, expression[where], person[where])


def _expressions(person: Texts, expression: Texts, chosen: Flags) -> tuple[Rows, Rows]:
    """Each person's neutral pictures against each that is labelled otherwise."""
    first, second = [], []
    for name in np.unique(person[chosen]):
        members = np.flatnonzero(chosen & (person == name))
        labels = expression[members]
        for other in members[(labels != attackers.NEUTRAL) & (labels != "")]:
            for neutral in members[labels == attackers.NEUTRAL][:2]:
                first.append(neutral)
                second.append(other)
    return np.array(first, np.int64), np.array(second, np.int64)


METRICS = (ranking.share_ranked, recognisable, expression_kept, classified)


def measure(
    pairs: PairedObservations, released: Callable[[Values], Values] | None = None
) -> Family:
    """Attack landmarks as they are, as they are released, and as they are found again.

    Args:
        pairs: What was seen.
        released: From landmarks in pixels (M, 478, 3) to those that the generator gets, all of one
            nobody, for different ones would hide people from the attackers; None if unknown.
    """
    found = pairs.before.found
    shapes = {AS_THEY_ARE: _whole(pairs.before.landmarks_px, found)}
    if released is not None:
        surrogate_px = np.full_like(pairs.before.landmarks_px, np.nan)
        surrogate_px[found] = released(pairs.before.landmarks_px[found])
        shapes[RELEASED] = _whole(surrogate_px, found)
    shapes[AGAIN] = _whole(pairs.after.landmarks_px, found & pairs.after.found)
    attacked = _attacked(pairs, shapes, found)
    figures = [
        figure for name, parts in attacked.items()
        for figure in ranking.ranked_figures(name, parts, pairs.person, {})
    ]  # fmt: skip
    kept = _expression(pairs, shapes)
    if not attacked:
        return Family("geometry", "inconclusive", ("Nobody was looked for by landmarks.",),
                      tuple(kept), METRICS, missing=(attackers.UNTRAINED,))  # fmt: skip
    left, finding = _judged(figures, shapes)
    missing = (_UNKNOWN,) if np.isnan(left.value) else ()
    verdict = worst([graded(left.value, *_LIMITS)], missing)
    released_ones = {n: found for n, found in attacked.items() if not n.endswith(AS_THEY_ARE)}
    looked_for = ranking.people_attacked(released_ones, pairs.person)
    return Family("geometry", verdict, (finding,), (left, *figures, *kept), METRICS,
                  missing=missing, attackers=looked_for)  # fmt: skip


def _whole(landmarks_px: Values, found: Flags) -> Values:
    """(N, 1434) in the canonical frame, NaN where there is no face."""
    values = np.full((len(found), topology.LANDMARK_COUNT * 3), np.nan)
    if found.any():
        values[found] = aligned(landmarks_px[found])
    return values


def _attacked(
    pairs: PairedObservations, shapes: Mapping[str, Values], found: Flags
) -> dict[str, list[ranking.Found]]:
    def spaces(learnt: Flags) -> ranking.Spaces:
        if not attackers.can_learn(pairs.person, learnt):
            return {}
        learnt_by: dict[str, tuple[Values, Values]] = {}
        for name, values in shapes.items():
            for kind in _KINDS:
                features = attackers.learnt_features(values, pairs.person, learnt, kind)
                learnt_by[f"{kind}, {name}"] = (features, features)
        return learnt_by

    return ranking.cross_attack(pairs.person, pairs.expression, found, spaces)


def _expression(pairs: PairedObservations, shapes: Mapping[str, Values]) -> list[Figure]:
    """What is left of differences, and how well expressions are classified."""
    figures: list[Figure] = []
    part = attackers.folds(pairs.person)
    for name, values in shapes.items():
        found: Flags = np.asarray(np.isfinite(values).all(1))
        seen = int(found.sum())
        if name != AS_THEY_ARE:
            kept = expression_kept(shapes[AS_THEY_ARE], values, pairs.person, pairs.expression,
                                   found)  # fmt: skip
            figures += [
                Figure("expression_kept", f"expression kept, {region}, {name}", *interval, seen)
                for region, interval in kept.items()
            ]
        rights = [
            classified(np.nan_to_num(values), pairs.person, pairs.expression,
                       found & (part != fold), found & (part == fold)) for fold in range(3)
        ]  # fmt: skip
        if np.isfinite(rights).all():
            figures.append(Figure("classified", f"expressions told apart, {name}",
                                  *mean_of_parts(rights), seen))  # fmt: skip
    return figures


def _judged(figures: list[Figure], shapes: Mapping[str, Values]) -> tuple[Figure, str]:
    """How recognisable shapes are, and what is found."""
    first = ranking.first_ranked(figures)

    def strongest(names: Iterable[str]) -> str:
        return max((f"{kind}, {name}" for name in names for kind in _KINDS),
                   key=lambda attack: first[attack].value)  # fmt: skip

    raw, name = first[strongest([AS_THEY_ARE])], strongest([*shapes][1:])
    released, title = first[name], "recognisable by the shape, strongest attacker"
    finding = (
        f"By landmarks alone attackers name {released.value:.1%} of people "
        f"({name}); by the originals' {raw.value:.1%}; chance is {raw.reference['chance']:.1%}."
    )
    return still_recognised(title, released, raw.value, _LIMITS), finding
