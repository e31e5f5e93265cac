import numpy as np
import pytest
from scipy.sparse import block_diag, coo_array, csr_array

from whyset.analysis.processors import KNearestNeighbors, SymmetricNeighbors
from whyset.analysis.scores import Bottleneck
from whyset.analysis.scores.bottleneck import compute_cuts, measure_depth
from whyset.errors import InputError


def connect_all(nodes: int) -> np.ndarray:
    return np.ones((nodes, nodes)) - np.eye(nodes)


def connect_two_groups(first: int, second: int, weight: float = 1.0) -> csr_array:
    """Two complete graphs with one edge between them."""
    joined = block_diag([connect_all(first), connect_all(second)]).toarray()
    joined[0, first] = joined[first, 0] = weight
    return csr_array(joined)


def make_graph(rows: np.ndarray, k: int = 10) -> csr_array:
    return SymmetricNeighbors()(KNearestNeighbors(k)(rows))


def test_cuts_are_the_weights_between_both_sides() -> None:
    rng = np.random.default_rng(0)
    weights = np.triu(rng.random((9, 9)) * (rng.random((9, 9)) < 0.6), 1)
    order = rng.permutation(9)
    symmetric = weights + weights.T
    expected = [symmetric[np.ix_(order[:s], order[s:])].sum() for s in range(1, 9)]
    np.testing.assert_allclose(compute_cuts(coo_array(symmetric), order), expected)


def test_the_depth_is_that_of_the_deepest_valley() -> None:
    assert measure_depth(np.array([1.0, 4.0, 9.0, 4.0, 1.0])) == 0
    assert measure_depth(np.array([5.0, 5.0, 5.0])) == 0
    assert measure_depth(np.array([1.0, 9.0, 4.0, 16.0, 1.0, 4.0])) == 2  # both valleys: 2(√9 - √4) and 2(√4 - √1)
    assert measure_depth(np.array([9.0, 0.0, 16.0])) == 6


def test_two_complete_graphs_with_one_edge_have_a_known_depth() -> None:
    """The cut of m of n nodes in a complete graph is m(n - m): 25 and 36 at most; that between the groups is 1."""
    found = Bottleneck()(connect_two_groups(10, 12), seed=0)
    assert found.depth == pytest.approx(2 * (5 - 1), abs=0.25)  # the edge is in some of the cuts inside, too
    assert found.width == pytest.approx(36, abs=1)


def test_components_are_a_bottleneck_without_edges() -> None:
    parts = csr_array(block_diag([connect_all(10), connect_all(12), np.zeros((1, 1)), connect_all(4)]))
    found = Bottleneck()(parts, seed=0)
    assert found.depth == pytest.approx(2 * 5)
    assert found.width == 36
    assert Bottleneck()(csr_array((3, 3)), seed=0).depth == 0


def test_the_order_of_samples_and_the_scale_of_features_change_nothing() -> None:
    rows = np.random.default_rng(1).normal(size=(150, 4))
    rows[:40] += 6
    order = np.random.default_rng(2).permutation(150)
    expected = Bottleneck()(make_graph(rows), seed=0)
    found = Bottleneck()(make_graph(1000 * rows[order]), seed=5)
    assert found.depth == pytest.approx(expected.depth)
    assert found.width == pytest.approx(expected.width)


def test_a_bend_and_a_slope_of_the_density_are_no_bottleneck() -> None:
    """A circle, a bent curve and a line that is denser at one end, without a gap, and a line with one."""
    t = np.arange(200) / 200
    curves = (np.c_[np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)], np.c_[t, np.exp(t)], np.c_[t**0.5, 0 * t])
    depths = [Bottleneck()(make_graph(rows), seed=0).depth for rows in curves]
    gap = np.c_[np.where(t < 0.5, t, t + 0.055), 0 * t]  # eleven points are missing
    assert Bottleneck()(make_graph(gap), seed=0).depth > 3 * max(depths)


def test_a_graph_of_two_nodes_and_identical_samples_are_one_group() -> None:
    assert Bottleneck()(csr_array(connect_all(2)), seed=0).depth == 0
    identical = SymmetricNeighbors()(KNearestNeighbors(5)(np.ones((40, 3))))
    assert Bottleneck()(identical, seed=0).depth < 4
    with pytest.raises(InputError, match="at least 1"):
        Bottleneck(0)
