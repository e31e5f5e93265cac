"""Runs, samples and analyses as JSON: what is known, what is not, and what is wrong with them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from torch import nn

import whyset as ws
from whyset.attribution.methods import IntegratedGradientsMethod
from whyset.report import as_text, rank_classes, report
from whyset.report.class_rows import most_suspicious
from whyset.store import Run
from whyset.store.evidence import EVIDENCE_SCHEMA, from_json

Admitted = Callable[..., TestClient]


def test_list_counts_what_is_committed_and_failed(client: TestClient) -> None:
    rows = {row["id"]: row for row in client.get("/api/runs").json()}
    assert list(rows) == ["sample", "half"]
    assert [rows["sample"][key] for key in ("n_explanations", "n_samples", "committed", "failed", "problem")] == [
        60,
        60,
        60,
        1,
        None,
    ]
    assert [rows["half"][key] for key in ("n_explanations", "committed", "failed", "analyses")] == [60, 16, 0, []]
    assert "44 of 60" in rows["half"]["problem"]


def test_a_run_of_a_method_names_it_and_states_no_share_of_the_output(admitted: Admitted, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net, images = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 6, 2)), torch.rand(20, 3, 8, 6)
    run = ws.explain(net, images, tmp_path / "run", method=IntegratedGradientsMethod(32))
    told = admitted(run.path).get("/api/runs/run").json()
    assert told["method"] == told["summary"]["composite"] == "integrated gradients, 32 steps"
    assert json.loads(told["summary"]["attributor"])["fields"] == {"n_iter": 32, "baseline": 0.0}
    assert told["relevance"]["arrived"] is None
    assert told["relevance"]["losses"] is None
    assert told["checks"] == []
    plain = ws.explain(net, images, tmp_path / "plain", composite=None)
    assert not {"attributor", "method_text"} & set(admitted(plain.path).get("/api/runs/plain").json()["summary"])


def test_run_tells_its_shapes_classes_and_origin(client: TestClient, run: Run, sample: SimpleNamespace) -> None:
    told = client.get("/api/runs/sample").json()
    assert told["map_shape"] == told["input_shape"] == [3, 12, 18]
    assert told["classes"] == list(sample.CLASSES)
    (spray,) = told["analyses"]
    assert len(spray.pop("version")) == 16
    assert spray == {
        **{"name": "spray", "title": "spray", "view": "spray"},
        **{"categories": 3, "expected": None, "problem": None},
    }
    assert told["summary"]["model"] == "sample.py:network"
    assert "EpsilonPlusFlat" in told["summary"]["composite"]
    assert all(isinstance(value, str) for value in told["summary"].values())
    assert told["path"] == str(run.path)


def test_accuracy_counts_explained_samples_with_a_label(client: TestClient, run: Run) -> None:
    counted = (run.column("status") == 1) & (run.labels >= 0)
    assert counted.sum() == 58
    expected = np.mean(run.column("prediction")[counted] == run.labels[counted])
    assert client.get("/api/runs/sample").json()["accuracy"] == pytest.approx(expected)


def test_samples_come_in_the_order_asked_for_with_what_is_known(client: TestClient, run: Run) -> None:
    strange, failed, unlabeled = client.get("/api/runs/sample/samples?indices=7,23,41").json()
    assert strange["id"] == run.ids[7]
    assert [failed[key] for key in ("status", "error", "prediction", "confidence")] == [
        2,
        "relevance is not finite",
        None,
        None,
    ]
    assert failed["label_name"] == "horse"
    assert [unlabeled[key] for key in ("label", "label_name", "prediction_name")] == [None, None, "horse"]
    assert strange["confidence"] == pytest.approx(float(run.column("confidence")[7]))
    (waiting,) = client.get("/api/runs/half/samples?indices=59").json()
    assert [waiting[key] for key in ("status", "label", "prediction", "target")] == [0, 2, None, None]


def test_samples_are_limited_to_a_thousand(client: TestClient) -> None:
    assert len(client.get("/api/runs/sample/samples?indices=" + ",".join(["59"] * 1000)).json()) == 1000
    assert client.get("/api/runs/sample/samples?indices=" + ",".join(["1"] * 1001)).status_code == 422
    assert client.get("/api/runs/sample/samples?indices=60").status_code == 404


def test_categories_are_ranked_by_separability(client: TestClient) -> None:
    told = client.get("/api/runs/sample/analyses/spray").json()
    assert told["config"] == {"neighbors": 10, "seed": 0}
    assert [row["name"] for row in told["categories"]] == ["horse", "dog <b>&amp;", "cat"]
    assert told["categories"][0] == {
        "rank": 1, "id": "00002", "name": "horse", "n_explanations": 18, "n_samples": 18, "accuracy": 0.9,
        "separability": 5.0, "p_value": 0.01, "q_value": 0.01, "eigengap": 0.7, "eigengap_is_max": True,
        "n_clusters": 3, "stability": 0.93, "silhouette": 0.41, "n_connected_components": 1,
        "fully_disconnected": False, "problem": None, "confirmed_effect": None, "detail_contrast": None,
        "modified_z": None, "p_corrected": 0.01, "analysis": "spray", "view": "spray",
    }  # fmt: skip
    assert told["categories"][2]["p_value"] is None


def test_viewer_and_report_rank_alike(client: TestClient, run: Run) -> None:
    told = client.get("/api/runs/sample/analyses/spray").json()["categories"]
    assert [row["id"] for row in told] == [row.id for row in rank_classes(run.analysis("spray")).rows]


def test_what_to_look_at_first_is_what_the_report_names(client: TestClient, run: Run) -> None:
    told = client.get("/api/runs/sample/analyses/spray").json()["finding"]
    cluster = most_suspicious(run.analysis("spray"))
    evidence = cluster.evidence
    assert (told["category"], told["cluster"], told["medoids"]) == ("00002", evidence.id, list(evidence.medoids))
    assert told["clustering"] == "kmeans"
    assert told["reason"] in as_text(report(run)).replace("\n", " ")


def test_category_sends_its_evidence_as_it_was_stored(client: TestClient, run: Run) -> None:
    stored = run.analysis("spray").category("horse")
    told = client.get("/api/runs/sample/analyses/spray/00002").json()
    assert from_json({"schema": EVIDENCE_SCHEMA, **told["evidence"]}) == stored.evidence
    cluster = told["evidence"]["clusterings"]["kmeans"]["clusters"][2]
    assert (cluster["id"], cluster["n_explanations"], cluster["medoids"], cluster["difference"]) == (2, 0, [], None)
    assert set(cluster["composition"].values()) == {None}


@pytest.mark.parametrize(
    "address",
    [
        "runs/other",
        "runs/sample/columns/path",
        "runs/sample/analyses/other",
        "runs/sample/analyses/spray/other",
        "runs/sample/analyses/spray/horse",
        "runs/sample/analyses/spray/analysis.json",
        "runs/sample/analyses/spray/00002/columns/other",
        "runs/sample/analyses/spray/00002/columns/index.npy",
        "runs/..%2f..%2fetc",
        "runs/sample/analyses/..%2f..%2fcommits",
        "runs/sample/analyses/spray/..%2f..%2f..%2fcommits",
        "runs/sample/analyses/spray/%2e%2e",
        "runs/sample/analyses/spray/00002/columns/..%2fcategory.json",
        "runs/sample/",
        "other",
    ],
)
def test_unknown_names_are_not_found_and_name_no_path(client: TestClient, run: Run, address: str) -> None:
    answer = client.get(f"/api/{address}")
    assert answer.status_code == 404
    assert str(run.path.parent) not in answer.text


def test_other_methods_change_nothing(client: TestClient) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = client.request(method, "/api/runs/sample")
        assert answer.status_code == 405
        assert answer.json()["error"]["message"]


def break_record(run: Run) -> None:
    (run.path / "run.json").write_text('{"format": "whyset-run"')


def break_samples(run: Run) -> None:
    (run.path / "samples.parquet").write_bytes(b"PAR1")


def break_status(run: Run) -> None:
    shutil.rmtree(run.path / "data.zarr" / "status")


def break_commit(run: Run) -> None:
    (run.path / "commits" / "000001.json").write_text("[]")


@pytest.mark.parametrize(
    "damage", [break_record, break_samples, break_status, break_commit, lambda run: shutil.rmtree(run.path)]
)
def test_broken_run_is_shown_with_its_problem_beside_a_good_one(
    admitted: Admitted, sample: SimpleNamespace, run: Run, tmp_path: Path, damage: Callable[[Run], None]
) -> None:
    broken = sample.make_sample_run(tmp_path / "broken")
    damage(broken)
    client = admitted(broken.path, run.path)
    told, good = client.get("/api/runs").json()
    assert good["problem"] is None
    assert client.get("/api/runs/sample").status_code == 200
    assert told["id"] == "broken"
    answer = client.get("/api/runs/broken/samples?indices=23")
    assert answer.status_code == 409
    assert str(broken.path) in answer.json()["error"]["message"]


@pytest.mark.parametrize("damage", [break_record, break_status])
def test_problem_of_an_unreadable_run_is_in_the_list(
    admitted: Admitted, sample: SimpleNamespace, tmp_path: Path, damage: Callable[[Run], None]
) -> None:
    broken = sample.make_sample_run(tmp_path / "broken")
    damage(broken)
    (told,) = admitted(broken.path).get("/api/runs").json()
    assert str(broken.path) in told["problem"]


def test_run_is_read_again_as_it_grows(admitted: Admitted, sample: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "growing"
    sample.make_sample_run(path, shards=(), analyses=())
    client = admitted(path)
    assert client.get("/api/runs/growing").json()["committed"] == 0
    for shard, committed in enumerate((16, 32, 48, 60)):
        sample.make_sample_run(path, shards=(shard,), analyses=())
        told = client.get("/api/runs/growing").json()
        assert told["committed"] == committed
        status = np.frombuffer(client.get("/api/runs/growing/columns/status").content, np.uint8)
        assert np.count_nonzero(status) == committed
    assert told["problem"] is None
    sample.make_sample_run(path, shards=(), analyses=("spray",))
    assert client.get("/api/runs/growing").json()["analyses"][0]["categories"] == 3


def test_run_that_breaks_and_is_mended_is_followed(admitted: Admitted, sample: SimpleNamespace, tmp_path: Path) -> None:
    run = sample.make_sample_run(tmp_path / "run")
    record = (run.path / "run.json").read_bytes()
    client = admitted(run.path)
    assert client.get("/api/runs/run").status_code == 200
    (run.path / "run.json").unlink()
    assert client.get("/api/runs/run").status_code == 409
    (run.path / "run.json").write_bytes(record)
    assert client.get("/api/runs/run").status_code == 200


def test_runs_of_one_name_get_ids_of_their_own(admitted: Admitted, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a/run", "b/run", "c/run-2", "d/ü ö/", "e/<b>")]
    rows = admitted(*paths).get("/api/runs").json()
    assert [row["id"] for row in rows] == ["run", "run-2", "run-2-2", "run-3", "b"]
    assert [row["name"] for row in rows] == ["a/run", "b/run", "c/run-2", "d/ü ö", "e/<b>"]


RECORDS = [
    {},
    {"id": "00001", "name": "dog", "info": [], "columns": []},
    {"id": "00001", "name": None, "info": {"scores": 3, "clusterings": []}, "columns": {"index": None}},
    {"id": "00001", "name": "dog", "info": {"size": "x"}, "columns": {"index": {"dtype": "nonsense", "shape": 4}}},
    {
        "id": "00001",
        "name": "dog",
        "info": {"size": float("nan")},
        "columns": {"index": {"dtype": "<U3", "shape": [1]}},
    },
    {
        "id": "00001",
        "name": "dog",
        "info": {"x": float("inf")},
        "columns": {"../category": {"dtype": "<i8", "shape": [2]}},
    },
]


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("fits", [True, False])
def test_damaged_category_hides_no_other(
    admitted: Admitted, sample: SimpleNamespace, tmp_path: Path, record: dict, fits: bool
) -> None:
    run = sample.make_sample_run(tmp_path / "run")
    file = run.path / "analyses" / "spray" / "00001" / "category.json"
    hash = json.loads(file.read_text())["config_hash"] if fits else "other"
    file.write_text(json.dumps(record | {"config_hash": hash}))
    client, address = admitted(run.path), "/api/runs/run/analyses/spray"
    categories = client.get(address).json()["categories"]
    assert [row["id"] for row in categories[:2]] == ["00002", "00000"]
    assert len(categories) == 3
    assert client.get(address).json()["finding"]["category"] == "00002"
    assert client.get(f"{address}/00002").status_code == 200
    detail = client.get(f"{address}/00001")
    assert detail.status_code in (200, 409)
    json.loads(detail.text, parse_constant=pytest.fail)
    for column in ("index", "..%2fcategory", "../category"):
        assert client.get(f"{address}/00001/columns/{column}").status_code in (200, 404, 409)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "9.0"}', '{"schema": "1.0", "config": 3}'])
def test_damaged_analysis_hides_no_other(
    admitted: Admitted, sample: SimpleNamespace, tmp_path: Path, text: str
) -> None:
    run = sample.make_sample_run(tmp_path / "run", analyses=("spray", "other"))
    (run.path / "analyses" / "other" / "analysis.json").write_text(text)
    client = admitted(run.path)
    other, spray = client.get("/api/runs/run").json()["analyses"]
    assert other["problem"]
    assert (spray["categories"], spray["problem"]) == (3, None)
    assert client.get("/api/runs/run/analyses/spray").status_code == 200
    assert client.get("/api/runs/run/analyses/other").status_code == 409
