"""Communities of graphs whose best partition is known, or whose modularity networkx computes."""

import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from whyset.analysis import KMeans, Spray
from whyset.analysis.processors import KNearestNeighbors, Leiden, RadialBasis, Spectrum, SymmetricNeighbors
from whyset.analysis.processors.leiden import find_communities
from whyset.errors import InputError, MissingExtraError

pytest.importorskip("graspologic_native", reason="graspologic-native is not installed")
networkx = pytest.importorskip("networkx", reason="networkx is not installed")

ROWS = np.random.default_rng(0).normal(size=(400, 20))
RANDOM_GRAPH = SymmetricNeighbors()(KNearestNeighbors(10)(ROWS))


def compute_modularity(affinity: csr_array, labels: np.ndarray, resolution: float = 1.0) -> float:
    graph = networkx.from_scipy_sparse_array(affinity)
    communities = [set(np.flatnonzero(labels == one).tolist()) for one in np.unique(labels)]
    return float(networkx.community.modularity(graph, communities, resolution=resolution))


@pytest.mark.parametrize(("cliques", "size"), [(2, 3), (6, 5), (10, 6), (20, 8)])
def test_each_clique_of_a_ring_is_a_cluster(cliques: int, size: int) -> None:
    ring = csr_array(networkx.to_numpy_array(networkx.ring_of_cliques(cliques, size)))
    labels = Leiden()(ring, Spectrum(cliques + 1)(ring, seed=0), seed=0).labels
    assert sorted(labels.reshape(cliques, size)[:, 0].tolist()) == list(range(cliques))
    assert (labels.reshape(cliques, size) == labels[::size, None]).all()


def list_partitions(nodes: int) -> np.ndarray:
    """List every partition of the nodes, as rows of labels."""
    return np.unique([np.unique(one, return_inverse=True)[1] for one in product(range(nodes), repeat=nodes)], axis=0)


@settings(max_examples=50)
@given(nodes=st.integers(3, 5), seed=st.integers(0, 9999))
def test_small_weighted_graphs_get_nearly_the_largest_modularity(nodes: int, seed: int) -> None:
    """Compared with every partition: the algorithm promises no optimum, and may lose a tenth of it here."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.random((nodes, nodes)) * (rng.random((nodes, nodes)) < 0.6), 1)
    upper[np.arange(nodes - 1), np.arange(1, nodes)] += 0.1
    weights = upper + upper.T
    degrees = weights.sum(axis=0)
    gain = weights / degrees.sum() - np.outer(degrees, degrees) / degrees.sum() ** 2
    best = max(gain[one[:, None] == one].sum() for one in list_partitions(nodes))
    found = find_communities(csr_array(weights), 1.0, seed)
    assert gain[found[:, None] == found].sum() >= best - 0.1 * abs(best)


@pytest.mark.parametrize("resolution", [0.5, 1.0, 3.0])
def test_modularity_is_at_least_that_of_networkx(resolution: float) -> None:
    own = compute_modularity(RANDOM_GRAPH, find_communities(RANDOM_GRAPH, resolution, 0), resolution)
    graph = networkx.from_scipy_sparse_array(RANDOM_GRAPH)
    for seed in range(3):
        others = networkx.community.louvain_communities(graph, resolution=resolution, seed=seed)
        assert own >= networkx.community.modularity(graph, others, resolution=resolution)


def test_a_larger_resolution_finds_more_clusters() -> None:
    numbers = [len(set(find_communities(RANDOM_GRAPH, resolution, 0))) for resolution in (0.01, 1.0, 5.0)]
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))


def test_weights_count() -> None:
    """Two pairs with strong edges inside; without weights the square has no better and no worse halves."""
    for strong, weak in (((0, 1), (1, 2)), ((1, 2), (0, 1))):
        weights = np.zeros((4, 4))
        for first, weight in ((strong[0], 5.0), (weak[0], 1.0)):
            for node in (first, first + 2):
                weights[node, (node + 1) % 4] = weights[(node + 1) % 4, node] = weight
        labels = find_communities(csr_array(weights), 1.0, 0)
        assert labels[strong[0]] == labels[strong[1]] != labels[(strong[1] + 1) % 4]


def test_isolated_samples_are_noise_and_the_largest_cluster_is_number_zero() -> None:
    graph = np.zeros((9, 9))
    graph[1:4, 1:4] = graph[5:9, 5:9] = 1
    np.fill_diagonal(graph, 0)
    found = Leiden()(csr_array(graph), Spectrum(3)(csr_array(graph), seed=0), seed=0)
    assert found.labels.tolist() == [-1, 1, 1, 1, -1, 0, 0, 0, 0]
    assert found.selected_by == "modularity"
    assert found.coordinates.shape == (9, 2)


def test_a_graph_without_edges_is_refused() -> None:
    neighbors = KNearestNeighbors(2)(np.arange(6.0)[:, None])
    empty = RadialBasis(sigma=1e-3)(neighbors)
    spectrum = Spectrum(2)(RANDOM_GRAPH, seed=0)
    with pytest.raises(InputError, match="no explanation has a neighbor"):
        Leiden()(empty, spectrum, seed=0)


def test_the_seed_decides_the_clusters_in_every_process() -> None:
    code = (
        "import numpy as np; from whyset.analysis.processors import *; "
        "from whyset.analysis.processors.leiden import find_communities as f; "
        "rows = np.random.default_rng(0).normal(size=(400, 20)); "
        "print(*f(SymmetricNeighbors()(KNearestNeighbors(10)(rows)), 1.0, 7), sep=',')"
    )
    here = find_communities(RANDOM_GRAPH, 1.0, 7)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ",".join(map(str, here))
    assert any((find_communities(RANDOM_GRAPH, 1.0, seed) != here).any() for seed in range(3))


def test_planted_clusters_are_found_by_a_pipeline() -> None:
    rng = np.random.default_rng(1)
    truth = np.repeat(np.arange(3), (70, 50, 30))
    rows = 12 * np.eye(10)[truth] + rng.normal(size=(150, 10))
    spray = Spray(clusterings=(KMeans(), Leiden(0.1)), surrogates=0, small_clusters=None)
    found = spray.pipeline().run({"features": rows}, seed=0)["clustering.leiden-0.1"]
    assert found.labels.tolist() == truth.tolist()


def test_wrong_resolutions_and_a_missing_package_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="resolution must be positive"):
            Leiden(wrong)
    monkeypatch.setitem(sys.modules, "graspologic_native", None)
    with pytest.raises(MissingExtraError, match=r'pip install "whyset\[leiden\]"'):
        find_communities(RANDOM_GRAPH, 1.0, 0)
