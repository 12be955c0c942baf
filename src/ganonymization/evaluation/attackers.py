"""Who tries to find people again: learns on some people, and looks for others.

An attacker that learnt from faces as they were before the release would prove nothing; nor would
one that merely looks for the nearest face. These learn from what is released.
"""

from typing import Any, Literal

import numpy as np

from ..errors import InputError
from .arrays import Flags, Rows, Texts, Values
from .figures import Missing

AttackerName = Literal["lda", "mlp"]

NEUTRAL = "neutral"
_PRINCIPAL, _DISCRIMINANT, _SHRINKAGE = 80, 60, 0.1
_HIDDEN, _MLP_ROUNDS = 128, 150
_LEAST_PEOPLE = 10
UNTRAINED = Missing(
    "too few people with several pictures: no attacker that learns looked for anybody",
    f"give --people with two pictures or more each of {3 * _LEAST_PEOPLE} people or more",
)
_ROUNDING = 1e-6
_NOISE = 1e-4  # of a deviation


def folds(person: Texts, count: int = 3, seed: int = 0) -> Rows:
    """The part of each picture, (N,) 0 to count - 1; all of one person's are in one part."""
    names, number = np.unique(person, return_inverse=True)
    part = np.random.default_rng(seed).permutation(len(names)) % count
    parts: Rows = part[number]
    return parts


def can_learn(person: Texts, learnt: Flags) -> bool:
    """Whether enough people have several pictures for an attacker to learn from."""
    return several(person, learnt) >= _LEAST_PEOPLE


def several(person: Texts, chosen: Flags) -> int:
    """How many people have several of the chosen pictures."""
    _, counts = np.unique(person[chosen], return_counts=True)
    return int((counts > 1).sum())


def learnt_features(
    values: Values, person: Texts, learnt: Flags, attacker: AttackerName = "lda"
) -> Values:
    """What the attacker compares faces by, of unit length, (N, K).

    NaN where there is no face; all NaN, for it is blind, where fewer than ten people have several
    pictures to learn from.

    Args:
        values: (N, D) of all pictures, released in the same way; NaN where there is no face.
        person: (N,).
        learnt: (N,) the pictures that it may learn from.
        attacker: ``"lda"``: Fisher's discriminants of principal components; ``"mlp"``: the hidden
            layer of a network that was trained to name people.
    """
    there = np.isfinite(values).all(1)
    names, number = np.unique(person, return_inverse=True)
    learnt = learnt & there
    learnt = learnt & (np.bincount(number[learnt], minlength=len(names)) > 1)[number]
    if len(np.unique(person[learnt])) < _LEAST_PEOPLE:
        return np.full((len(values), 1), np.nan)
    if np.ptp(values[learnt], axis=0).max() <= _ROUNDING * np.abs(values[learnt]).max():
        return np.where(there, 0.0, np.nan)[:, None]  # all alike, there is nothing to learn
    components = principal_components(values[there], learnt[there])
    model = _discriminants if attacker == "lda" else _hidden_layer
    found = model(components, number[there], learnt[there])
    unit = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    features = np.full((len(values), unit.shape[1]), np.nan)
    features[there] = unit
    return features


def principal_components(values: Values, learnt: Flags) -> Values:
    """Leading components, one deviation each; what varies by rounding alone stays out."""
    centred = values - values[learnt].mean(0)
    _, size, directions = np.linalg.svd(centred[learnt], full_matrices=False)
    count = max(1, min(_PRINCIPAL, int((size > 1e-6 * size[0]).sum())))
    components = centred @ directions[:count].T
    scaled: Values = components / np.maximum(components[learnt].std(0), 1e-12)
    return scaled


def _discriminants(components: Values, number: Rows, learnt: Flags) -> Values:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    count = min(_DISCRIMINANT, components.shape[1], len(np.unique(number[learnt])) - 1)
    model = LinearDiscriminantAnalysis(solver="eigen", shrinkage=_SHRINKAGE, n_components=count)
    # a trace of noise, for pictures of one person that are all alike have no spread to divide by
    noise = np.random.default_rng(0).normal(0, _NOISE, components[learnt].shape)
    model.fit(components[learnt] + noise, number[learnt])
    return np.asarray(model.transform(components), np.float64)


def _hidden_layer(components: Values, number: Rows, learnt: Flags) -> Values:
    import warnings

    from sklearn.neural_network import MLPClassifier

    model: Any = MLPClassifier(
        (_HIDDEN,), activation="tanh", alpha=1e-2, max_iter=_MLP_ROUNDS, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it could go on; the attack shows what it learnt
        model.fit(components[learnt], number[learnt])
    hidden: Values = np.tanh(components @ model.coefs_[0] + model.intercepts_[0])
    centred: Values = hidden - hidden[learnt].mean(0)
    return centred


def gallery_and_probes(
    person: Texts, expression: Texts, chosen: Flags, seed: int
) -> tuple[Rows, Rows]:
    """A picture for the gallery and another to look for it, of each person that has two, (P,) rows.

    Of the chosen (N,) pictures. A neutral one is looked for by another expression of the same
    person, or any by any other where there is none.

    Raises:
        InputError: Fewer than ten people have two pictures.
    """
    rng = np.random.default_rng(seed)
    gallery, probes = [], []
    order = np.flatnonzero(chosen)
    names, starts = np.unique(person[order], return_inverse=True)
    for who in range(len(names)):
        own = order[starts == who]
        neutral, others = own[expression[own] == NEUTRAL], own[expression[own] != NEUTRAL]
        if len(neutral) and len(others):
            gallery.append(rng.choice(neutral))
            probes.append(rng.choice(others))
        elif len(own) > 1:
            one, other = rng.choice(own, 2, replace=False)
            gallery.append(one)
            probes.append(other)
    if len(gallery) < _LEAST_PEOPLE:
        raise InputError(f"fewer than {_LEAST_PEOPLE} people with two pictures to attack")
    return np.array(gallery), np.array(probes)
