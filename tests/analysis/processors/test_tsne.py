import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from whyset.analysis.processors import TSNE, KNearestNeighbors, Spectrum, SpectrumOfGraph, SymmetricNeighbors
from whyset.errors import InputError


def two_clusters(size: int) -> SpectrumOfGraph:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2 * size, 10)) + 3.0 * np.repeat([0, 1], size)[:, None]
    return Spectrum(16)(SymmetricNeighbors()(KNearestNeighbors(3)(rows)), seed=0)


def test_clusters_lie_apart_in_the_plane_and_the_seed_decides_all() -> None:
    spectrum = two_clusters(40)
    plane = TSNE()(spectrum, seed=1)
    assert plane.shape == (80, 2)
    assert plane.dtype == np.float32
    assert silhouette_score(plane, np.repeat([0, 1], 40)) > 0.3
    np.testing.assert_array_equal(plane, TSNE()(spectrum, seed=1))


def test_few_samples_lower_the_perplexity() -> None:
    assert TSNE().perplexity_for(200) == 30
    assert TSNE().perplexity_for(13) == 4
    assert np.isfinite(TSNE()(two_clusters(5), seed=0)).all()


def test_perplexities_below_one_are_refused() -> None:
    with pytest.raises(InputError, match="perplexity"):
        TSNE(perplexity=float("nan"))
