"""Whether the expression stays: as a classifier, as landmarks, and as pose and gaze tell."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .. import topology
from ..openings import EYES, MOUTH
from ..shape import Posed, gaze_of
from . import classifiers
from .classifiers import balanced_accuracy
from .figures import EVERYBODY, Family, Figure, Verdict, graded, mean_figures, worst
from .seen import Seen, Sides
from .statistics import correlation_interval

Values = NDArray[np.float64]
Texts = NDArray[np.str_]
Classify = Callable[[Sides], tuple[list[str], Values, Values]]

_AGREES, _AGREES_LITTLE = 0.8, 0.6
_OPENS, _OPENS_LITTLE = 0.8, 0.6
_SHAPE_WEIGHT = 10.0  # so that landmarks spread about as far as gradients do


def mean_probability_change(before: Values, after: Values) -> Values:
    """Mean over classes of |p after - p before|, of a classifier trained on originals, (N,).

    Range: 0 to 2 / classes, lower is better. Source: Hellmann et al., "GANonymization", TOMM 2024,
    section 4.2, there told class by class.
    """
    change: Values = np.abs(after - before).mean(1)
    return change


def f1(predicted: NDArray[np.int64], true: NDArray[np.int64], of: int) -> float:
    """F1 of one class of a classifier that was trained on anonymized pictures.

    Range: 0 to 1, higher is better. Source: van Rijsbergen 1979; the paper's utility test.
    """
    both = ((predicted == of) & (true == of)).sum()
    told = (predicted == of).sum() + (true == of).sum()
    return float(2 * both / told) if told else float("nan")


def kappa(before: NDArray[np.int64], after: NDArray[np.int64], of: int) -> float:
    """Agreement beyond chance on one class, of a classifier on originals and on outputs.

    Range: -1 to 1, 0 is chance, higher is better. Source: Cohen, "A coefficient of agreement for
    nominal scales", 1960.
    """
    a, b = before == of, after == of
    agreed = float((a == b).mean())
    expected = float(a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean()))
    return (agreed - expected) / (1 - expected) if expected < 1 else float("nan")


def expression_distance(before: Values, after: Values) -> Values:
    """Root mean square landmark distance with pose, scale and the mean change removed, (N,).

    In outer-eye distances; 0 and up, lower is better. The mean change over all pictures is that
    from people to nobody; what is left is expression, and what of the person still differs.
    Source: this project.

    Args:
        before: (N, 478, 3) in the canonical frame, NaN where there is no face.
        after: The same of the outputs.
    """
    change = (after - before)[..., :2]
    there = np.isfinite(change).all((1, 2))
    rest = change - (change[there].mean(0) if there.any() else 0)
    distance: Values = np.sqrt(np.square(rest).sum(-1).mean(-1))
    return distance


def pose_error_deg(before: Values, after: Values) -> Values:
    """Angle between the heads' rotations before and after, (N,) in degrees.

    Range: 0 to 180, lower is better. The angle of the rotation from one to the other.
    Source: Huynh, "Metrics for 3D rotations", 2009, equation 6.

    Args:
        before: (N, 3, 3) rotations.
        after: (N, 3, 3).
    """
    turned = np.einsum("nij,nij->n", before, after)
    angle: Values = np.degrees(np.arccos(np.clip((turned - 1) / 2, -1, 1)))
    return angle


def opening_correlation(before: Values, after: Values, person: Texts) -> tuple[float, float, float]:
    """Pearson's correlation of an opening or a glance before and after.

    Range: -1 to 1, higher is better; openings of mouth and eyes in their own widths.
    Source: Pearson 1895.
    """
    return correlation_interval(before, after, person)


METRICS = (mean_probability_change, balanced_accuracy, f1, kappa, expression_distance,
           pose_error_deg, opening_correlation)  # fmt: skip


def by_face(sides: Sides) -> tuple[list[str], Values, Values]:
    """Classes, and their probabilities before and after, of a classifier trained on originals."""
    classes = classifiers.classes_of(sides.expression, sides.before.found)
    if len(classes) < 2:
        return [], np.zeros((len(sides.file), 0)), np.zeros((len(sides.file), 0))
    seen = [face_features(sides.before), face_features(sides.after)]
    before, after = classifiers.cross_probabilities(
        seen[0], seen, sides.expression, sides.person, classes
    )
    return classes, before, after


def face_features(seen: Seen) -> Values:
    """What classifiers look at: gradients, and the landmarks with the pose removed, (N, D)."""
    there = seen.found
    shapes = np.full((len(there), 2 * topology.SURFACE_COUNT), np.nan)
    if there.any():
        surface = Posed.of(seen.landmarks_px[there]).frontal[:, : topology.SURFACE_COUNT, :2]
        shapes[there] = surface.reshape(len(surface), -1)
    return np.hstack([seen.gradients, _SHAPE_WEIGHT * shapes])


def measure(sides: Sides, classify: Classify = by_face) -> Family:
    """Compare expressions before and after.

    Args:
        sides: What was seen.
        classify: Tells expressions on originals and outputs.
    """
    figures, pictures = _of_landmarks(sides)
    findings: list[str] = []
    verdicts: list[Verdict] = []
    mouth = next(f for f in figures if f.title == "mouth opening" and f.group == EVERYBODY)
    verdicts.append(graded(mouth.value, _OPENS, _OPENS_LITTLE))
    classes, before, after = classify(sides)
    tables = {}
    if classes:
        told, rows, kept, ratio = _classified(sides, classes, before, after)
        figures = told + figures
        pictures["probability change"] = mean_probability_change(before, after)
        tables["classes"] = rows
        verdicts.append(graded(ratio, _AGREES, _AGREES_LITTLE))
        findings.append(kept)
    else:
        findings.append("Expressions are not labelled, so no classifier was asked; give --labels.")
    findings.append(f"Mouths open with r = {mouth.value:.2f}.")
    return Family("expression", worst(verdicts), tuple(findings), tuple(figures), METRICS,
                  pictures, tables)  # fmt: skip


def _of_landmarks(sides: Sides) -> tuple[list[Figure], dict[str, Values]]:
    both = sides.before.found & sides.after.found
    pictures = {name: np.full(len(both), np.nan) for name in ("expression distance", "pose error")}
    figures: list[Figure] = []
    if both.any():
        before, after = (Posed.of(s.landmarks_px[both]) for s in (sides.before, sides.after))
        pictures["expression distance"][both] = expression_distance(before.frontal, after.frontal)
        pictures["pose error"][both] = pose_error_deg(
            _level(before.rotation), _level(after.rotation)
        )
        for title, a, b in zip(_OPENINGS, _openings(before.frontal), _openings(after.frontal),
                               strict=True):  # fmt: skip
            found = opening_correlation(a, b, sides.person[both])
            figures.append(Figure("opening_correlation", title, *found, int(both.sum())))
    else:
        figures = [Figure("opening_correlation", title, float("nan")) for title in _OPENINGS]
    for metric, title, name in (
        (expression_distance, "landmark distance, pose removed", "expression distance"),
        (pose_error_deg, "head pose error in degrees", "pose error"),
    ):
        figures += mean_figures(metric, title, pictures[name], sides.person, sides.groups)
    return figures, pictures


_OPENINGS = ("mouth opening", "eye opening", "glance aside", "glance up or down")


def _openings(frontal: Values) -> tuple[Values, ...]:
    """Mouth, eyes, and where they look; mean gaps of the lips and lids in their widths, (N,)."""
    surface = frontal[:, : topology.SURFACE_COUNT]
    eyes = np.mean([eye.openness(surface) for eye in EYES], axis=0)
    gaze = gaze_of(frontal)
    return MOUTH.openness(surface), eyes, gaze[:, 0], gaze[:, 1]


def _level(rotation: Values) -> Values:
    """Rotations without the tilt in the picture's plane, which portraits take out on purpose."""
    tilt = np.arctan2(rotation[:, 1, 0] - rotation[:, 0, 1], rotation[:, 0, 0] + rotation[:, 1, 1])
    back = np.zeros_like(rotation)
    back[:, 0, 0] = back[:, 1, 1] = np.cos(tilt)
    back[:, 0, 1], back[:, 1, 0] = np.sin(tilt), -np.sin(tilt)
    back[:, 2, 2] = 1
    levelled: Values = back @ rotation
    return levelled


def _classified(
    sides: Sides, classes: list[str], before: Values, after: Values
) -> tuple[list[Figure], list[dict[str, object]], str, float]:
    """Figures, a row for each class, what is found, and the share of agreement that is left."""
    labels, person = sides.expression, sides.person
    order = np.array(classes)
    said_before, said_after = (_said(p, order) for p in (before, after))
    asked = np.where(sides.before.found, labels, "")
    real = balanced_accuracy((said_before == labels).astype(float), asked, classes)
    # a missing output is no agreement
    kept = balanced_accuracy((said_after == labels).astype(float), asked, classes)
    chance = {"chance": 1 / len(classes)}
    figures = mean_figures(balanced_accuracy, "labels read from originals", real, person,
                           sides.groups, chance)  # fmt: skip
    figures += mean_figures(balanced_accuracy, "labels read from outputs", kept, person,
                            sides.groups, chance)  # fmt: skip
    change = mean_probability_change(before, after)
    figures += mean_figures(mean_probability_change, "probability change", change, person,
                            sides.groups)  # fmt: skip
    released = face_features(sides.after)
    learnt = classifiers.cross_probabilities(released, [released], labels, person, classes)[0]
    anew = balanced_accuracy((_said(learnt, order) == labels).astype(float), asked, classes)
    figures += mean_figures(balanced_accuracy, "labels read from outputs, learnt from outputs",
                            anew, person, sides.groups, chance)  # fmt: skip
    rows = [_class_row(i, classes, labels, before, after, learnt) for i in range(len(classes))]
    ratio = figures_value(figures, "labels read from outputs") / max(
        figures_value(figures, "labels read from originals"), 1e-9
    )
    finding = (
        f"A classifier trained on originals reads {ratio:.0%} as many labels from outputs as from "
        "originals, all expressions counted alike."
    )
    return figures, rows, finding, ratio


def figures_value(figures: list[Figure], title: str) -> float:
    """Everybody's value of a title."""
    return next(f.value for f in figures if f.title == title and f.group == EVERYBODY)


def _said(probabilities: Values, classes: Texts) -> Texts:
    """The likeliest class, ``""`` where there is no face."""
    there = np.isfinite(probabilities).all(1)
    said: Texts = np.where(there, classes[np.nan_to_num(probabilities).argmax(1)], "")
    return said


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
