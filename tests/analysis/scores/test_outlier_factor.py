import numpy as np
from sklearn.neighbors import LocalOutlierFactor

from whyset.analysis.processors import KNearestNeighbors
from whyset.analysis.scores import local_outlier_factor


def test_it_is_scikit_learns() -> None:
    rows = np.random.default_rng(0).normal(size=(120, 4)) ** 3
    expected = -LocalOutlierFactor(n_neighbors=7).fit(rows).negative_outlier_factor_
    np.testing.assert_allclose(local_outlier_factor(KNearestNeighbors(7)(rows)), expected, rtol=1e-6)


def test_a_sample_apart_stands_out_and_duplicates_do_not() -> None:
    rows = np.random.default_rng(1).normal(size=(60, 3))
    rows[0] = 15
    rows[10:20] = rows[10]
    factors = local_outlier_factor(KNearestNeighbors(5)(rows))
    assert factors.argmax() == 0
    assert factors[0] > 4
    np.testing.assert_array_equal(factors[10:20], 1)
    assert np.isfinite(factors).all()
