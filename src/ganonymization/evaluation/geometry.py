"""What landmarks tell: who somebody is, and what is left of the expression.

An attacker learns from released landmarks of some people what tells people apart, and then looks
for others, whom nothing was fitted on, in a gallery. One that learnt from landmarks as they were
before the release would prove nothing; nor would one that merely looks for the nearest face.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .. import topology
from ..errors import InputError, MissingExtraError
from ..people import NEUTRAL, People
from ..shape import Posed
from ..types import Reals
from .statistics import bootstrap_interval, first_rank_share

Values = NDArray[np.float64]
Chosen = NDArray[np.bool_]
AttackerName = Literal["lda", "mlp"]
Interval = tuple[float, float, float]

GALLERY = 100
_PRINCIPAL, _DISCRIMINANT, _SHRINKAGE = 80, 60, 0.1
_HIDDEN, _MLP_ROUNDS = 128, 150
_LEAST_OF_CLASS = 12
REGIONS: Mapping[str, tuple[int, ...]] = {
    "face": tuple(range(topology.SURFACE_COUNT)),
    **topology.EXPRESSIVE,
}


@dataclass(frozen=True)
class Thirds:
    """Pictures, by what their people are for; nobody is in two parts.

    Attributes:
        fit: (N,) bool, the shape model is fitted on them.
        attack: (N,) bool, the attackers learn from them.
        test: (N,) bool, the attacked.
    """

    fit: Chosen
    attack: Chosen
    test: Chosen

    @classmethod
    def of(cls, person: NDArray[np.str_], turn: int = 0, seed: int = 0) -> "Thirds":
        """Split people at random; the turns 0, 1 and 2 let each third be the test once."""
        names, number = np.unique(person, return_inverse=True)
        third = np.random.default_rng(seed).permutation(len(names)) % 3
        part = (third[number] - turn) % 3
        return cls(part == 1, part == 2, part == 0)


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
        raise MissingExtraError("the attackers", "eval")


def rank1(
    released: Values, people: People, parts: Thirds, attacker: AttackerName = "lda", rounds: int = 5
) -> Interval:
    """How often an attacker ranks the right person first, with its 95 % interval over people.

    A neutral picture is looked for by another expression of the same person, or any other picture
    where there is none, in random galleries of 100 people (or as many as there are).

    Args:
        released: (N, 1434) of all pictures.
        people: Who is on them.
        parts: Who the attacker learns from, and who is attacked.
        attacker: ``"lda"``: Fisher's discriminants of principal components; ``"mlp"``: the hidden
            layer of a network that was trained to name people.
        rounds: Random choices of pictures.

    Raises:
        InputError: Too few people have two pictures.
        MissingExtraError: The extra ``eval`` is not installed.
    """
    require_attackers()
    features = _embedded(released, people.person, parts.attack, attacker)
    draws = [_pairs(people, parts.test, seed) for seed in range(rounds)]
    found = [first_rank_share(features[q], features[g], GALLERY, draws=60) for g, q in draws]
    means = np.array(found).mean(0)
    return float(means[0]), float(means[1]), float(means[2])


def gallery_size(people: People, parts: Thirds) -> int:
    """How many people there are to be mistaken for; chance is one in so many."""
    return min(GALLERY, len(_pairs(people, parts.test, 0)[0]))


def expression_kept(
    before: Values, after: Values, people: People, parts: Thirds
) -> dict[str, Interval]:
    """Correlation of the difference between two pictures of one person, before and after.

    Over x and y of all landmarks of a region in the canonical frame, of every picture that is not
    neutral against the person's neutral ones; the interval is by bootstrap over people.

    Args:
        before: (N, 1434).
        after: (N, 1434).
        people: Who is on them.
        parts: Who is looked at.

    Raises:
        InputError: Nobody has a neutral picture and one that is labelled otherwise.
    """
    first, second = _expressions(people, parts.test)
    if not len(first):
        raise InputError("nobody has a neutral picture and another one")
    _, owner = np.unique(people.person[first], return_inverse=True)
    kept = {}
    for region, places in REGIONS.items():
        columns = [3 * place + axis for place in places for axis in (0, 1)]
        a, b = (x[second][:, columns] - x[first][:, columns] for x in (before, after))
        sums = np.zeros((owner.max() + 1, 5))
        parts_of_r = [a.sum(1), b.sum(1), (a * b).sum(1), (a * a).sum(1), (b * b).sum(1)]
        np.add.at(sums, owner, np.stack(parts_of_r, axis=1))
        counts = np.bincount(owner) * len(columns)
        kept[region] = _correlation_interval(sums, counts)
    return kept


def _correlation_interval(sums: Values, counts: NDArray[np.int64]) -> Interval:
    """Correlation from sums of a, b, ab, aa, bb by person, and its 95 % interval."""

    def correlation(chosen: NDArray[np.int64]) -> float:
        n = counts[chosen].sum()
        a, b, ab, aa, bb = sums[chosen].sum(0) / n
        return float((ab - a * b) / np.sqrt(max((aa - a * a) * (bb - b * b), 1e-30)))

    rng = np.random.default_rng(0)
    everybody = np.arange(len(sums))
    drawn = [correlation(rng.choice(everybody, len(everybody))) for _ in range(500)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return correlation(everybody), float(low), float(high)


def classified(released: Values, people: People, parts: Thirds) -> Interval:
    """Balanced accuracy of an expression classifier that learns from released landmarks.

    Linear discriminants of the attackers' and the fitting people's pictures, on those of the
    others; expressions of which either has too few pictures are left out.

    Raises:
        InputError: Fewer than two expressions have enough pictures.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    learnt = ~parts.test
    known = [
        name for name in np.unique(people.expression[people.expression != ""])
        if min((people.expression[p] == name).sum() for p in (learnt, parts.test))
        >= _LEAST_OF_CLASS
    ]  # fmt: skip
    if len(known) < 2:
        raise InputError("too few labelled expressions to tell apart")
    labelled = np.isin(people.expression, known)
    components = _principal_components(released, learnt & labelled)
    priors = np.full(len(known), 1 / len(known))
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=_SHRINKAGE, priors=priors)
    model.fit(components[learnt & labelled], people.expression[learnt & labelled])
    asked = parts.test & labelled
    right = model.predict(components[asked]) == people.expression[asked]
    weights = {name: 1 / (people.expression[asked] == name).sum() for name in known}
    share = np.array([weights[name] for name in people.expression[asked]]) / len(known)
    names, owner = np.unique(people.person[asked], return_inverse=True)
    by_person = np.bincount(owner, right * share).astype(np.float64)
    return bootstrap_interval(by_person * len(names))


def _embedded(
    released: Values, person: NDArray[np.str_], learnt: Chosen, attacker: AttackerName
) -> Values:
    """What the attacker compares faces by, of unit length."""
    names, number = np.unique(person, return_inverse=True)
    several = np.bincount(number[learnt], minlength=len(names)) > 1
    learnt = learnt & several[number]
    if len(np.unique(person[learnt])) < 10:
        raise InputError("fewer than 10 people with several pictures to train an attacker on")
    components = _principal_components(released, learnt)
    model = _discriminants if attacker == "lda" else _hidden_layer
    features = model(components, number, learnt)
    unit: Values = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return unit


def _principal_components(released: Values, learnt: Chosen) -> Values:
    """Leading components, one deviation each; what varies by rounding alone stays out."""
    centred = released - released[learnt].mean(0)
    _, size, directions = np.linalg.svd(centred[learnt], full_matrices=False)
    count = min(_PRINCIPAL, int((size > 1e-6 * size[0]).sum()))
    components = centred @ directions[:count].T
    scaled: Values = components / components[learnt].std(0)
    return scaled


def _discriminants(components: Values, number: NDArray[np.int64], learnt: Chosen) -> Values:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    count = min(_DISCRIMINANT, components.shape[1], len(np.unique(number[learnt])) - 1)
    model = LinearDiscriminantAnalysis(solver="eigen", shrinkage=_SHRINKAGE, n_components=count)
    model.fit(components[learnt], number[learnt])
    return np.asarray(model.transform(components), np.float64)


def _hidden_layer(components: Values, number: NDArray[np.int64], learnt: Chosen) -> Values:
    import warnings

    from sklearn.neural_network import MLPClassifier

    model: Any = MLPClassifier(
        (_HIDDEN,), activation="tanh", alpha=1e-2, max_iter=_MLP_ROUNDS, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it could go on; the attack tells what it learnt
        model.fit(components[learnt], number[learnt])
    hidden: Values = np.tanh(components @ model.coefs_[0] + model.intercepts_[0])
    centred: Values = hidden - hidden[learnt].mean(0)
    return centred


def _pairs(
    people: People, chosen: Chosen, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A picture for the gallery and another to look for it, of each person that has two."""
    rng = np.random.default_rng(seed)
    gallery, probes = [], []
    for name in np.unique(people.person[chosen]):
        members = np.flatnonzero(chosen & (people.person == name))
        neutral = members[people.expression[members] == NEUTRAL]
        others = members[people.expression[members] != NEUTRAL]
        if len(neutral) and len(others):
            gallery.append(rng.choice(neutral))
            probes.append(rng.choice(others))
        elif len(members) > 1:
            one, other = rng.choice(members, 2, replace=False)
            gallery.append(one)
            probes.append(other)
    if len(gallery) < 10:
        raise InputError("fewer than 10 people with two pictures to attack")
    return np.array(gallery), np.array(probes)


def _expressions(people: People, chosen: Chosen) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each person's neutral pictures against each that is labelled otherwise."""
    first, second = [], []
    for name in np.unique(people.person[chosen]):
        members = np.flatnonzero(chosen & (people.person == name))
        labels = people.expression[members]
        for other in members[(labels != NEUTRAL) & (labels != "")]:
            for neutral in members[labels == NEUTRAL][:2]:
                first.append(neutral)
                second.append(other)
    return np.array(first, np.int64), np.array(second, np.int64)
