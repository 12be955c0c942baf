"""Numbers that are reported: ranks, distances between sets, intervals."""

from collections.abc import Sequence

import numpy as np

from ..types import Reals
from .arrays import NOT_MEASURED, Interval, Rows, Texts, Values

_ROUNDING = 1e-9  # of a value: what is smaller does not vary
_LEAST_TO_TEST = 8  # differences, below which the normal approximation of Wilcoxon's test is poor


def bootstrap_interval(values: Reals, share: float = 0.95, draws: int = 2000) -> Interval:
    """Mean of (N,) values, and the interval that holds a share of bootstrapped means."""
    data = np.asarray(values, np.float64)
    rng = np.random.default_rng(0)
    means = np.array([data[rng.integers(0, len(data), len(data))].mean() for _ in range(draws)])
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(data.mean()), float(low), float(high)


def interval_over_people(
    values: Reals, person: Texts, share: float = 0.95, draws: int = 1000
) -> Interval:
    """Mean over pictures and its interval by bootstrap over people (Davison and Hinkley 1997, 3.8).

    Pictures of one person resemble each other; an interval over pictures would be too narrow.

    Args:
        values: (N,), finite; without any all is NaN.
        person: (N,).
        share: Of the means that the interval holds.
        draws: Samples of people with replacement.
    """
    if not len(values):
        return NOT_MEASURED
    _, number = np.unique(person, return_inverse=True)
    sums = np.bincount(number, values)
    counts = np.bincount(number).astype(np.float64)
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(sums), (draws, len(sums)))
    means = sums[chosen].sum(1) / counts[chosen].sum(1)
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(np.mean(values)), float(low), float(high)


def mean_of_parts(parts: Sequence[Interval]) -> Interval:
    """Mean of figures of different people; the variances of their errors add up."""
    mean, low, high = np.array(parts).T
    below, above = (np.sqrt((gap**2).sum()) / len(parts) for gap in (mean - low, high - mean))
    middle = float(mean.mean())
    return middle, middle - float(below), middle + float(above)


def correlation_interval(a: Reals, b: Reals, person: Texts, draws: int = 500) -> Interval:
    """Pearson's correlation of all numbers of a and b, its interval by bootstrap over people.

    NaN where either does not vary.

    Args:
        a: (N,) or (N, D), finite.
        b: Like a.
        person: (N,).
        draws: Samples of people with replacement.
    """
    if not len(a):
        return NOT_MEASURED
    flat = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (a, b))
    # in units of their own, so that limits are relative and sums of squares lose no digits
    a, b = (_standardised(x) for x in flat)
    if not (a.any() and b.any()):
        return NOT_MEASURED
    _, number = np.unique(person, return_inverse=True)
    sums = np.zeros((number.max() + 1, 6))
    ones = np.full(len(a), float(a.shape[1]))
    parts = (ones, a.sum(1), b.sum(1), (a * b).sum(1), (a * a).sum(1), (b * b).sum(1))
    np.add.at(sums, number, np.stack(parts, axis=1))

    def correlation(chosen: Rows) -> float:
        count, *rest = sums[chosen].sum(0)
        mean_a, mean_b, ab, aa, bb = (value / count for value in rest)
        variances = (aa - mean_a**2) * (bb - mean_b**2)
        if variances <= _ROUNDING:
            return float("nan")
        return float((ab - mean_a * mean_b) / np.sqrt(variances))

    rng = np.random.default_rng(0)
    everybody = np.arange(len(sums))
    drawn = [correlation(rng.choice(everybody, len(everybody))) for _ in range(draws)]
    low, high = np.nanquantile(drawn, [0.025, 0.975]) if np.isfinite(drawn).any() else (np.nan,) * 2
    return correlation(everybody), float(low), float(high)


def _standardised(values: Values) -> Values:
    """Mean zero and deviation one, or zeros where nothing varies but by rounding."""
    centred = values - values.mean()
    deviation = centred.std()
    varies = deviation > _ROUNDING * np.abs(values).max()
    return centred / deviation if varies else np.zeros_like(centred)


def rank_probabilities(own: Reals, others: Reals, size: int, ranks: Sequence[int]) -> Values:
    """How probably each probe's own person is among the first of a random gallery, (N, ranks).

    Of the others, c are nearer than the own one; in a gallery of ``size`` people, drawn at random
    around the own one, their number is hypergeometric. So the mean over all galleries is exact,
    without drawing any. Equal distances are ordered at random.

    Args:
        own: (N,) distance of each probe to its own person; NaN stands for a missing face, which
            counts at chance.
        others: (N, M) distances to other people, NaN where there is none.
        size: People in a gallery, the own one among them; fewer where there are no more.
        ranks: Such as 1, 5 and 10.
    """
    from scipy.stats import hypergeom

    count = np.isfinite(others) | np.isposinf(others)
    people = count.sum(1)
    with np.errstate(invalid="ignore"):
        nearer = (others < own[:, None]).sum(1)
        equal = (others == own[:, None]).sum(1)
    nearer = nearer + np.random.default_rng(0).integers(0, equal + 1)
    drawn = np.minimum(size - 1, people)
    people = np.maximum(people, 1)  # with nobody else the own one is first
    wanted = np.array(ranks)[None]
    found = hypergeom.cdf(wanted - 1, people[:, None], nearer[:, None], drawn[:, None])
    chance = np.minimum(wanted / (drawn + 1)[:, None], 1)
    probabilities: Values = np.where(np.isfinite(own)[:, None], found, chance)
    return probabilities


def paired_test(a: Reals, b: Reals, comparisons: int = 1) -> dict[str, float]:
    """The paper's test whether one anonymization brings faces further away than another.

    Shapiro and Wilk's test whether the differences are normal, Wilcoxon's signed-rank test with
    Bonferroni's correction, and the effect size r = z / sqrt(n) (Rosenthal 1991): 0.1 is small, 0.3
    medium, 0.5 large; positive where ``a`` is larger.

    Args:
        a: (N,) distances.
        b: (N,) distances of the same pictures; rows with NaN in either are not compared.
        comparisons: Tests made in all.
    """
    from scipy.stats import rankdata, shapiro, wilcoxon

    there = np.isfinite(a) & np.isfinite(b)
    gap = np.asarray(a[there] - b[there], np.float64)
    n = int(np.count_nonzero(gap))
    median, median_other = (float(np.median(x[there])) if len(gap) else np.nan for x in (a, b))
    result = {"n": float(len(gap)), "median": median, "median_other": median_other,
              "shapiro_p": float("nan"), "z": 0.0, "p": 1.0, "r": 0.0}  # fmt: skip
    if n < _LEAST_TO_TEST:
        return result
    tested = wilcoxon(gap, method="approx", correction=False)
    ranks = rankdata(np.abs(gap[gap != 0])) * np.sign(gap[gap != 0])
    z = abs(float(tested.zstatistic)) * float(np.sign(ranks.sum()))
    sample = np.random.default_rng(0).permutation(gap)[:5000]  # Shapiro's p holds no further
    if np.ptp(sample) > 0:
        result["shapiro_p"] = float(shapiro(sample).pvalue)
    p = min(1.0, float(tested.pvalue) * comparisons)
    return result | {"z": z, "p": p, "r": z / float(np.sqrt(n))}


def distances(a: Reals, b: Reals) -> Values:
    """Euclidean distances between the rows of two sets, (N, D) and (M, D) -> (N, M)."""
    squared = np.square(a).sum(1)[:, None] + np.square(b).sum(1)[None] - 2 * a @ b.T
    gaps: Values = np.sqrt(np.maximum(squared, 0))
    return gaps


def frechet_distance(a: Reals, b: Reals) -> float:
    """Fréchet distance of the normal distributions fitted to two sets of features.

    Heusel et al., "GANs trained by a two time-scale update rule", NeurIPS 2017, equation 6. Sets
    (N, D) and (M, D) not much larger than D are further apart than their sources: compare sets of
    one size only.
    """
    gap = np.square(a.mean(0) - b.mean(0)).sum()
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(cov_a)
    root_a = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    # The trace of (A B)^(1/2) by the symmetric A^(1/2) B A^(1/2), whose eigenvalues are real.
    eigenvalues = np.linalg.eigvalsh(root_a @ cov_b @ root_a)
    cross = np.sqrt(np.maximum(eigenvalues, 0)).sum()
    return float(gap + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)
