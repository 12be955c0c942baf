"""Classifiers that an evaluation trains on the user's own labels, never on the people they read.

Principal components and a linear model: small and quick, which some thousand faces are enough for.
A network trained by ``ganonymize classify`` takes its place with ``--classifier``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import NOT_MEASURED, Flags, Interval, Texts, Values
from .attackers import folds

_COMPONENTS = 100
_SHRINKAGE = 0.1
LEAST_OF_CLASS = 12
_FOLDS = 3


def classes_of(labels: Texts, there: Flags) -> list[str]:
    """The labels that enough pictures carry to be learnt."""
    names, counts = np.unique(labels[there & (labels != "")], return_counts=True)
    return [str(name) for name in names[counts >= LEAST_OF_CLASS]]


def unlearnt(labels: Texts, there: Flags, classes: Sequence[str]) -> str:
    """Labels that are none of the classes, with their pictures, such as ``fear 8, anger 3``."""
    left = [name for name in np.unique(labels[labels != ""]) if name not in classes]
    return ", ".join(f"{name} {(there & (labels == name)).sum()}" for name in left)


def balanced_accuracy(right: Values, labels: Texts, person: Texts, draws: int = 1000) -> Interval:
    """Share of labels that are read rightly, all classes counted alike.

    Range: 0 to 1, higher is better; chance is one in the number of classes. The interval is by
    bootstrap over people. Source: Brodersen et al., "The balanced accuracy and its posterior
    distribution", ICPR 2010.

    Args:
        right: (N,) 0 or 1.
        labels: (N,) classes.
        person: (N,).
        draws: Samples of people with replacement.
    """
    if not len(labels):
        return NOT_MEASURED
    _, who = np.unique(person, return_inverse=True)
    names, which = np.unique(labels, return_inverse=True)
    rights, counts = np.zeros((2, who.max() + 1, len(names)))
    np.add.at(rights, (who, which), right)
    np.add.at(counts, (who, which), 1)

    def accuracy(rights_of: Values, counts_of: Values) -> float:
        there = counts_of > 0  # a sample of people may lack a rare class
        return float((rights_of[there] / counts_of[there]).mean())

    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(rights), len(rights)) for _ in range(draws)]
    found = [accuracy(rights[some].sum(0), counts[some].sum(0)) for some in drawn]
    low, high = np.quantile(found, [0.025, 0.975])
    return accuracy(rights.sum(0), counts.sum(0)), float(low), float(high)


def discriminants(classes: int) -> Any:
    """Linear discriminants, their covariance regularised (Friedman 1989); all count alike."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    priors = np.full(classes, 1 / classes)
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=_SHRINKAGE, priors=priors)


def cross_probabilities(
    learnt: NDArray[np.floating[Any]],
    queries: Sequence[NDArray[np.floating[Any]]],
    labels: Texts,
    person: Texts,
    classes: list[str],
) -> list[Values]:
    """Probabilities of each class, by models that learnt from other people.

    Args:
        learnt: (N, D) features to learn from, NaN where there is no face.
        queries: Sets of (N, D) features of the same pictures, to be classified.
        labels: (N,) classes, others are not learnt.
        person: (N,) who is on them.
        classes: Which there are; all count alike, however rare.

    Returns:
        For each set (N, classes), NaN where there is no face.
    """
    part = folds(person, _FOLDS)
    there = np.isfinite(learnt).all(1)
    found = [np.full((len(labels), len(classes)), np.nan) for _ in queries]
    for fold in range(_FOLDS):
        known = there & (part != fold) & np.isin(labels, classes)
        if len(np.unique(labels[known])) < len(classes):
            continue
        centre, directions = _components(learnt[known])
        model = discriminants(len(classes))
        model.fit((learnt[known] - centre) @ directions, labels[known])
        order = np.searchsorted(model.classes_, classes)
        for values, result in zip(queries, found, strict=True):
            rows = (part == fold) & np.isfinite(values).all(1)
            if rows.any():
                seen = (values[rows] - centre) @ directions
                result[rows] = model.predict_proba(seen)[:, order]
    return found


def _components(values: NDArray[np.floating[Any]]) -> tuple[Values, Values]:
    """Mean and leading principal directions, (D,) and (D, K)."""
    centre = values.mean(0).astype(np.float64)
    count = min(_COMPONENTS, len(values) - 1, values.shape[1])
    centred = values - centre
    if len(values) < values.shape[1]:
        size, vectors = np.linalg.eigh(centred @ centred.T)
        leading = vectors[:, ::-1][:, :count]
        scale = np.sqrt(np.maximum(size[::-1][:count], 1e-12))
        return centre, centred.T @ leading / scale
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return centre, vectors[:, ::-1][:, :count]
