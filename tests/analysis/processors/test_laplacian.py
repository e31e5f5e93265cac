import numpy as np
import pytest
from scipy.sparse import csr_array

from whyset.analysis.processors import (
    KNearestNeighbors,
    RadialBasis,
    RandomWalkLaplacian,
    Spectrum,
    SymmetricLaplacian,
    SymmetricNeighbors,
)
from whyset.errors import InputError


def graph() -> csr_array:
    return SymmetricNeighbors()(KNearestNeighbors(5)(np.random.default_rng(0).normal(size=(90, 6))))


@pytest.mark.parametrize("laplacian", [SymmetricLaplacian(), RandomWalkLaplacian()], ids=repr)
@pytest.mark.parametrize("dense_below", [3, 600])
def test_what_comes_out_are_eigenpairs_of_the_laplacian_itself(laplacian: object, dense_below: int) -> None:
    affinity = graph()
    found = Spectrum(8, dense_below, laplacian)(affinity, seed=0)
    matrix = laplacian(affinity).toarray()
    np.testing.assert_allclose(matrix @ found.eigenvectors, found.eigenvectors * (1 - found.eigenvalues), atol=1e-8)
    np.testing.assert_allclose(np.linalg.norm(found.eigenvectors, axis=0), 1)
    np.testing.assert_allclose(1 - found.eigenvalues, np.sort(np.linalg.eigvals(matrix).real)[:8], atol=1e-8)


def test_the_random_walk_laplacian_is_not_symmetric_and_its_first_vector_is_constant() -> None:
    """What makes it wrong for a symmetric solver, and what is right for it."""
    affinity = graph()
    matrix = RandomWalkLaplacian()(affinity).toarray()
    assert np.abs(matrix - matrix.T).max() > 0.01
    np.testing.assert_allclose(matrix.sum(axis=1), 0, atol=1e-12)
    first = Spectrum(4, laplacian=RandomWalkLaplacian())(affinity, seed=0).eigenvectors[:, 0]
    np.testing.assert_allclose(first, 1 / np.sqrt(90))
    given_to_symmetric = np.linalg.eigvalsh(matrix)[:4]
    assert np.abs(given_to_symmetric - np.sort(np.linalg.eigvals(matrix).real)[:4]).max() > 1e-3


def test_isolated_nodes_have_rows_of_zeros() -> None:
    affinity = csr_array(np.array([[0, 1.0, 0], [1, 0, 0], [0, 0, 0]]))
    for laplacian in (SymmetricLaplacian(), RandomWalkLaplacian()):
        np.testing.assert_allclose(laplacian(affinity).toarray(), [[1, -1, 0], [-1, 1, 0], [0, 0, 0]])


def test_radial_basis_weights_follow_the_formula_on_the_edges_of_the_graph() -> None:
    neighbors = KNearestNeighbors(4)(np.random.default_rng(1).normal(size=(40, 5)))
    affinity = RadialBasis(1.5)(neighbors).toarray()
    assert (affinity > 0).sum() == SymmetricNeighbors()(neighbors).nnz
    i, j = 7, int(neighbors.indices[7, 0])
    weight = np.exp(-(neighbors.distances[7, 0] ** 2) / (2 * 1.5**2))
    assert affinity[i, j] == pytest.approx(weight * (1 if i in neighbors.indices[j] else 0.5))
    np.testing.assert_allclose(affinity, affinity.T)


def test_the_width_is_the_median_distance_to_the_last_neighbor_unless_given() -> None:
    rows = np.random.default_rng(1).normal(size=(40, 5))
    neighbors = KNearestNeighbors(4)(rows)
    assert RadialBasis().fit(neighbors).sigma == np.median(neighbors.distances[:, -1])
    scaled = RadialBasis()(KNearestNeighbors(4)(1000 * rows)).toarray()
    np.testing.assert_allclose(RadialBasis()(neighbors).toarray(), scaled)
    with pytest.raises(InputError, match="give a sigma"):
        RadialBasis()(KNearestNeighbors(4)(np.zeros((10, 2))))
    with pytest.raises(InputError, match="positive"):
        RadialBasis(0.0)


def test_with_all_samples_as_neighbors_the_affinity_is_the_full_one() -> None:
    rows = np.random.default_rng(2).normal(size=(12, 3))
    affinity = RadialBasis(1.0)(KNearestNeighbors(11)(rows)).toarray()
    full = np.exp(-((rows[:, None] - rows) ** 2).sum(axis=2) / 2) - np.eye(12)
    np.testing.assert_allclose(affinity, full, atol=1e-12)


def test_weights_too_small_for_a_number_isolate_a_sample() -> None:
    rows = np.vstack([np.random.default_rng(3).normal(size=(20, 2)), [[1e4, 0]]])
    affinity = RadialBasis(1.0)(KNearestNeighbors(3)(rows))
    assert (affinity.data > 0).all()
    assert Spectrum(3)(affinity, seed=0).isolated.nonzero()[0].tolist() == [20]
