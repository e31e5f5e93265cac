"""The benchmarks of the analysis, at sizes that take seconds."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: runpy.run_path(str(BENCHMARKS / f"{name}.py"))


def test_a_chain_is_measured_in_a_process_of_its_own(benchmark: Callable[[str], dict]) -> None:
    one = benchmark("analysis")["measured"]("ours", 300, 400, Path(sys.executable))
    assert one.processor > 0
    assert one.extra >= 0
    assert len(one.eigenvalues) == 32
    assert one.eigenvalues[0] == 1


def test_the_peers_eigenvalues_are_the_same(
    benchmark: Callable[[str], dict], oracle_python: Callable[[str], Path]
) -> None:
    lines = list(
        benchmark("analysis")["compared"]([("ours", 300, 400), ("corelay", 300, 400)], oracle_python("corelay"))
    )
    apart = float(lines[-1].rpartition("differ by ")[2].split()[0])
    assert apart < 1e-10


def test_the_chain_on_a_device_gives_the_same_eigenvalues(benchmark: Callable[[str], dict]) -> None:
    measured = benchmark("analysis")["measured"]
    own, other = (measured(chain, 300, 400, Path(sys.executable)) for chain in ("ours", "ours on cpu"))
    np.testing.assert_array_equal(own.eigenvalues, other.eigenvalues)
    assert other.chain == "ours on cpu"


def test_a_peer_that_is_not_there_is_said_to_be_missing(benchmark: Callable[[str], dict], tmp_path: Path) -> None:
    (_, line) = benchmark("analysis")["compared"]([("corelay", 300, 400)], tmp_path / "python")
    assert "not installed" in line


def test_planted_clusters_lie_as_far_apart_as_they_say(benchmark: Callable[[str], dict]) -> None:
    planted = benchmark("planted")["Planted"](clusters=3, size=400, distance=7.0, noise=5)
    rows, labels = planted.drawn(0)
    centers = np.array([rows[labels == cluster].mean(axis=0) for cluster in range(3)])
    distances = [np.linalg.norm(centers[one] - centers[other]) for one, other in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(distances, 7, atol=0.4)
    assert rows.shape == (1200, 15)


def test_searches_for_small_clusters_are_compared(benchmark: Callable[[str], dict]) -> None:
    pytest.importorskip("graspologic_native", reason="graspologic-native is not installed")
    table = benchmark("small_clusters")
    lines = list(table["lines"]([(20, 12, 5)], seeds=1))
    assert [line.split("|")[4].strip() for line in lines[2:]] == ["k-means", "k-means and Leiden"]
    assert all("| 1 of 1 | 1.00 | 0 |" in line for line in lines[2:])
    _, labels = table["make_planted"](5, 8, 90).drawn(0)
    assert np.bincount(labels).tolist() == [331, 331, 331, 5]


def test_both_tsnes_are_measured_by_their_divergence(benchmark: Callable[[str], dict]) -> None:
    pytest.importorskip("openTSNE", reason="openTSNE is not installed")
    table = benchmark("embeddings")
    _, own, other = table["lines"]([120])
    assert [line.split("|")[2].strip() for line in (own, other)] == ["sklearn", "opentsne"]
    apart = [float(line.split("|")[4]) for line in (own, other)]
    assert apart[1] == pytest.approx(apart[0], rel=0.2)
    rows = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    assert table["share_kept"](rows, 3 * rows) == 1


def test_the_chain_without_faiss_has_the_same_eigenvalues(benchmark: Callable[[str], dict]) -> None:
    pytest.importorskip("faiss", reason="faiss is not installed")
    lines = list(benchmark("analysis")["compared"]([("ours", 300, 400), ("without faiss", 300, 400)], Path("python")))
    assert lines[-1].endswith("eigenvalues differ by 0e+00 at most |")
