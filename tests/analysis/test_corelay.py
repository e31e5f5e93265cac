"""Agreement with CoRelAy, in a process of its own, on data where it is right; and why not where it is wrong."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from whyset.analysis.processors import (
    DBSCAN,
    Agglomerative,
    KMeans,
    KNearestNeighbors,
    NumberOfClusters,
    RandomWalkLaplacian,
    Spectrum,
    SpectrumOfGraph,
    SymmetricNeighbors,
)
from whyset.errors import InputError

SCRIPT = """
import sys

import numpy as np
from corelay.processor.affinity import SparseKNN
from corelay.processor.clustering import DBSCAN, AgglomerativeClustering, KMeans
from corelay.processor.distance import SciPyPDist
from corelay.processor.embedding import EigenDecomposition
from corelay.processor.laplacian import RandomWalkNormalLaplacian, SymmetricNormalLaplacian

folder = sys.argv[1]
given = np.load(folder + "/given.npz")
found = {}
for name in given.files:
    graph = SparseKNN(n_neighbors=8, symmetric=True)(SciPyPDist(metric="euclidean")(given[name]))
    found[name + ".graph"] = graph.toarray()
    laplacian = SymmetricNormalLaplacian()(graph)
    for which in ("LA", "LM"):
        found[f"{name}.{which}"], vectors = EigenDecomposition(n_eigval=24, which=which)(laplacian)
        if which == "LA":
            rows = vectors
    found[name + ".walk"], _ = EigenDecomposition(n_eigval=24, which="LA")(RandomWalkNormalLaplacian()(graph))
    if name.startswith("planted"):
        leading = rows[:, np.argsort(found[name + ".LA"])[:3]]
        leading = leading / np.linalg.norm(leading, axis=1, keepdims=True)
        found[name + ".kmeans"] = KMeans(n_clusters=3)(leading)
        found[name + ".agglomerative"] = AgglomerativeClustering(n_clusters=3)(leading)
        found[name + ".dbscan"] = DBSCAN(eps=0.3, min_samples=8)(leading)
np.savez(folder + "/found.npz", **found)
"""


def planted(apart: float, seed: int) -> np.ndarray:
    """Three clusters of 50 that overlap enough for one connected graph."""
    rng = np.random.default_rng(seed)
    centers = apart * np.linalg.qr(rng.normal(size=(12, 12)))[0][:3]
    return (centers[:, None] + rng.normal(size=(3, 50, 12))).reshape(-1, 12)


def given() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    with_nan = rng.normal(size=(60, 5))
    with_nan[3, 2] = np.nan
    return {
        "noise": rng.normal(size=(120, 9)),
        "maps": np.abs(rng.normal(size=(90, 300))).cumsum(axis=1),
        "planted one": planted(4.5, 1),
        "planted two": planted(4.0, 2),
        "apart": (100 * rng.normal(size=(16, 1, 10)) + rng.normal(size=(16, 45, 10))).reshape(-1, 10),
        "duplicates": np.repeat(rng.normal(size=(10, 12)), 12, axis=0),
        "nan": with_nan,
    }


GIVEN = given()


@pytest.fixture(scope="module")
def corelay(oracle_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What CoRelAy makes of the data."""
    python = oracle_python("corelay")
    folder = tmp_path_factory.mktemp("corelay")
    np.savez(folder / "given.npz", **GIVEN)
    done = subprocess.run([str(python), "-c", SCRIPT, str(folder)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder / "found.npz"))


def ours(name: str, laplacian: object = None) -> tuple[np.ndarray, SpectrumOfGraph]:
    affinity = SymmetricNeighbors()(KNearestNeighbors(8)(GIVEN[name]))
    parts = {} if laplacian is None else {"laplacian": laplacian}
    return affinity.toarray(), Spectrum(24, **parts)(affinity, seed=0)


@pytest.mark.parametrize("name", ["noise", "maps", "planted one", "planted two", "apart"])
def test_the_neighbor_graph_is_identical(corelay: dict[str, np.ndarray], name: str) -> None:
    np.testing.assert_array_equal(ours(name)[0], corelay[f"{name}.graph"])


@pytest.mark.parametrize("name", ["noise", "maps", "planted one", "planted two"])
def test_eigenvalues_of_connected_graphs_agree(corelay: dict[str, np.ndarray], name: str) -> None:
    """CoRelAy gives 1 - λ; which="LA" takes them from the right end."""
    found = ours(name)[1]
    assert found.components == 1
    np.testing.assert_allclose(1 - found.eigenvalues, np.sort(corelay[f"{name}.LA"]), atol=1e-10)


@pytest.mark.parametrize("name", ["planted one", "planted two"])
@pytest.mark.parametrize("part", [KMeans(), Agglomerative(), DBSCAN(0.3, 8)], ids=lambda part: part.name)
def test_clusterings_agree(corelay: dict[str, np.ndarray], name: str, part: object) -> None:
    seed = {"seed": 0} if part.seeded else {}
    labels = part(ours(name)[1], NumberOfClusters(3, 0.1, True), **seed).labels
    assert len(set(labels[labels >= 0].tolist())) == 3
    assert adjusted_rand_score(corelay[f"{name}.{part.name}"], labels) == 1


def test_its_default_takes_eigenvalues_from_both_ends(corelay: dict[str, np.ndarray]) -> None:
    """which="LM" is by magnitude: large negative λ, which say nothing of clusters, come in as 1 - λ > 1."""
    assert (corelay["noise.LM"] > 1).any()
    assert ours("noise")[1].eigenvalues.min() > 0


def test_it_misses_eigenvalues_of_a_disconnected_graph(corelay: dict[str, np.ndarray]) -> None:
    """Lanczos iteration finds a multiple eigenvalue too few times; ours solves each component by itself."""
    assert np.count_nonzero(corelay["apart.LA"] < 1e-9) < 16
    found = ours("apart")[1]
    assert np.count_nonzero(found.eigenvalues > 1 - 1e-9) == 16 == found.components


def test_it_makes_duplicates_their_own_neighbors(corelay: dict[str, np.ndarray]) -> None:
    assert np.diag(corelay["duplicates.graph"]).any()
    assert not np.diag(ours("duplicates")[0]).any()


def test_it_gives_the_random_walk_laplacian_to_a_symmetric_solver(corelay: dict[str, np.ndarray]) -> None:
    """Its eigenvalues should be those of the symmetric Laplacian, which are not what comes out."""
    assert np.abs(np.sort(corelay["noise.walk"]) - np.sort(corelay["noise.LA"])).max() > 1e-4
    walk = ours("noise", RandomWalkLaplacian())[1]
    np.testing.assert_allclose(1 - walk.eigenvalues, np.sort(corelay["noise.LA"]), atol=1e-10)


def test_it_lets_nan_pass(corelay: dict[str, np.ndarray]) -> None:
    assert np.isfinite(corelay["nan.LA"]).all()
    with pytest.raises(InputError, match="not finite"):
        ours("nan")
