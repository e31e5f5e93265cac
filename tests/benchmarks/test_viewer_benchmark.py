"""The viewer's benchmark at a size that takes seconds: every figure is there, and the data of a class stay small."""

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import whyset as ws

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
POINTS = 2000


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], SimpleNamespace]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: SimpleNamespace(**runpy.run_path(str(BENCHMARKS / f"{name}.py")))


def test_a_synthetic_run_is_whole_and_clustered(benchmark: Callable[[str], SimpleNamespace], tmp_path: Path) -> None:
    synthetic = benchmark("synthetic")
    run = synthetic.make_run(tmp_path / "run", POINTS)
    assert run.verify() == []
    category = run.analysis("spray").category("all")
    assert np.array_equal(category.column("index"), np.arange(POINTS))
    places, clusters = category.column("embedding.tsne"), category.column("clustering.kmeans")
    assert set(clusters.tolist()) == {-1, *range(synthetic.CLUSTERS)}
    assert 0.85 < (run.column("prediction") == run.labels).mean() < 0.95
    for cluster in category.evidence.clusterings["kmeans"].clusters:
        assert cluster.n_explanations == (clusters == cluster.id).sum()
        assert places[clusters == cluster.id].std(axis=0).mean() < places.std(axis=0).mean()


@pytest.mark.browser
def test_every_figure_is_measured(
    benchmark: Callable[[str], SimpleNamespace], browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = benchmark("viewer")
    run = viewer.make_run(tmp_path / "run", POINTS).path
    figures = viewer.measure_whyset(browser, run, POINTS, loads=1)
    megabytes = float(figures["of which data of the class"].split()[0])
    assert megabytes * 1e6 < 6 * POINTS + 10_000  # two coordinates of 2 bytes, a cluster and a step of the index of 1
    assert figures["recolor"].endswith("0 requests")
    assert figures["recolor, its column fetched"].endswith("1 request")
    assert len(figures) == 21
    assert ws.open_run(run).analyses == ["spray"]
