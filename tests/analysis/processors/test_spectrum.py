import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import block_diag, csr_array

from whyset.analysis.processors import KNearestNeighbors, Spectrum, SymmetricNeighbors
from whyset.errors import InputError


def dense(affinity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All eigenvalues of D^-½ A D^-½, descending, by numpy's dense solver; isolated nodes left out."""
    joined = affinity[affinity.sum(axis=1) > 0][:, affinity.sum(axis=1) > 0]
    scale = 1 / np.sqrt(joined.sum(axis=1))
    values, vectors = np.linalg.eigh(scale[:, None] * joined * scale)
    return values[::-1], vectors[:, ::-1]


def clusters(count: int, size: int, seed: int = 0, apart: float = 100.0) -> csr_array:
    """The neighbor graph of `count` clusters: disconnected where they are far apart."""
    rng = np.random.default_rng(seed)
    centers = apart * rng.normal(size=(count, 1, 10))
    rows = (centers + rng.normal(size=(count, size, 10))).reshape(-1, 10)
    return SymmetricNeighbors()(KNearestNeighbors(6)(rows))


@pytest.mark.parametrize("dense_below", [3, 10_000], ids=["Lanczos", "dense"])
@pytest.mark.parametrize("count", [2, 8, 16, 40])
def test_every_eigenvalue_one_of_disconnected_clusters_is_found(count: int, dense_below: int) -> None:
    affinity = clusters(count, 45)
    found = Spectrum(48, dense_below)(affinity, seed=0)
    np.testing.assert_allclose(found.eigenvalues, dense(affinity.toarray())[0][:48], atol=1e-9)
    assert found.components == count == np.count_nonzero(found.eigenvalues > 1 - 1e-9)


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(8, 40), min_size=1, max_size=6), seed=st.integers(0, 999))
def test_merged_spectra_are_the_spectrum_of_the_whole(sizes: list[int], seed: int) -> None:
    parts = [clusters(1, size, seed + number) for number, size in enumerate(sizes)]
    affinity = csr_array(block_diag(parts))
    found = Spectrum(20)(affinity, seed=seed)
    np.testing.assert_allclose(found.eigenvalues, dense(affinity.toarray())[0][: len(found.eigenvalues)], atol=1e-12)


@pytest.mark.parametrize("dense_below", [3, 10_000], ids=["Lanczos", "dense"])
def test_vectors_are_unit_eigenvectors_of_the_right_end(dense_below: int) -> None:
    affinity = clusters(3, 60, apart=1.0)
    found = Spectrum(12, dense_below)(affinity, seed=0)
    scale = 1 / np.sqrt(affinity.sum(axis=1))
    normalized = scale[:, None] * affinity.toarray() * scale
    np.testing.assert_allclose(normalized @ found.eigenvectors, found.eigenvectors * found.eigenvalues, atol=1e-7)
    np.testing.assert_allclose(found.eigenvectors.T @ found.eigenvectors, np.eye(12), atol=1e-7)
    assert found.eigenvalues[0] == 1
    assert (np.diff(found.eigenvalues) <= 0).all()
    np.testing.assert_allclose(found.eigenvalues, dense(affinity.toarray())[0][:12], atol=1e-9)


@pytest.mark.parametrize("dense_below", [3, 10_000], ids=["Lanczos", "dense"])
def test_large_negative_eigenvalues_are_the_wrong_end(dense_below: int) -> None:
    """The graph has edges only between two halves, so for each λ there is a -λ of the same size."""
    between = (np.random.default_rng(0).uniform(size=(40, 40)) < 0.2).astype(float)
    affinity = np.zeros((80, 80))
    affinity[:40, 40:], affinity[40:, :40] = between, between.T
    found = Spectrum(10, dense_below)(csr_array(affinity), seed=0)
    np.testing.assert_allclose(found.eigenvalues, dense(affinity)[0][:10], atol=1e-9)


def test_the_first_vector_of_a_connected_graph_is_the_square_root_of_the_degree() -> None:
    affinity = clusters(1, 80)
    root = np.sqrt(affinity.sum(axis=1))
    found = Spectrum(4)(affinity, seed=0)
    np.testing.assert_allclose(found.eigenvectors[:, 0], root / np.linalg.norm(root), atol=1e-10)


def test_isolated_nodes_take_no_part() -> None:
    affinity = clusters(2, 30).toarray()
    with_isolated = np.zeros((62, 62))
    with_isolated[1:-1, 1:-1] = affinity
    found = Spectrum(6)(csr_array(with_isolated), seed=0)
    assert found.isolated.nonzero()[0].tolist() == [0, 61]
    assert not found.eigenvectors[found.isolated].any()
    assert found.components == 2
    np.testing.assert_allclose(found.eigenvalues, dense(affinity)[0][:6], atol=1e-12)


def test_the_larger_component_comes_first() -> None:
    affinity = csr_array(block_diag([clusters(1, 20), clusters(1, 50, seed=1)]))
    found = Spectrum(4)(affinity, seed=0)
    assert not found.eigenvectors[:20, 0].any()
    assert found.eigenvectors[20:, 0].all()


def test_more_components_than_eigenvectors_all_count() -> None:
    found = Spectrum(4)(clusters(9, 20), seed=0)
    assert len(found.eigenvalues) == 10
    assert found.components == 9


def test_lanczos_gives_the_same_numbers_again() -> None:
    affinity = clusters(2, 60, apart=1.0)
    first, again = (Spectrum(8, dense_below=3)(affinity, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.eigenvectors, again.eigenvectors)


def test_a_graph_without_edges_is_refused() -> None:
    with pytest.raises(InputError, match="isolated"):
        Spectrum(4)(csr_array((5, 5)), seed=0)
