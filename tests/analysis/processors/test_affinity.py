import numpy as np
from sklearn.neighbors import kneighbors_graph

from whyset.analysis.processors import KNearestNeighbors, SymmetricNeighbors


def test_affinity_agrees_with_scikit_learns_neighbor_graph() -> None:
    rows = np.random.default_rng(0).normal(size=(120, 9))
    graph = kneighbors_graph(rows, 7, mode="connectivity").toarray()
    affinity = SymmetricNeighbors()(KNearestNeighbors(7)(rows)).toarray()
    np.testing.assert_array_equal(affinity, (graph + graph.T) / 2)


def test_affinity_means_near_and_not_far() -> None:
    rows = np.array([[0.0], [0.1], [5.0], [5.1], [5.2]])
    affinity = SymmetricNeighbors()(KNearestNeighbors(1)(rows)).toarray()
    assert affinity[0, 1] == 1
    assert affinity[0, 2:].sum() == 0
    assert affinity[3, 4] == 0.5
    assert np.trace(affinity) == 0
