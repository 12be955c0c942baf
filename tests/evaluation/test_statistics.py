import numpy as np
import pytest
from scipy import linalg, spatial

from ganonymization.evaluation.statistics import (
    bootstrap_interval,
    distances,
    first_rank_share,
    frechet_distance,
)


def test_the_frechet_distance_is_the_one_of_matrix_roots():
    """Against scipy's general matrix square root."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(300, 6)) @ rng.normal(size=(6, 6)), rng.normal(1, 2, (200, 6))
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(
        cov_a + cov_b - 2 * linalg.sqrtm(cov_a @ cov_b).real
    )
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-8)


def test_distances_are_those_of_scipy():
    a, b = np.random.default_rng(0).normal(size=(2, 7, 5))
    assert np.allclose(distances(a, b[:4]), spatial.distance.cdist(a, b[:4]))


def test_missing_faces_count_at_chance():
    gallery = np.random.default_rng(0).normal(size=(50, 4))
    probes = np.full_like(gallery, np.nan)
    assert first_rank_share(probes, gallery, 10)[0] == pytest.approx(0.1)
    probes[:25] = gallery[:25]
    assert first_rank_share(probes, gallery, 10)[0] == pytest.approx(0.55)


def test_unrelated_probes_are_ranked_first_by_chance():
    rng = np.random.default_rng(1)
    gallery = rng.normal(size=(400, 8))
    mean, low, high = first_rank_share(rng.normal(size=(400, 8)), gallery, 40)
    assert low < 1 / 40 < high
    assert mean == pytest.approx(1 / 40, abs=0.01)
    assert first_rank_share(gallery, gallery, 40)[0] == 1


def test_an_interval_holds_the_mean():
    mean, low, high = bootstrap_interval(np.arange(100.0))
    assert mean == 49.5
    assert 40 < low < mean < high < 60
