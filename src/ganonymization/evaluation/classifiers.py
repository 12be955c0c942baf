"""Classifiers that an evaluation trains on the user's own labels, never on the people they read.

Principal components and a linear model: small and quick, which some thousand faces are enough for.
A network trained by ``ganonymize classify`` takes its place with ``--classifier``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..types import Reals
from .arrays import NOT_MEASURED, Flags, Interval, Texts, Values
from .attackers import folds
from .statistics import over_people

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


def balanced_accuracy(right: Values, labels: Texts, person: Texts) -> Interval:
    """Share of labels that are read rightly, (N,) 0 or 1, all classes counted alike.

    Range: 0 to 1, higher is better; chance is one in the number of classes. The interval is by
    bootstrap over people. Source: Brodersen et al., "The balanced accuracy and its posterior
    distribution", ICPR 2010.
    """
    if not len(labels):
        return NOT_MEASURED
    who = np.unique(person, return_inverse=True)[1]
    names, which = np.unique(labels, return_inverse=True)
    sums = np.zeros((who.max() + 1, 2, len(names)))  # right ones and all, of each class
    np.add.at(sums[:, 0], (who, which), right)
    np.add.at(sums[:, 1], (who, which), 1)

    def accuracy(total: Values) -> Values:
        rights, counts = np.moveaxis(total.reshape(*total.shape[:-1], 2, len(names)), -2, 0)
        shares = np.where(counts > 0, rights / np.maximum(counts, 1), np.nan)
        found: Values = np.nanmean(shares, axis=-1)  # a sample of people may lack a rare class
        return found

    return over_people(sums.reshape(len(sums), -1), accuracy)


def discriminants(classes: int) -> Any:
    """Linear discriminants, their covariance regularised (Friedman 1989); all count alike."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    priors = np.full(classes, 1 / classes)
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=_SHRINKAGE, priors=priors)


def cross_probabilities(
    learnt: Reals, queries: Sequence[Reals], labels: Texts, person: Texts, classes: list[str]
) -> list[Values]:
    """Probabilities of each class, by models that learnt from other people.

    Args:
        learnt: (N, D) features to learn from, NaN where there is no face.
        queries: Sets of (N, D) features of the same pictures, to be classified.
        labels: (N,) classes, others are not learnt.
        person: (N,).
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
        model = _fitted(np.asarray(learnt[known], np.float64), labels[known], len(classes))
        order = np.searchsorted(model.classes_, classes)
        for values, result in zip(queries, found, strict=True):
            rows = (part == fold) & np.isfinite(values).all(1)
            if rows.any():
                result[rows] = model.predict_proba(values[rows])[:, order]
    return found


def _fitted(values: Values, labels: Texts, classes: int) -> Any:
    """Discriminants of the leading principal components."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline

    solver = "full" if len(values) < values.shape[1] else "covariance_eigh"
    components = PCA(min(_COMPONENTS, len(values) - 1, values.shape[1]), svd_solver=solver)
    return make_pipeline(components, discriminants(classes)).fit(values, labels)
