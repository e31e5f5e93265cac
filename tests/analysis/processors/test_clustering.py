import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster
from sklearn.metrics import adjusted_rand_score

from whyset.analysis.processors import (
    DBSCAN,
    HDBSCAN,
    Agglomerative,
    Eigengap,
    KMeans,
    KNearestNeighbors,
    NumberOfClusters,
    Spectrum,
    SpectrumOfGraph,
    SymmetricNeighbors,
    kmeans_sweep,
)
from whyset.analysis.processors.clustering import by_size, spectral_coordinates
from whyset.errors import InputError


def planted(count: int, apart: float = 12.0, size: int = 40) -> tuple[SpectrumOfGraph, np.ndarray]:
    rng = np.random.default_rng(count)
    centers = apart * np.linalg.qr(rng.normal(size=(20, 20)))[0][:count]
    rows = (centers[:, None] + rng.normal(size=(count, size, 20))).reshape(-1, 20)
    affinity = SymmetricNeighbors()(KNearestNeighbors(8)(rows))
    return Spectrum(24)(affinity, seed=0), np.repeat(np.arange(count), size)


@pytest.mark.parametrize("count", [2, 3, 5, 8, 16])
def test_planted_clusters_are_found_without_telling_their_number(count: int) -> None:
    spectrum, truth = planted(count)
    number = Eigengap()(spectrum)
    assert number.clusters == count
    assert adjusted_rand_score(truth, KMeans()(spectrum, number, seed=0).labels) == 1
    for part in (HDBSCAN(), DBSCAN(), Agglomerative(), Agglomerative(linkage="average")):
        assert adjusted_rand_score(truth, part(spectrum, number).labels) == 1, part


def test_clusters_in_one_connected_graph_are_found() -> None:
    spectrum, truth = planted(3, apart=4.0)
    assert spectrum.components == 1
    number = Eigengap()(spectrum)
    assert number.clusters == 3
    assert adjusted_rand_score(truth, KMeans()(spectrum, number, seed=0).labels) > 0.95


def test_a_given_number_of_clusters_is_used_for_vectors_and_clusters() -> None:
    spectrum, _ = planted(4)
    clustering = KMeans(n_clusters=6)(spectrum, NumberOfClusters(4, 0.5, True), seed=0)
    assert clustering.coordinates.shape[1] == 6
    assert len(clustering.sizes) == 6
    assert (clustering.selected_by, KMeans(n_clusters=6).name) == ("given", "kmeans-6")


def test_isolated_samples_are_noise() -> None:
    spectrum, truth = planted(2)
    isolated = np.append(np.zeros(len(truth), bool), True)
    vectors = np.vstack([spectrum.eigenvectors, np.zeros(24)])
    joined = SpectrumOfGraph(spectrum.eigenvalues, vectors, 2, isolated)
    number = NumberOfClusters(2, 0.5, True)
    found = [part(joined, number) for part in (HDBSCAN(), DBSCAN(), Agglomerative())]
    for clustering in (KMeans()(joined, number, seed=0), *found):
        assert clustering.labels[-1] == -1
        assert adjusted_rand_score(truth, clustering.labels[:-1]) == 1


def test_the_largest_cluster_is_number_zero() -> None:
    labels = by_size(np.array([7, 7, -1, 3, 3, 3, 9]), np.array([True] * 5 + [False] + [True] * 2))
    assert labels.tolist() == [1, 1, -1, 0, 0, -1, 0, 2]


def test_rows_have_unit_length_and_zero_rows_stay_zero() -> None:
    spectrum, _ = planted(3)
    vectors = spectrum.eigenvectors.copy()
    vectors[5] = 0
    rows = spectral_coordinates(SpectrumOfGraph(spectrum.eigenvalues, vectors, 3, spectrum.isolated), 3)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), np.arange(len(rows)) != 5)


def test_the_same_seed_gives_the_same_clusters() -> None:
    spectrum, _ = planted(5, apart=3.0)
    number = NumberOfClusters(9, 0.1, False)
    first, again = (KMeans(n_init=1)(spectrum, number, seed=3).labels for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_the_dendrogram_cut_anywhere_gives_the_clusters() -> None:
    spectrum, _ = planted(3, apart=4.0)
    clustering = Agglomerative(n_clusters=5)(spectrum, NumberOfClusters(3, 0.5, True))
    assert clustering.dendrogram.shape == (119, 4)
    cut = fcluster(clustering.dendrogram, 5, "maxclust")
    assert adjusted_rand_score(cut, clustering.labels) == 1
    assert (np.diff(clustering.dendrogram[:, 2]) >= 0).all()


def test_names_tell_what_was_asked_for() -> None:
    names = [part.name for part in (Agglomerative(), Agglomerative(3, "single"), DBSCAN(), *kmeans_sweep(2, 3))]
    assert names == ["agglomerative", "agglomerative-single-3", "dbscan", "kmeans-2", "kmeans-3"]
    assert len(kmeans_sweep()) == 29


def test_values_that_mean_nothing_are_refused() -> None:
    with pytest.raises(InputError):
        KMeans(n_clusters=1)
    with pytest.raises(InputError):
        HDBSCAN(min_cluster_size=1)
    for make in (
        lambda: DBSCAN(eps=0),
        lambda: DBSCAN(min_samples=0),
        lambda: Agglomerative(1),
        lambda: Agglomerative(linkage="median"),
        lambda: kmeans_sweep(1, 4),
    ):
        with pytest.raises(InputError):
            make()
    spectrum, truth = planted(2)
    with pytest.raises(InputError, match="need 500"):
        Agglomerative(500)(spectrum, NumberOfClusters(2, 0.5, True))
    with pytest.raises(InputError, match="need at least"):
        KMeans(n_clusters=len(truth) + 1)(spectrum, NumberOfClusters(2, 0.5, True), seed=0)


def make_spectrum(*eigenvalues: float, components: int = 1, samples: int = 100) -> SpectrumOfGraph:
    return SpectrumOfGraph(
        np.array(eigenvalues), np.zeros((samples, len(eigenvalues))), components, np.zeros(samples, bool)
    )


def test_the_largest_gap_gives_the_number() -> None:
    number = Eigengap()(make_spectrum(1.0, 0.95, 0.9, 0.5, 0.45, 0.3))
    assert (number.clusters, number.clear) == (3, True)
    assert number.gap == pytest.approx(0.4)


def test_one_strategy_still_gets_two_clusters_or_more_but_is_not_clear() -> None:
    number = Eigengap()(make_spectrum(1.0, 0.5, 0.45, 0.3, 0.28))
    assert (number.clusters, number.clear) == (3, False)
    assert number.gap == pytest.approx(0.15)


def test_components_are_clusters_at_least_and_their_number_is_clear() -> None:
    number = Eigengap()(make_spectrum(1, 1, 1, 1, 0.5, 0.1, components=4))
    assert (number.clusters, number.clear) == (4, True)
    number = Eigengap(maximum=2)(make_spectrum(1, 1, 1, 1, 0.9, 0.1, components=4))
    assert number.clusters == 4


def test_the_maximum_and_a_quarter_of_the_samples_bound_the_number() -> None:
    values = (1.0, 0.99, 0.9, 0.89, 0.88, 0.2, 0.1)
    assert Eigengap(maximum=4)(make_spectrum(*values)).clusters == 2
    assert Eigengap()(make_spectrum(*values)).clusters == 5
    assert Eigengap()(make_spectrum(*values, samples=16)).clusters == 2


def test_too_few_eigenvalues_are_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        Eigengap()(make_spectrum(1.0, 0.5))


def test_a_larger_eigengap_beyond_the_maximum_is_reported_and_the_smaller_number_is_used() -> None:
    """20 clusters that hang together: 2 is what is searched best, and 20 what is there."""
    spectrum, truth = planted(20, apart=5.0)
    assert spectrum.components < 3
    number = Eigengap()(spectrum)
    assert (number.clusters <= 16, number.beyond) == (True, 20)
    larger = Eigengap(maximum=20)(spectrum)
    assert (larger.clusters, larger.beyond) == (20, None)
    assert adjusted_rand_score(truth, KMeans()(spectrum, larger, seed=0).labels) > 0.95


def test_a_gap_within_the_maximum_is_not_beyond_it() -> None:
    assert Eigengap()(planted(5, apart=4.5)[0]).beyond is None


def test_the_smallest_cluster_by_density_is_a_fiftieth_of_the_class_and_at_least_8() -> None:
    for count, size, expected in ((3, 40, 8), (5, 160, 16)):
        spectrum, truth = planted(count, size=size)
        found = HDBSCAN()(spectrum, Eigengap()(spectrum))
        assert found.min_cluster_size == expected
        np.testing.assert_array_equal(found.labels, HDBSCAN(expected)(spectrum, Eigengap()(spectrum)).labels)
        assert adjusted_rand_score(truth, found.labels) == 1
