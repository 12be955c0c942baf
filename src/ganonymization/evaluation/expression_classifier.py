"""What a classifier reads of the expressions: on originals, on outputs, and learnt from either."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry import topology
from ..surrogate.shape_model import Posed
from . import classifiers
from .arrays import Rows, Texts, Values
from .classifiers import balanced_accuracy
from .figures import EVERYBODY, Figure, Missing, members
from .observations import Observations, PairedObservations

Classify = Callable[[PairedObservations], tuple[list[str], Values, Values]]

_SHAPE_WEIGHT = 10.0  # so that landmarks spread about as far as gradients do
_LEAST_OF_GROUP = 10
_ABOVE_CHANCE = 1.1  # what originals must be read at, for outputs to be compared


def mean_probability_change(before: Values, after: Values) -> Values:
    """Mean over classes of |p after - p before|, of a classifier trained on originals, (N,).

    Range: 0 to 2 / classes, lower is better. Source: Hellmann et al., "GANonymization", TOMM 2024,
    section 4.2, there class by class.
    """
    change: Values = np.abs(after - before).mean(1)
    return change


def f1(predicted: Rows, true: Rows, of: int) -> float:
    """F1 of one class of a classifier that was trained on anonymized pictures.

    Range: 0 to 1, higher is better. Source: van Rijsbergen 1979; the paper's utility test.
    """
    both = ((predicted == of) & (true == of)).sum()
    either = (predicted == of).sum() + (true == of).sum()
    return float(2 * both / either) if either else float("nan")


def kappa(before: Rows, after: Rows, of: int) -> float:
    """Agreement beyond chance on one class, of a classifier on originals and on outputs.

    Range: -1 to 1, 0 is chance, higher is better. Source: Cohen, "A coefficient of agreement for
    nominal scales", 1960.
    """
    a, b = before == of, after == of
    agreed = float((a == b).mean())
    expected = float(a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean()))
    return (agreed - expected) / (1 - expected) if expected < 1 else float("nan")


def by_face(pairs: PairedObservations) -> tuple[list[str], Values, Values]:
    """Classes, and their probabilities before and after, of a classifier trained on originals."""
    return _across(pairs, face_features)


def by_landmarks(pairs: PairedObservations) -> tuple[list[str], Values, Values]:
    """As :func:`by_face`, by landmarks alone: what is drawn otherwise does not mislead it."""
    return _across(pairs, landmark_features)


def _across(
    pairs: PairedObservations, features: Callable[[Observations], Values]
) -> tuple[list[str], Values, Values]:
    classes = classifiers.classes_of(pairs.expression, pairs.before.found)
    if len(classes) < 2:
        return [], np.zeros((len(pairs.file), 0)), np.zeros((len(pairs.file), 0))
    seen = [features(pairs.before), features(pairs.after)]
    before, after = classifiers.cross_probabilities(
        seen[0], seen, pairs.expression, pairs.person, classes
    )
    return classes, before, after


def face_features(seen: Observations) -> Values:
    """What classifiers look at: gradients, and the landmarks with the pose removed, (N, D)."""
    return np.hstack([seen.gradients, landmark_features(seen)])


def landmark_features(seen: Observations) -> Values:
    """Where the landmarks lie with the pose removed, (N, D)."""
    there = seen.found
    shapes = np.full((len(there), 2 * topology.SURFACE_COUNT), np.nan)
    if there.any():
        surface = Posed.of(seen.landmarks_px[there]).frontal[:, : topology.SURFACE_COUNT, :2]
        shapes[there] = surface.reshape(len(surface), -1)
    scaled: Values = _SHAPE_WEIGHT * shapes
    return scaled


@dataclass(frozen=True)
class Read:
    """What was read.

    Attributes:
        figures: All of it.
        rows: For each class the paper's figures.
        changes: (N,) mean change of probability.
        share: Of what is read from originals beyond chance, what is read from outputs, or NaN.
        finding: For readers.
        missing: Labels that were not read.
    """

    figures: list[Figure]
    rows: list[dict[str, object]]
    changes: Values
    share: float
    finding: str
    missing: tuple[Missing, ...]


def read(pairs: PairedObservations, classes: list[str], before: Values, after: Values) -> Read:
    """Compare the probabilities (N, C) of C classes that are read from originals and outputs."""
    names = np.array(classes)
    labels = np.where(pairs.before.found, pairs.expression, "")
    changes = mean_probability_change(before, after)
    figures = pairs.mean_figures(mean_probability_change, "probability change", changes)
    learnt = _learnt_anew(pairs, names)
    rows = [_class_row(i, classes, labels, before, after, learnt) for i in range(len(classes))]
    known = [name for name in classes if (labels == name).any()]
    if len(known) < 2:
        finding = "What was read rightly is not known."
        return Read(figures, rows, changes, float("nan"), finding, (unlabelled(pairs, classes),))
    readings = {
        "labels read from originals": _likeliest(before, names),
        "labels read from outputs": _likeliest(after, names),
    }
    if np.isfinite(learnt).any():
        readings["labels read from outputs, learnt from outputs"] = _likeliest(learnt, names)
    shape_classes, *shapes = by_landmarks(pairs)
    for name, probabilities in zip(("originals", "outputs"), shapes, strict=True):
        title = f"labels read from {name}, by landmarks alone"
        readings[title] = _likeliest(probabilities, np.array(shape_classes))
    accuracies = [
        _accuracies(title, reading, labels, pairs, known) for title, reading in readings.items()
    ]
    share, finding = _kept(accuracies[0][0].value, accuracies[1][0].value, 1 / len(known))
    missing = _unread(pairs, classes, before, share)
    return Read([*itertools.chain(*accuracies), *figures], rows, changes, share, finding, missing)


def unlabelled(pairs: PairedObservations, classes: Sequence[str] = ()) -> Missing:
    """That fewer than two expressions could be read, ``classes`` being those that are known."""
    least = f"{classifiers.LEAST_OF_CLASS} pictures or more each of two expressions or more"
    if not (pairs.expression != "").any():
        return Missing("expressions are not labelled, so no classifier was judged",
                       f"give --labels with {least}, in the column expression")  # fmt: skip
    known = f"; the classifier knows {', '.join(classes)}" if classes else ""
    counts = classifiers.unlearnt(pairs.expression, pairs.before.found, ())
    return Missing(f"too few labelled expressions to tell apart ({counts}{known})",
                   f"label {least}")  # fmt: skip


def _unread(
    pairs: PairedObservations, classes: list[str], before: Values, share: float
) -> tuple[Missing, ...]:
    """What a classifier that was asked left out or could not do."""
    missing = []
    labels, there = pairs.expression, pairs.before.found
    if left := classifiers.unlearnt(labels, there, classes):
        missing.append(Missing(
            f"expressions on too few pictures with a face, or unknown to the classifier: {left}",
            f"label {classifiers.LEAST_OF_CLASS} pictures or more of each, or drop those labels",
        ))  # fmt: skip
    unread = int((there & np.isin(labels, classes) & ~np.isfinite(before).all(1)).sum())
    if unread:
        missing.append(Missing(
            f"{unread} labelled originals were not read, for nobody but the people on them shows "
            "some expression", "label more people",
        ))  # fmt: skip
    if np.isnan(share):
        missing.append(Missing(
            "the classifier reads originals hardly better than chance, so it proves little here",
            "label more pictures, or give --classifier",
        ))  # fmt: skip
    return tuple(missing)


def _kept(real: float, kept: float, chance: float) -> tuple[float, str]:
    """Of what is read from originals beyond chance, what is read from outputs; and in words."""
    share = (kept - chance) / (real - chance) if real > chance * _ABOVE_CHANCE else float("nan")
    beyond = f"{share:.0%}" if np.isfinite(share) else "an unknown share"
    return share, (
        f"A classifier trained on originals reads {kept:.0%} of the labels from outputs and "
        f"{real:.0%} from originals, all expressions counted alike: {beyond} of what is beyond "
        f"chance ({chance:.0%})."
    )


def _learnt_anew(pairs: PairedObservations, classes: Texts) -> Values:
    """Probabilities on outputs by classifiers that learnt from outputs of other people."""
    learnt = np.full((len(pairs.file), len(classes)), np.nan)
    enough = classifiers.classes_of(pairs.expression, pairs.after.found)
    columns = np.flatnonzero(np.isin(classes, enough))
    if len(columns) > 1:
        features = face_features(pairs.after)
        (found,) = classifiers.cross_probabilities(
            features, [features], pairs.expression, pairs.person, classes[columns].tolist()
        )
        there = np.isfinite(found).all(1)
        learnt[there] = 0
        learnt[:, columns] = found
    return learnt


def _accuracies(
    title: str, reading: Texts, labels: Texts, pairs: PairedObservations, classes: list[str]
) -> list[Figure]:
    """Everybody's balanced accuracy, and each group's of the classes that it has."""
    figures = []
    everybody = {EVERYBODY: np.ones(len(labels), bool)}
    for group, chosen in {**everybody, **members(pairs.groups)}.items():
        rows = chosen & np.isin(labels, classes)
        count = len(np.unique(labels[rows]))
        if group != EVERYBODY and (rows.sum() < _LEAST_OF_GROUP or count < 2):
            continue
        right = (reading == labels)[rows].astype(np.float64)
        found = balanced_accuracy(right, labels[rows], pairs.person[rows])
        figures.append(Figure("balanced_accuracy", title, *found, int(rows.sum()), group,
                              {"chance": 1 / count}))  # fmt: skip
    return figures


def _likeliest(probabilities: Values, classes: Texts) -> Texts:
    """The likeliest class, ``""`` where there is no face."""
    there = np.isfinite(probabilities).all(1)
    likeliest: Texts = np.where(there, classes[np.nan_to_num(probabilities).argmax(1)], "")
    return likeliest


def _class_row(
    of: int, classes: list[str], labels: Texts, before: Values, after: Values, learnt: Values
) -> dict[str, object]:
    """The paper's figures of one class."""
    true = np.array([classes.index(label) if label in classes else -1 for label in labels])
    both = np.isfinite(before).all(1) & np.isfinite(after).all(1)
    anew = np.isfinite(learnt).all(1) & (true >= 0)
    nan = float("nan")
    return {
        "expression": classes[of],
        "pictures": int((true == of).sum()),
        "mean |change of p|": float(np.abs(after - before)[both, of].mean()) if both.any() else nan,
        "kappa": kappa(before[both].argmax(1), after[both].argmax(1), of) if both.any() else nan,
        "F1 learnt from outputs": f1(learnt[anew].argmax(1), true[anew], of),
    }
