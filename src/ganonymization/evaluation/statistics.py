"""Numbers that are reported: ranks, distances between sets, intervals."""

import numpy as np
from numpy.typing import NDArray

from ..types import Reals


def bootstrap_interval(
    values: Reals, share: float = 0.95, draws: int = 2000
) -> tuple[float, float, float]:
    """Mean, lower and upper end of its interval, by bootstrap over the values.

    Args:
        values: (N,).
        share: Of the means that the interval holds.
        draws: Samples with replacement.
    """
    data = np.asarray(values, np.float64)
    rng = np.random.default_rng(0)
    means = np.array([data[rng.integers(0, len(data), len(data))].mean() for _ in range(draws)])
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(data.mean()), float(low), float(high)


def distances(a: Reals, b: Reals) -> NDArray[np.float64]:
    """Euclidean distances between the rows of two sets, (N, D) and (M, D) -> (N, M)."""
    squared = np.square(a).sum(1)[:, None] + np.square(b).sum(1)[None] - 2 * a @ b.T
    gaps: NDArray[np.float64] = np.sqrt(np.maximum(squared, 0))
    return gaps


def first_rank_share(
    probes: Reals, gallery: Reals, size: int, draws: int = 200
) -> tuple[float, float, float]:
    """How often the source is ranked first among ``size`` people, with its 95 % interval.

    The mean over random galleries; people are drawn without replacement, and the interval is by
    bootstrap over people.

    Args:
        probes: (N, D) features of the anonymized faces, one per person; a row that is not finite
            stands for a missing face and counts at chance.
        gallery: (N, D) features of the sources, in the same order.
        size: People in a gallery; chance is 1 / size.
        draws: Galleries.
    """
    there = np.isfinite(probes).all(1)
    gaps = distances(np.where(there[:, None], probes, 0), gallery)
    rng = np.random.default_rng(0)
    size = min(size, len(probes))
    hits, seen = np.zeros(len(probes)), np.zeros(len(probes))
    for _ in range(draws):
        chosen = rng.choice(len(probes), size, replace=False)
        nearest = gaps[np.ix_(chosen, chosen)].argmin(1)
        hits[chosen] += np.where(there[chosen], nearest == np.arange(size), 1 / size)
        seen[chosen] += 1
    return bootstrap_interval(hits[seen > 0] / seen[seen > 0])


def frechet_distance(a: Reals, b: Reals) -> float:
    """Fréchet distance of the normal distributions fitted to two sets of features.

    Heusel et al., "GANs trained by a two time-scale update rule", NeurIPS 2017, equation 6. Sets
    not much larger than D are further apart than their sources: compare sets of one size only.

    Args:
        a: (N, D).
        b: (M, D).
    """
    gap = np.square(a.mean(0) - b.mean(0)).sum()
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root_a = _root(cov_a)
    # The trace of (A B)^(1/2) by the symmetric A^(1/2) B A^(1/2), whose eigenvalues are real.
    eigenvalues = np.linalg.eigvalsh(root_a @ cov_b @ root_a)
    cross = np.sqrt(np.maximum(eigenvalues, 0)).sum()
    return float(gap + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    root: NDArray[np.float64] = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root
