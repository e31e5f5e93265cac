import importlib.util
import sys

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from whyset.analysis.processors import (
    LLE,
    PCA,
    TSNE,
    UMAP,
    KNearestNeighbors,
    Spectrum,
    SpectrumOfGraph,
    SymmetricNeighbors,
)
from whyset.errors import InputError, MissingExtraError

LABELS = np.repeat([0, 1], 40)
FEATURES = (np.random.default_rng(0).normal(size=(80, 10)) + 4.0 * LABELS[:, None]).astype(np.float32)


def spectrum() -> object:
    return Spectrum(16)(SymmetricNeighbors()(KNearestNeighbors(4)(FEATURES)), seed=0)


@pytest.mark.parametrize("part", [PCA(), LLE(), TSNE(space="features")], ids=repr)
def test_two_clusters_lie_apart_and_the_seed_decides_all(part: object) -> None:
    plane = part(FEATURES, seed=3)
    assert plane.shape == (80, 2)
    assert plane.dtype == np.float32
    assert silhouette_score(plane, LABELS) > 0.3
    np.testing.assert_array_equal(plane, part(FEATURES, seed=3))


def test_principal_components_agree_with_the_singular_value_decomposition() -> None:
    centered = FEATURES.astype(np.float64) - FEATURES.mean(axis=0, dtype=np.float64)
    left, values, _ = np.linalg.svd(centered, full_matrices=False)
    expected = np.abs(left[:, :3] * values[:3])
    np.testing.assert_allclose(np.abs(PCA(3)(FEATURES, seed=0)), expected, rtol=1e-3, atol=1e-3)
    assert PCA(50)(FEATURES[:6], seed=0).shape == (6, 6)


def test_locally_linear_embedding_unrolls_a_curve() -> None:
    angle = np.linspace(0, 4.5, 120)
    curve = np.stack([np.cos(angle), np.sin(angle), np.zeros(120)], axis=1)
    along = LLE(6)(curve, seed=0)[:, 0]
    assert abs(np.corrcoef(along, angle)[0, 1]) > 0.99


@pytest.mark.parametrize("space", ["spectrum", "features"])
def test_umap_keeps_clusters_apart_and_repeats_with_the_seed(space: str) -> None:
    pytest.importorskip("umap", reason="umap-learn is not installed")
    given = spectrum() if space == "spectrum" else FEATURES
    plane = UMAP(space=space)(given, seed=1)
    assert silhouette_score(plane, LABELS) > 0.3
    np.testing.assert_array_equal(plane, UMAP(space=space)(given, seed=1))
    assert UMAP()(given if space == "spectrum" else FEATURES[:9], seed=0).shape[1] == 2


@pytest.mark.parametrize("space", ["spectrum", "features"])
def test_opentsne_keeps_clusters_apart_and_repeats_with_the_seed(space: str) -> None:
    pytest.importorskip("openTSNE", reason="openTSNE is not installed")
    given = spectrum() if space == "spectrum" else FEATURES
    part = TSNE(space=space, implementation="opentsne")
    plane = part(given, seed=1)
    assert (plane.shape, plane.dtype) == ((80, 2), np.float32)
    assert silhouette_score(plane, LABELS) > 0.3
    np.testing.assert_array_equal(plane, part(given, seed=1))


def test_both_implementations_of_tsne_reach_the_same_divergence() -> None:
    """KL(P, Q) of van der Maaten and Hinton (2008), with P of scikit-learn."""
    pytest.importorskip("openTSNE", reason="openTSNE is not installed")
    from scipy.spatial.distance import squareform
    from sklearn.manifold._t_sne import _joint_probabilities
    from sklearn.metrics import pairwise_distances

    rows = np.random.default_rng(1).normal(size=(300, 10)).astype(np.float32)
    joint = squareform(_joint_probabilities(pairwise_distances(rows, metric="sqeuclidean"), 30, False))
    joint /= joint.sum()

    def divergence(plane: np.ndarray) -> float:
        affinity = 1 / (1 + pairwise_distances(plane.astype(np.float64), metric="sqeuclidean"))
        np.fill_diagonal(affinity, 0)
        inside = joint > 0
        return float((joint[inside] * np.log(joint[inside] * affinity.sum() / affinity[inside])).sum())

    found = [divergence(TSNE(space="features", implementation=one)(rows, seed=0)) for one in ("sklearn", "opentsne")]
    random = divergence(np.random.default_rng(2).normal(size=(300, 2)))
    assert found[1] < found[0] + 0.1 * (random - found[0])


def test_opentsne_embeds_few_samples_and_is_named_if_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    part = TSNE(space="features", implementation="opentsne")
    assert (part.name, TSNE(implementation="opentsne").name) == ("opentsne-features", "opentsne")
    if importlib.util.find_spec("openTSNE") is not None:
        assert np.isfinite(part(FEATURES[:5], seed=0)).all()
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(MissingExtraError, match=r'pip install "whyset\[opentsne\]"'):
        part(FEATURES, seed=0)


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r'pip install "whyset\[umap\]"'):
        UMAP()(FEATURES, seed=0)


def test_names_and_inputs_tell_the_space() -> None:
    assert (TSNE().name, TSNE().inputs) == ("tsne", ("spectrum",))
    assert (UMAP(space="features").name, UMAP(space="features").inputs) == ("umap-features", ("features",))


@pytest.mark.parametrize(
    "make",
    [
        lambda: PCA(0),
        lambda: LLE(n_neighbors=2),
        lambda: LLE(reg=0),
        lambda: LLE()(FEATURES[:4], seed=0),
        lambda: UMAP(n_neighbors=1),
        lambda: UMAP(min_dist=2),
        lambda: TSNE(space="maps"),
        lambda: TSNE(implementation="auto"),
    ],
)
def test_values_that_mean_nothing_are_refused(make: object) -> None:
    with pytest.raises(InputError):
        make()


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
