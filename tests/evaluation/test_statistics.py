from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from scipy import linalg, spatial, stats

from ganonymization.evaluation.statistics import (
    correlation_interval,
    distances,
    frechet,
    interval_over_people,
    mean_of_parts,
    paired_test,
    rank_probabilities,
)


def people(count: int, pictures: int) -> np.ndarray:
    return np.repeat([f"p{i:03d}" for i in range(count)], pictures)


def width(interval) -> float:
    return interval[2] - interval[1]


def test_the_frechet_is_the_one_of_matrix_roots():
    """Against scipy's general matrix square root."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(300, 6)) @ rng.normal(size=(6, 6)), rng.normal(1, 2, (200, 6))
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(
        cov_a + cov_b - 2 * linalg.sqrtm(cov_a @ cov_b).real
    )
    assert frechet(a, b) == pytest.approx(expected, rel=1e-6)
    assert frechet(a, a) == pytest.approx(0, abs=1e-8)


def test_distances_are_those_of_scipy():
    a, b = np.random.default_rng(0).normal(size=(2, 7, 5))
    assert np.allclose(distances(a, b[:4]), spatial.distance.cdist(a, b[:4]))


def test_an_interval_holds_the_mean():
    mean, low, high = interval_over_people(np.arange(100.0), people(100, 1))
    assert mean == 49.5
    assert 40 < low < mean < high < 60


def test_ranks_are_the_mean_over_all_galleries():
    """Against each gallery in turn."""
    rng = np.random.default_rng(0)
    own, others = rng.uniform(size=6), rng.uniform(size=(6, 7))
    others[0, 2] = others[1, :3] = np.nan
    expected = [
        [
            np.mean([sum(o < d for o in chosen) < k for chosen in combinations(known, 3)])
            for k in (1, 2, 3)
        ]
        for d, known in zip(own, (row[np.isfinite(row)] for row in others), strict=True)
    ]
    assert len(np.unique(expected)) > 6
    assert np.allclose(rank_probabilities(own, others, 4, (1, 2, 3)), expected)


def test_missing_faces_count_at_chance():
    others = np.random.default_rng(0).uniform(1, 2, (50, 49))
    assert rank_probabilities(np.full(50, np.nan), others, 10, (1,)).mean() == pytest.approx(0.1)
    found = rank_probabilities(np.where(np.arange(50) < 25, 0.0, np.nan), others, 10, (1,))
    assert found.mean() == pytest.approx(0.55)


def test_unrelated_probes_are_ranked_first_by_chance():
    rng = np.random.default_rng(1)
    found = rank_probabilities(rng.uniform(size=400), rng.uniform(size=(400, 399)), 40, (1,))
    assert found.mean() == pytest.approx(1 / 40, abs=0.01)


def test_a_gallery_holds_no_more_people_than_there_are():
    own, others = np.array([2.0]), np.array([[1.0, 3, 4, np.nan]])
    (few,) = rank_probabilities(own, others, 100, (1, 2, 10))
    assert few.tolist() == [0, 1, 1]


def test_a_missing_output_counts_at_chance():
    own, others = np.array([np.nan]), np.ones((1, 30))
    assert rank_probabilities(own, others, 20, (1, 5, 40))[0] == pytest.approx([0.05, 0.25, 1])
    assert rank_probabilities(own, others[:, :3], 20, (1,))[0] == pytest.approx([0.25])


def test_ties_are_at_chance():
    own, others = np.ones(5000), np.ones((5000, 12))
    found = rank_probabilities(own, others, 8, (1, 4)).mean(0)
    assert found == pytest.approx([1 / 8, 1 / 2], abs=0.02)


def test_people_without_a_picture_are_in_the_gallery_but_never_nearest():
    own, others = np.array([5.0]), np.array([[1.0, np.inf, np.inf]])
    assert rank_probabilities(own, others, 2, (1,))[0] == pytest.approx([2 / 3])


def test_the_papers_test_is_that_of_scipy():
    rng = np.random.default_rng(0)
    a = rng.gamma(3.0, size=60)
    b = a - rng.normal(0.2, 0.5, 60)
    b[5:8] = a[5:8]  # equal pairs tell nothing
    there = np.r_[0:50]
    a[50:55], b[55:] = np.nan, np.nan
    told = paired_test(a, b)
    expected = stats.wilcoxon(a[there], b[there], method="asymptotic")
    assert told["n"] == 50
    assert told["p"] == pytest.approx(expected.pvalue)
    assert 1e-9 < told["p"] < 0.5
    assert told["shapiro_p"] == pytest.approx(stats.shapiro((a - b)[there]).pvalue)
    assert told["median"] == np.median(a[there])
    assert told["median_other"] == np.median(b[there])
    assert told["r"] == pytest.approx(told["z"] / sqrt(47))


def test_the_papers_test_of_ten_pairs_is_the_one_by_hand():
    """Nine gaps up with ranks 1 to 9, one down with rank 10: W = 45 about 27.5."""
    gap = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, -10])
    z = (45 - 27.5) / sqrt(10 * 11 * 21 / 24)
    told = paired_test(gap + 20, np.full(10, 20.0))
    assert told["z"] == pytest.approx(z)
    assert told["r"] == pytest.approx(z / sqrt(10))
    assert told["p"] == pytest.approx(2 * stats.norm.sf(z))
    other_way = paired_test(np.full(10, 20.0), gap + 20)
    assert other_way["r"] == pytest.approx(-z / sqrt(10))
    assert other_way["p"] == pytest.approx(told["p"])


def test_several_comparisons_make_a_test_stricter():
    gap = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, -10])
    once, thrice, often = (paired_test(gap, np.zeros(10), n)["p"] for n in (1, 3, 100))
    assert thrice == pytest.approx(3 * once)
    assert often == 1


def test_too_few_pairs_or_equal_ones_tell_nothing():
    for a in (np.arange(1.0, 8), np.zeros(30)):
        told = paired_test(a, np.zeros(len(a)))
        assert (told["p"], told["r"]) == (1, 0)


def test_people_whose_pictures_are_alike_widen_the_interval():
    by_person = np.random.default_rng(0).normal(size=40)
    alike = np.repeat(by_person, 10)
    mean, low, high = interval_over_people(alike, people(40, 10))
    assert mean == pytest.approx(by_person.mean())
    expected = 2 * 1.96 * by_person.std() / sqrt(40)
    assert high - low == pytest.approx(expected, rel=0.1)
    assert high - low > 2.5 * width(interval_over_people(alike, people(400, 1)))


def test_the_mean_counts_pictures_rather_than_people():
    values, person = np.array([1.0, 1, 1, 5]), np.array(["a", "a", "a", "b"])
    mean, low, high = interval_over_people(values, person)
    assert (mean, low, high) == (2, 1, 5)


def test_an_interval_of_nothing_is_not_a_number():
    assert np.isnan(interval_over_people(np.zeros(0), np.zeros(0, np.str_))).all()


def test_parts_of_different_people_narrow_the_interval():
    assert mean_of_parts([(0.5, 0.4, 0.7)]) == pytest.approx((0.5, 0.4, 0.7))
    middle, low, high = mean_of_parts([(0.5, 0.4, 0.7), (0.7, 0.6, 0.9)])
    assert middle == pytest.approx(0.6)
    assert middle - low == pytest.approx(0.1 / sqrt(2))
    assert high - middle == pytest.approx(0.2 / sqrt(2))


def test_a_correlation_is_that_of_numpy():
    rng = np.random.default_rng(0)
    a = rng.normal(3, 2, (300, 4))
    b = a + rng.normal(0, 2, a.shape)
    expected = np.corrcoef(a.ravel(), b.ravel())[0, 1]
    assert correlation_interval(a, b, people(300, 1))[0] == pytest.approx(expected)
    assert correlation_interval(a, -5 * b + 1, people(100, 3))[0] == pytest.approx(-expected)


def test_a_correlations_interval_is_that_of_fisher():
    """Where all are of different people his transformation holds."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=400)
    b = a + rng.normal(size=400)
    r, low, high = correlation_interval(a, b, people(400, 1))
    ends = np.tanh(np.arctanh(r) + np.array([-1.96, 1.96]) / sqrt(397))
    assert (low, high) == pytest.approx(tuple(ends), abs=0.02)
    alike = correlation_interval(np.repeat(a, 4), np.repeat(b, 4), people(400, 4))
    assert width(alike) == pytest.approx(high - low)


@pytest.mark.parametrize("constant", [0.7, 12.7])
def test_what_does_not_vary_correlates_with_nothing(constant):
    varied, person = np.random.default_rng(0).normal(size=160), np.arange(160).astype(str)
    assert np.isnan(correlation_interval(np.full(160, constant), varied, person)).all()
    assert np.isnan(correlation_interval(varied[:0], varied[:0], person[:0])).all()


def test_a_correlation_does_not_hang_on_the_unit():
    values = np.random.default_rng(0).normal(size=160) * 1e-7
    assert correlation_interval(values, values, np.arange(160).astype(str))[0] == pytest.approx(1)


def test_who_is_alone_in_a_gallery_is_found():
    assert (rank_probabilities(np.ones(1), np.full((1, 3), np.nan), 100, (1,)) == 1).all()


def test_a_constant_gap_can_be_tested():
    assert paired_test(np.arange(10.0) + 1, np.arange(10.0))["r"] > 0.8
