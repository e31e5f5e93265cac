"""Analyses that CoRelAy made in its own process, in both layouts, become analyses of a run and are viewed."""

import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from fastapi.testclient import TestClient

from whyset.report import as_text, report
from whyset.viewer import create_app

SCRIPT = Path(__file__).with_name("corelay_analysis.py")
LAYOUTS = ("code", "documented")


@pytest.fixture
def larger(files, oracle_python):
    """40 samples of two classes, half of which are explained by a corner mark, and what CoRelAy makes of them."""
    random = np.random.default_rng(0)
    label = (np.arange(40) % 2).astype(np.uint16)
    maps = random.normal(size=(40, 3, 6, 9)).astype(np.float32)
    maps[np.arange(40) % 4 < 2, :, :2, -2:] += 8
    prediction = np.eye(3, dtype=np.float32)[label]
    files.dataset = {"data": random.integers(0, 256, (40, 3, 6, 9), dtype=np.uint8), "label": label}
    files.attributions["attributions.h5"] = {"attribution": maps, "label": label, "prediction": prediction}
    files.attributions["attributions.h5"]["index"] = np.arange(40, dtype=np.uint32)
    for number, entry in enumerate(files.labels):
        entry["word_net_id"] = f"n{number:08d}"
    files.analyses = {}
    methods = [{"analysis_method": layout, "sources": [f"{layout}.h5"]} for layout in LAYOUTS]
    files.project = {"analyses": methods}
    files.write()
    command = [oracle_python("corelay"), SCRIPT, files.folder / "attributions.h5", files.folder]
    subprocess.run(command, check=True, capture_output=True)
    return files.folder / "project.yaml"


def test_analyses_by_corelay_are_imported_and_viewed(larger, imported):
    run = imported(larger).run
    client = TestClient(create_app([run.path], token="t"), base_url="http://127.0.0.1:8765")
    client.get("/?token=t", follow_redirects=False)
    for layout in LAYOUTS:
        _compare(run.analysis(layout), larger.parent / f"{layout}.h5", layout)
        assert layout in as_text(report(run, layout))
        assert client.get(f"/api/runs/run/analyses/{layout}/00000/columns/embedding.tsne").status_code == 200
        clusters = run.analysis(layout).category("cat").evidence.clusterings["kmeans-02"].clusters
        assert sum(cluster.n_explanations for cluster in clusters) == 20
        assert all(cluster.medoids and -1 <= cluster.coherence <= 1 for cluster in clusters)


def _compare(analysis, made, layout):
    root = "/root" if layout == "documented" else ""
    clustering = "clustering" if layout == "documented" else "cluster"
    with h5py.File(made) as source:
        for name, category in zip(source, analysis.categories, strict=True):
            assert category.evidence.label == int(name[1:])
            np.testing.assert_array_equal(category.column("index"), source[f"{name}/index"])
            for embedding in ("spectral", "tsne"):
                there = source[f"{name}/embedding/{embedding}{root}"]
                np.testing.assert_array_equal(category.column(f"embedding.{embedding}"), there)
            for clusters in ("kmeans-02", "kmeans-03"):
                there = source[f"{name}/{clustering}/{clusters}{root}"]
                np.testing.assert_array_equal(category.column(f"clustering.{clusters}"), there)
            spectral = source[f"{name}/embedding/spectral"]
            values = spectral["eigenvalue"][()] if root else spectral.attrs["eigenvalue"]
            np.testing.assert_array_equal(category.column("eigenvalues"), values)
