"""Numbers that are reported: ranks, distances between sets, intervals."""

from collections.abc import Callable, Sequence

import numpy as np

from ..types import Reals
from .arrays import NOT_MEASURED, Interval, Texts, Values

_ROUNDING = 1e-9  # of a value: what is smaller does not vary
_LEAST_TO_TEST = 8  # differences, below which the normal approximation of Wilcoxon's test is poor


def over_people(sums: Values, statistic: Callable[[Values], Values], draws: int = 1000) -> Interval:
    """A statistic and its 95 % interval by bootstrap over people (Davison and Hinkley 1997, 3.8).

    Pictures of one person resemble each other; an interval over pictures would be too narrow.

    Args:
        sums: (P, K) what each person adds to K sums.
        statistic: Of (..., K) sums, (...,); NaN where it is not defined.
        draws: Samples of people with replacement.
    """
    rng, people = np.random.default_rng(0), len(sums)
    drawn = statistic(
        np.array([sums[rng.integers(0, people, people)].sum(0) for _ in range(draws)])
    )
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return float(statistic(sums.sum(0))), float(low), float(high)


def interval_over_people(values: Reals, person: Texts) -> Interval:
    """Mean of (N,) finite values of pictures and its interval; of none, NaN."""
    if not len(values):
        return NOT_MEASURED
    number = np.unique(person, return_inverse=True)[1]
    sums = np.stack([np.bincount(number, x) for x in (values, np.ones(len(values)))], axis=1)
    return over_people(sums.astype(np.float64), lambda total: total[..., 0] / total[..., 1])


def mean_of_parts(parts: Sequence[Interval]) -> Interval:
    """Mean of figures of different people; the variances of their errors add up."""
    mean, low, high = np.array(parts).T
    below, above = (np.sqrt((gap**2).sum()) / len(parts) for gap in (mean - low, high - mean))
    middle = float(mean.mean())
    return middle, middle - float(below), middle + float(above)


def correlation_interval(a: Reals, b: Reals, person: Texts) -> Interval:
    """Pearson's correlation of all numbers of a and b, (N,) or (N, D); NaN if either is flat."""
    if not len(a):
        return NOT_MEASURED
    # in units of their own, so that limits are relative and sums of squares lose no digits
    a, b = (_standardised(np.asarray(x, np.float64).reshape(len(x), -1)) for x in (a, b))
    if not (a.any() and b.any()):
        return NOT_MEASURED
    number = np.unique(person, return_inverse=True)[1]
    terms = (np.ones_like(a), a, b, a * b, a * a, b * b)
    sums = np.stack([np.bincount(number, term.sum(1)) for term in terms], axis=1)

    def correlation(total: Values) -> Values:
        mean_a, mean_b, ab, aa, bb = np.moveaxis(total[..., 1:] / total[..., :1], -1, 0)
        variances = (aa - mean_a**2) * (bb - mean_b**2)
        varies = variances > _ROUNDING
        root = np.sqrt(np.where(varies, variances, 1))
        return np.where(varies, (ab - mean_a * mean_b) / root, np.nan)

    return over_people(sums.astype(np.float64), correlation, draws=500)


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


def frechet(a: Reals, b: Reals) -> float:
    """Fréchet distance of the recogniser's numbers of originals and outputs.

    Range: 0 and up, lower is better; compare sets of equal size only, for sets (N, D) and (M, D)
    not much larger than D are further apart than their sources. Source: Heusel et al.,
    "GANs trained by a two time-scale update rule", NeurIPS 2017, there with another network.
    """
    gap = np.square(a.mean(0) - b.mean(0)).sum()
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # the trace of (A B)^(1/2), whose eigenvalues are real and none below 0 but by rounding
    eigenvalues = np.linalg.eigvals(cov_a @ cov_b).real
    cross = np.sqrt(np.maximum(eigenvalues, 0)).sum()
    return float(gap + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)
