"""Whether the expression stays: by a classifier, by landmarks, and by pose and gaze."""

import numpy as np

from ..geometry import topology
from ..surrogate.eye_mouth_opening import EYES, MOUTH, gaze_of
from ..surrogate.shape_model import Posed
from .arrays import Interval, Texts, Values
from .classifiers import balanced_accuracy
from .expression_classifier import (
    Classify,
    by_face,
    f1,
    kappa,
    mean_probability_change,
    read,
    unlabelled,
)
from .figures import EVERYBODY, Family, Figure, Missing, graded, worst
from .observations import PairedObservations
from .statistics import correlation_interval

_AGREES, _AGREES_LITTLE = 0.8, 0.6
_OPENS, _OPENS_LITTLE = 0.8, 0.6
_STILL = Missing(
    "mouths: no pair shows a face in both pictures, or no mouth opens",
    "give outputs with faces, of originals whose mouths open and close",
)


def expression_distance(before: Values, after: Values) -> Values:
    """Root mean square landmark distance with pose, scale and the mean change removed, (N,).

    Of (N, 478, 3) in the canonical frame. Range: 0 and up in outer-eye distances, lower is better.
    The mean change over all pictures is that from people to nobody; what is left is expression, and
    what of the person still differs. Source: this project.
    """
    change = (after - before)[..., :2]
    there = np.isfinite(change).all((1, 2))
    rest = change - (change[there].mean(0) if there.any() else 0)
    distance: Values = np.sqrt(np.square(rest).sum(-1).mean(-1))
    return distance


def pose_error_deg(before: Values, after: Values) -> Values:
    """Angle between the heads' rotations (N, 3, 3) before and after, (N,) in degrees.

    Range: 0 to 180, lower is better. The angle of the rotation from one to the other.
    Source: Huynh, "Metrics for 3D rotations", 2009, equation 6.
    """
    turned = np.einsum("nij,nij->n", before, after)
    angle: Values = np.degrees(np.arccos(np.clip((turned - 1) / 2, -1, 1)))
    return angle


def opening_correlation(before: Values, after: Values, person: Texts) -> Interval:
    """Pearson's correlation of an opening or a glance before and after.

    Range: -1 to 1, higher is better; openings of mouth and eyes in their own widths.
    Source: Pearson 1895.
    """
    return correlation_interval(before, after, person)


METRICS = (mean_probability_change, balanced_accuracy, f1, kappa, expression_distance,
           pose_error_deg, opening_correlation)  # fmt: skip


def measure(pairs: PairedObservations, classify: Classify = by_face) -> Family:
    """Compare expressions before and after; ``classify`` reads them on originals and outputs."""
    figures, pictures = _of_landmarks(pairs)
    mouth = next(f for f in figures if f.title == "mouth opening" and f.group == EVERYBODY)
    verdicts = [graded(mouth.value, _OPENS, _OPENS_LITTLE)]
    known = np.isfinite(mouth.value)
    opens = f"Mouths open with {f'r = {mouth.value:.2f}' if known else 'an unknown r'}."
    missing = () if known else (_STILL,)
    classes, before, after = classify(pairs)
    if not classes:
        missing = (unlabelled(pairs), *missing)
        return Family("expression", worst(verdicts, missing), (opens,), tuple(figures), METRICS,
                      pictures, missing=missing)  # fmt: skip
    found = read(pairs, classes, before, after)
    pictures["probability change"] = found.changes
    if found.figures[0].metric == "balanced_accuracy":
        verdicts.append(graded(found.share, _AGREES, _AGREES_LITTLE))
    figures, tables = [*found.figures, *figures], {"classes": found.rows}
    missing = (*found.missing, *missing)
    return Family("expression", worst(verdicts, missing), (found.finding, opens), tuple(figures),
                  METRICS, pictures, tables, missing)  # fmt: skip


def _of_landmarks(pairs: PairedObservations) -> tuple[list[Figure], dict[str, Values]]:
    both = pairs.before.found & pairs.after.found
    pictures = {name: np.full(len(both), np.nan) for name in ("expression distance", "pose error")}
    figures: list[Figure] = []
    if both.any():
        before, after = (Posed.of(s.landmarks_px[both]) for s in (pairs.before, pairs.after))
        pictures["expression distance"][both] = expression_distance(before.frontal, after.frontal)
        pictures["pose error"][both] = pose_error_deg(
            _level(before.rotation), _level(after.rotation)
        )
        for title, a, b in zip(_OPENINGS, _openings(before.frontal), _openings(after.frontal),
                               strict=True):  # fmt: skip
            found = opening_correlation(a, b, pairs.person[both])
            figures.append(Figure("opening_correlation", title, *found, int(both.sum())))
    else:
        figures = [Figure("opening_correlation", title, float("nan")) for title in _OPENINGS]
    for metric, title, name in (
        (expression_distance, "landmark distance, pose removed", "expression distance"),
        (pose_error_deg, "head pose error in degrees", "pose error"),
    ):
        figures += pairs.mean_figures(metric, title, pictures[name])
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
