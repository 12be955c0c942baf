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


def source_ranks(probes: Reals, gallery: Reals) -> NDArray[np.int64]:
    """Where the recogniser ranks each probe's own source, 1 for first, (N,).

    Args:
        probes: (N, D) features of the anonymized faces.
        gallery: (N, D) features of the sources, in the same order.
    """
    distances = np.linalg.norm(probes[:, None] - gallery[None], axis=2)
    own = np.diagonal(distances)[:, None]
    ranks: NDArray[np.int64] = 1 + (distances < own).sum(1)
    return ranks


def first_rank_share(
    probes: Reals, gallery: Reals, size: int, draws: int = 200
) -> tuple[float, float, float]:
    """How often the source is ranked first among ``size`` people, with its 95 % interval.

    The mean over random galleries; people are drawn without replacement, and the interval is by
    bootstrap over people.

    Args:
        probes: (N, D) features of the anonymized faces, one per person.
        gallery: (N, D) features of the sources, in the same order.
        size: People in a gallery; chance is 1 / size.
        draws: Galleries.
    """
    distances = np.linalg.norm(probes[:, None] - gallery[None], axis=2)
    rng = np.random.default_rng(0)
    size = min(size, len(probes))
    hits, seen = np.zeros(len(probes)), np.zeros(len(probes))
    for _ in range(draws):
        chosen = rng.choice(len(probes), size, replace=False)
        nearest = distances[np.ix_(chosen, chosen)].argmin(1)
        hits[chosen] += nearest == np.arange(size)
        seen[chosen] += 1
    return bootstrap_interval(hits[seen > 0] / seen[seen > 0])


def frechet_distance(a: Reals, b: Reals) -> float:
    """Fréchet distance of the normal distributions fitted to two sets of features.

    Heusel et al., "GANs trained by a two time-scale update rule", NeurIPS 2017, equation 6.

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
