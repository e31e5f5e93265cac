"""Explanations and samples are two counts: with several targets, each sample has several explanations."""

from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from torch import nn

import whyset as ws
from whyset.errors import InputError
from whyset.report import as_html, as_json, as_markdown, as_text, report
from whyset.report.class_rows import ClusterRow
from whyset.report.pictures import ReportHeatmaps
from whyset.report.words import reason_to_look
from whyset.runner import ArraySource, Preprocessing
from whyset.store import Run
from whyset.store.evidence import ClusterEvidence, Composition
from whyset.viewer.app import create_app

SAMPLES, TARGETS = 30, 3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    images = np.random.default_rng(0).integers(0, 256, (SAMPLES, 6, 9, 3), np.uint8)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 6 * 9, 16), nn.ReLU(), nn.Linear(16, TARGETS)).eval()
    source = ArraySource(images, np.arange(SAMPLES) % TARGETS, preprocessing=Preprocessing(mean=(0.5,), std=(0.5,)))
    path = tmp_path_factory.mktemp("counts") / "run"
    found = ws.explain(model, source, path, composite=None, target="top:3")
    ws.analyze(found, ws.Spray(surrogates=0, resamplings=0))
    return found


def test_the_evidence_counts_both(run: Run) -> None:
    for category in run.analysis("spray").categories:
        evidence = category.evidence
        assert (evidence.n_explanations, evidence.n_samples) == (SAMPLES, SAMPLES)  # one target of each sample
    by_label = ws.analyze(run, ws.Spray(name="label", group_by="label", surrogates=0, resamplings=0))
    for category in by_label.categories:
        evidence, index = category.evidence, category.column("index")
        assert (evidence.n_explanations, evidence.n_samples) == (SAMPLES, SAMPLES // TARGETS)
        for cluster in evidence.clustering.clusters:
            own = index[category.column("clustering.kmeans") == cluster.id]
            assert (cluster.n_explanations, cluster.n_samples) == (len(own), len(np.unique(own // TARGETS)))


def test_the_report_names_both(run: Run) -> None:
    told = report(run, "spray")
    assert (told.n_explanations, told.n_samples, told.n_explained) == (90, 30, 90)
    ws.analyze(run, ws.Spray(name="label", group_by="label", surrogates=0, resamplings=0))
    told = report(run, "label")
    page = as_html(told, ReportHeatmaps(run, run.analysis("label")))
    for text in (as_text(told), as_markdown(told), page):
        assert "90 of 90 explanations made for 30 samples" in text
        assert "explanations" in text
        assert "90 samples" not in text
    assert "30 explanations of 10 samples" in page
    assert '"n_explanations": 30' in as_json(told)
    assert '"n_samples": 10' in as_json(told)


def test_the_api_sends_both(run: Run) -> None:
    ws.analyze(run, ws.Spray(name="label", group_by="label", surrogates=0, resamplings=0))
    client = TestClient(create_app([run.path], token="t"), base_url="http://127.0.0.1")
    client.get("/?token=t", follow_redirects=False)
    (row,) = client.get("/api/runs").json()
    assert (row["n_explanations"], row["n_samples"]) == (90, 30)
    detail = client.get("/api/runs/run").json()
    assert (detail["n_explanations"], detail["n_samples"]) == (90, 30)
    categories = client.get("/api/runs/run/analyses/label").json()["categories"]
    assert {(row["n_explanations"], row["n_samples"]) for row in categories} == {(30, 10)}
    evidence = client.get("/api/runs/run/analyses/label/00000").json()["evidence"]
    assert (evidence["n_explanations"], evidence["n_samples"]) == (30, 10)
    assert sum(one["n_explanations"] for one in evidence["clusterings"]["kmeans"]["clusters"]) == 30


@pytest.mark.parametrize(
    ("n_samples", "counts", "share"),
    [(5, "15 explanations of 5 samples", "80 % of the samples"), (15, "15 samples", "80 % of them")],
)
def test_what_is_predicted_right_is_named(n_samples: int, counts: str, share: str) -> None:
    evidence = ClusterEvidence(2, 15, n_samples, Composition(accuracy=0.8))
    told = reason_to_look(ClusterRow("00001", "cat", "kmeans", evidence), [])
    assert told == f"Look first at cluster 2 of class cat: {counts}; {share} are predicted correctly."


def test_attributes_that_differ_within_a_sample_are_refused(run: Run) -> None:
    unknown = np.repeat(np.where(np.arange(SAMPLES) % 2, np.nan, 1.0), TARGETS)
    report(run, "spray", attributes={"age": unknown, "none": np.full(len(run), None)})
    unknown[7] = 2.0
    with pytest.raises(InputError, match=r"'age' is 1\.0 in row 6 and 2\.0 in row 7, which explain the same sample"):
        report(run, "spray", attributes={"age": unknown})
    with pytest.raises(InputError, match="'target' is"):
        report(run, "spray", attributes={"target": np.asarray(run.column("target"))})


def test_where_each_sample_has_one_explanation_only_samples_are_named(tmp_path: Path, make_run: object) -> None:
    relevance = np.random.default_rng(0).normal(size=(40, 2, 6, 9))
    run = make_run(relevance, [0] * 40, np.zeros(40, int))
    ws.analyze(run, ws.Spray(surrogates=0, resamplings=0))
    text = as_text(report(run))
    assert "40 of 40 samples explained" in text
    assert "explanations of" not in text
    assert "% of them are predicted correctly" in as_markdown(report(run))
