"""Whether outputs look like faces, many different ones, and as sharp as the originals."""

import numpy as np

from .arrays import Flags, Rows, Values
from .figures import Family, Figure, Missing, Verdict, graded, worst
from .observations import PairedObservations
from .statistics import distances, frechet

_FOUND, _FOUND_LITTLE = 0.95, 0.8
_VARIED, _VARIED_LITTLE = 0.6, 0.3
_LEAST = 20
_FEW = Missing(
    f"variety: fewer than {_LEAST} pairs show a face in both pictures",
    f"give {_LEAST} originals or more and outputs in which faces are found",
)


def face_found(found: Flags, outputs: Rows) -> Values:
    """Whether a face with landmarks is found in an output, (N,) 0 or 1.

    Range of the mean: 0 to 1, higher is better; NaN without an output. Source: this project.
    """
    return np.where(outputs > 0, found.astype(np.float64), np.nan)


def sharpness_ratio(before: Values, after: Values) -> Values:
    """Deviation of the Laplacian over the face, output by original at equal size, (N,).

    Range: 0 and up, 1 is best. Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield
    microscopy", ICPR 2000.
    """
    ratio: Values = after / np.maximum(before, 1e-6)
    return ratio


def variety(before: Values, after: Values) -> float:
    """Mean distance of the recogniser's numbers between outputs, by that between originals.

    Range: 0 and up; near 1 outputs differ as people do, near 0 all show one face.
    Source: this project.
    """
    return _mean_gap(after) / max(_mean_gap(before), 1e-9)


METRICS = (face_found, sharpness_ratio, variety, frechet)


def measure(pairs: PairedObservations) -> Family:
    """Look at the outputs as pictures."""
    found = face_found(pairs.after.found, pairs.outputs)
    sharp = sharpness_ratio(pairs.before.sharpness, pairs.after.sharpness)
    figures = pairs.mean_figures(face_found, "face found in the output", found)
    figures += pairs.mean_figures(sharpness_ratio, "sharpness by the original's", sharp)
    both = np.isfinite(pairs.before.embedding).all(1) & np.isfinite(pairs.after.embedding).all(1)
    verdicts: list[Verdict] = [graded(figures[0].value, _FOUND, _FOUND_LITTLE)]
    share = figures[0].value
    findings = ["There are no outputs." if np.isnan(share) else
                f"A face is found in {share:.1%} of the outputs."]  # fmt: skip
    if both.sum() >= _LEAST:
        before, after = pairs.before.embedding[both], pairs.after.embedding[both]
        varied = variety(before, after)
        figures.append(Figure("variety", "variety of faces", varied, count=int(both.sum())))
        figures.append(Figure("frechet", "Fréchet distance to the originals",
                              frechet(before, after), count=int(both.sum())))  # fmt: skip
        verdicts.append(graded(varied, _VARIED, _VARIED_LITTLE))
        findings.append(f"Outputs differ {varied:.2f} times as much as people do.")
    missing = () if both.sum() >= _LEAST else (_FEW,)
    return Family("quality", worst(verdicts, missing), tuple(findings), tuple(figures), METRICS,
                  {"found again": found, "sharpness ratio": sharp}, missing=missing)  # fmt: skip


def _mean_gap(values: Values) -> float:
    sample = np.random.default_rng(0).permutation(values)[:500]
    gaps = distances(sample, sample)
    return float(gaps[~np.eye(len(gaps), dtype=bool)].mean())
