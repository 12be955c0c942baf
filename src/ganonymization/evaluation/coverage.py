"""Whether every face is covered: nothing missing, nothing left, nothing mixed up."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..geometry import topology
from ..surrogate.shape_model import Posed
from .arrays import Rows, Texts, Values
from .figures import Family, Figure, Missing, Verdict, worst
from .marked import Compared, face_covered, false_covers
from .observations import PairedObservations
from .statistics import distances

_LEFT = 0.5  # of the middle of a face's box unchanged: the face is still there
_MISSING_FAILS = 0.05
_ALIKE = 2  # pictures that are one and the same
_SURROUNDINGS = 0.5  # unchanged around the faces, or it is another picture
_UNLIKE, _UNLIKE_ON_AVERAGE = 0.5, 0.3
_MIXED_WARNS, _MIXED_FAILS = 0.1, 0.25
_LEAST, _WAYS = 20, 8
_UNCOMPARED = Missing(
    f"whether files are mixed up: fewer than {_LEAST} pairs show a face in both pictures",
    f"give {_LEAST} pairs or more, or outputs of the originals' size",
)


def has_output(outputs: Rows) -> Values:
    """Whether there is an output for a picture that shows a face, (N,) 0 or 1.

    Range of the mean: 0 to 1, higher is better. Source: this project.
    """
    return (outputs > 0).astype(np.float64)


def face_left(unchanged: Values) -> Values:
    """Whether an original face is left in the output, (N,) 0 or 1.

    More than half of the middle of some face's box is as it was, to 3 grey levels. Range of the
    mean: 0 to 1, must be 0. NaN where the output is of another size. Source: this project.
    """
    return np.where(np.isfinite(unchanged), (unchanged > _LEFT).astype(np.float64), np.nan)


def own_face(hashes: Texts) -> Values:
    """Whether an output is not the very file that other originals have got too, (N,) 0 or 1.

    Range of the mean: 0 to 1, must be 1: a constant face covers everybody and shows nothing.
    NaN without an output. Source: this project.
    """
    _, number, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    alone = (counts < _ALIKE)[number].astype(np.float64)
    return np.where(hashes == "", np.nan, alone)


def likeness_rank(pairs: PairedObservations) -> Values:
    """Share of other originals that an output's pose and expression resemble more, (N,).

    Range: 0 to 1, lower is better; 0.5 on average where outputs belong to other originals.
    Mahalanobis distance of head pose, openings and the leading ways in which faces move, in units
    of how outputs usually differ from their originals. NaN without a face. Source: this project.
    """
    rank = np.full(len(pairs.file), np.nan)
    both = pairs.before.found & pairs.after.found
    if both.sum() < _LEAST:
        return rank
    a, b = _descriptors(pairs.before.landmarks_px[both], pairs.after.landmarks_px[both])
    gap = b - a
    spread = np.cov(gap, rowvar=False) + 1e-9 * np.eye(gap.shape[1])
    white = np.linalg.inv(np.linalg.cholesky(spread)).T
    gaps = distances((b - gap.mean(0)) @ white, a @ white)
    own = np.diag(gaps)[:, None]
    rank[both] = ((gaps < own).sum(1) + ((gaps == own).sum(1) - 1) / 2) / (both.sum() - 1)
    return rank


def mixed_up(rank: Values, surroundings: Values) -> Values:
    """Whether an output seems to belong to another original, (N,) 0 or 1.

    More than half of the other originals resemble it more, or the picture around the faces is
    another one. Range of the mean: 0 to 1, lower is better; a few per cent are chance. NaN without
    a face. Source: this project.
    """
    beside = np.where(np.isfinite(surroundings), surroundings < _SURROUNDINGS, False)
    known = np.isfinite(rank) | np.isfinite(surroundings)
    unlike = np.where(np.isfinite(rank), rank, 0) > _UNLIKE
    return np.where(known, (beside | unlike).astype(np.float64), np.nan)


METRICS = (has_output, face_left, own_face, likeness_rank, mixed_up, face_covered, false_covers)


def measure(pairs: PairedObservations, compared: Compared | None = None) -> Family:
    """Look for what is missing, left or mixed up, and at marked faces where there are any."""
    rank = likeness_rank(pairs)
    columns: dict[str, tuple[Callable[..., Any], Values]] = {
        "has an output": (has_output, has_output(pairs.outputs)),
        "an original face is left": (face_left, face_left(pairs.unchanged)),
        "output of its own": (own_face, own_face(pairs.after.sha256)),
        "others that resemble it more": (likeness_rank, rank),
        "mixed up": (mixed_up, mixed_up(rank, pairs.surroundings)),
    }
    figures: list[Figure] = []
    for title, (metric, values) in columns.items():
        figures += pairs.mean_figures(metric, title, values)
    pictures = {title: values for title, (_, values) in columns.items()}
    verdicts, findings = _judged(pictures, pairs)
    missing = () if np.isfinite(pictures["mixed up"]).any() else (_UNCOMPARED,)
    tables = {}
    if compared is not None:
        figures = [*compared.figures(), *figures]
        more_verdicts, more_findings, uncompared = compared.judged()
        verdicts += more_verdicts
        findings, missing = [*more_findings, *findings], (*uncompared, *missing)
        tables = {"boxes": rows} if (rows := compared.rows()) else {}
    return Family("coverage", worst(verdicts, missing), tuple(findings), tuple(figures), METRICS,
                  pictures, tables, missing)  # fmt: skip


def _judged(
    pictures: dict[str, Values], pairs: PairedObservations
) -> tuple[list[Verdict], list[str]]:
    whole = len(pairs.file)
    missing = int((pictures["has an output"] == 0).sum())
    left = int(np.nansum(pictures["an original face is left"]))
    alike = int((pictures["output of its own"] == 0).sum())
    mixed = int(np.nansum(pictures["mixed up"]))
    ranks = pictures["others that resemble it more"]
    rank = float(ranks[np.isfinite(ranks)].mean()) if np.isfinite(ranks).any() else 0.0
    verdicts: list[Verdict] = ["pass"]
    findings = []
    if left:
        verdicts.append("fail")
        findings.append(f"An original face is left in {left} of {whole} outputs.")
    if alike:
        verdicts.append("fail")
        findings.append(f"{alike} of {whole} outputs are the same file as another's.")
    if missing:
        verdicts.append("fail" if missing > _MISSING_FAILS * whole else "warn")
        findings.append(f"{missing} of {whole} pictures with a face have no output.")
    if mixed > _MIXED_WARNS * whole or rank > _UNLIKE_ON_AVERAGE:
        failed = mixed > _MIXED_FAILS * whole or rank > _UNLIKE_ON_AVERAGE
        verdicts.append("fail" if failed else "warn")
        findings.append(
            f"{mixed} of {whole} outputs seem to belong to another original, or show quite "
            "another expression."
        )
    if not findings:
        findings.append(f"All {whole} pictures with a face have an output of their own.")
    if np.isnan(pictures["an original face is left"]).all():
        findings.append("Outputs are cut otherwise: whether a face was left was not compared.")
    return verdicts, findings


def _descriptors(before: Values, after: Values) -> tuple[Values, Values]:
    """Head pose and expression of two sets of faces, (N, K) each, in the first's deviations."""
    a, b = Posed.of(before), Posed.of(after)
    moving = sorted({place for region in topology.EXPRESSIVE.values() for place in region})
    flat = [face.frontal[:, moving, :2].reshape(len(face.frontal), -1) for face in (a, b)]
    centred = flat[0] - flat[0].mean(0)
    _, _, ways = np.linalg.svd(centred, full_matrices=False)
    ways = ways[: min(_WAYS, len(ways))].T
    values = [
        np.hstack([face.pose_features()[:, :2], points @ ways])
        for face, points in zip((a, b), flat, strict=True)
    ]
    scale = np.maximum(values[0].std(0), 1e-9)
    return values[0] / scale, values[1] / scale
