"""Similarities against SciPy and scikit-image."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cosine
from skimage.metrics import structural_similarity

from whyset.evaluation.metrics.similarity import SIMILARITIES, compare_maps


def draw(shape, n=4):
    generator = np.random.default_rng(0)
    first = generator.standard_normal((n, int(np.prod(shape))))
    return first, first + generator.standard_normal(first.shape)


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("spearman", lambda a, b: stats.spearmanr(a, b).statistic),
        ("pearson", lambda a, b: stats.pearsonr(a, b).statistic),
        ("cosine", lambda a, b: 1 - cosine(a, b)),
    ],
)
def test_similarities_are_those_of_scipy(name, oracle):
    first, second = draw((5, 6))
    first[0] = first[0].round()  # with ties
    found = compare_maps(first, second, (5, 6), name)
    np.testing.assert_allclose(found, [oracle(a, b) for a, b in zip(first, second, strict=True)], rtol=1e-12)


@pytest.mark.parametrize("shape", [(12, 9), (30,), (9, 8, 11), (7, 40)])
def test_the_structural_similarity_is_that_of_scikit_image(shape):
    first, second = draw(shape)
    expected = [
        structural_similarity(a, b, data_range=max(a.max(), b.max()) - min(a.min(), b.min()))
        for a, b in zip(first.reshape(-1, *shape), second.reshape(-1, *shape), strict=True)
    ]
    np.testing.assert_allclose(compare_maps(first, second, shape, "ssim"), expected, rtol=1e-9)


def test_the_window_fits_small_maps():
    first, second = draw((4, 5))
    expected = [
        structural_similarity(a, b, win_size=3, data_range=max(a.max(), b.max()) - min(a.min(), b.min()))
        for a, b in zip(first[:, :9].reshape(-1, 3, 3), second[:, :9].reshape(-1, 3, 3), strict=True)
    ]
    np.testing.assert_allclose(compare_maps(first[:, :9], second[:, :9], (3, 3), "ssim"), expected, rtol=1e-9)
    assert np.isfinite(compare_maps(first, second, (4, 5), "ssim")).all()
    assert np.isfinite(compare_maps(first, second, (1, 20), "ssim")).all()


@pytest.mark.parametrize("name", SIMILARITIES)
def test_a_map_is_like_itself_and_a_constant_like_nothing(name):
    first, _ = draw((5, 6), n=3)
    np.testing.assert_allclose(compare_maps(first, first, (5, 6), name), 1, rtol=1e-12)
    zeros = np.zeros_like(first)
    assert np.isnan(compare_maps(zeros, zeros, (5, 6), name)).all()
    infinite = np.where(np.arange(30) == 3, np.inf, first)
    assert np.isnan(compare_maps(first, infinite, (5, 6), name)).all()
    if name in ("spearman", "pearson"):
        assert np.isnan(compare_maps(first, np.full_like(first, 1 / 3), (5, 6), name)).all()
