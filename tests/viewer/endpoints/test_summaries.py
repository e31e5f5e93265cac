"""Top words, columns and channels of clusters over the API, and clusters that differ in place only."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from whyset.report.top_features import find_top_features
from whyset.store import CategoryResult, Run
from whyset.store.evidence import from_info


def test_clusters_of_texts_have_words(admitted: Any, modality_runs: ModuleType, tmp_path: Path) -> None:
    run = modality_runs.analyzed(modality_runs.text_run(tmp_path / "text"))
    category = run.analysis().category("odd")
    answer = admitted(run.path).get(f"/api/runs/text/analyses/spray/{category.id}/summaries/kmeans").json()
    tops = find_top_features(run, category)
    assert [(one["cluster"], one["what"]) for one in answer] == [(top.cluster, "words") for top in tops]
    assert answer[0]["top"] == [str(one) for one in tops[0].features]


def test_images_have_no_words_and_unknown_clusterings_are_not_found(client: TestClient, run: Run) -> None:
    place = f"/api/runs/{run.path.name}/analyses/spray/00002/summaries"
    assert client.get(f"{place}/kmeans").json() == []
    assert client.get(f"{place}/other").status_code == 404


def test_clusters_in_another_place_say_so(admitted: Any, sample: Any, tmp_path: Path) -> None:
    run = sample.make_sample_run(tmp_path / "run", analyses=())
    maps = np.zeros((2, 12, 18), np.float32)
    maps[0, :3, :3] = maps[1, 9:, 15:] = 1
    clusters = [{"id": number, "size": 5, "medoids": [number]} for number in range(2)]
    info = {"default_clustering": "kmeans", "clusterings": {"kmeans": {"clusters": clusters}}}
    columns = {"index": np.arange(10), "clustering.kmeans": np.arange(10, dtype=np.int32) % 2, "mean_map.kmeans": maps}
    run.analysis_writer("spray", {}).write(CategoryResult("00000", "cat", columns, from_info(info)))
    answer = admitted(run.path).get("/api/runs/run/analyses/spray/00000/summaries/kmeans").json()
    assert [one["cluster"] for one in answer] == [0, 1]
    assert "Position, not strategy" in answer[1]["shifted"][0]
