"""Findings and effects over the API."""

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from whyset.image.shapes import decimate
from whyset.store import Run
from whyset.viewer.effect_columns import read_effect_columns


@pytest.fixture(scope="module")
def found_run(sample: SimpleNamespace, found: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = sample.make_sample_run(tmp_path_factory.mktemp("runs") / "found")
    found.write_sample_findings(run)
    found.write_sample_effects(run)
    return run


@pytest.fixture
def found_client(admitted: Any, found_run: Run) -> TestClient:
    return admitted(found_run.path)


def numbers(response: Any) -> np.ndarray[Any, Any]:
    shape = tuple(int(side) for side in response.headers["x-shape"].split(","))
    return np.frombuffer(response.content, response.headers["x-dtype"]).reshape(shape)


def test_suspicions_are_first_with_everything_that_a_card_shows(found_client: TestClient) -> None:
    answer = found_client.get("/api/runs/found/findings").json()
    assert [one["kind"] for one in answer["findings"]] == ["suspicion", "strategy", "not_confirmed"]
    first = answer["findings"][0]
    assert first["sentence"].startswith("Class horse: 50 % of its images (10) carry a piece at the upper right")
    assert ["turned fresh hosts", "0.72 [0.68, 0.76]"] in first["numbers"]
    assert first["rows"] == [2, 8, 14, 20, 26, 32, 38, 44, 50, 56]
    assert first["examples"][0] == {
        "row": 2,
        "host_row": 0,
        "place": 0,
        "outline": [15, 0, 3, 3],
        "channels": None,
        "interval": None,
        "source": "sample 2",
        "before": "host 0: cat (P of horse 0.05)",
        "after": "with it: horse (P of horse 0.93)",
        "words": None,
        "host_words": None,
        "changed_words": None,
    }
    assert answer["findings"][1]["examples"][0]["outline"] is None
    assert answer["findings"][1]["examples"][0]["place"] is None


def test_changed_hosts_are_sent_as_they_were_shown_to_the_model(
    found_client: TestClient, found_run: Run, found: ModuleType
) -> None:
    sent = numbers(found_client.get("/api/runs/found/findings/examples?indices=1,0"))
    np.testing.assert_array_equal(sent, found.change_hosts(found_run)[[1, 0]].transpose(0, 2, 3, 1))
    assert numbers(found_client.get("/api/runs/found/findings/examples?indices=1&size=9")).shape == (1, 6, 9, 3)


@pytest.mark.parametrize(
    ("indices", "status"),
    [("2", 422), ("-1", 422), ("", 422), ("1.5", 422), ("999999999", 422), ("0," * 300 + "0", 422)],
)
def test_places_that_there_are_not_are_refused(found_client: TestClient, indices: str, status: int) -> None:
    assert found_client.get(f"/api/runs/found/findings/examples?indices={indices}").status_code == status


def test_a_run_that_was_not_searched_says_so(client: TestClient, run: Run) -> None:
    answer = client.get(f"/api/runs/{run.path.name}/findings").json()
    assert (answer["findings"], answer["name"]) == ([], None)
    assert "none were searched for. whyset find" in answer["notices"][0]
    assert client.get(f"/api/runs/{run.path.name}/findings/examples?indices=0").status_code == 404


def test_damage_is_a_notice_or_a_conflict(
    admitted: Any, sample: SimpleNamespace, found: ModuleType, tmp_path: Path
) -> None:
    run = sample.make_sample_run(tmp_path / "run")
    written = found.write_sample_findings(run)
    client = admitted(run.path)
    (array,) = written.path.glob("*.npy")
    array.write_bytes(b"")
    assert client.get("/api/runs/run/findings/examples?indices=0").status_code == 409
    (written.path / "findings.json").write_text("{}")
    assert "cannot be read" in client.get("/api/runs/run/findings").json()["notices"][0]
    assert client.get("/api/runs/run/findings/examples?indices=0").status_code == 409


def read_changed_ids(run: Run) -> np.ndarray:
    changed = run.findings().examples()
    assert changed is not None
    return np.asarray(changed[0])


def test_damaged_changed_texts_are_named_and_the_rest_is_shown(
    admitted: Any, modality_runs: ModuleType, found: ModuleType, tmp_path: Path
) -> None:
    run = modality_runs.text_run(tmp_path / "text")
    (array,) = found.write_text_finding(run).path.glob("*.npy")
    array.write_bytes(b"")
    answer = admitted(run.path).get("/api/runs/text/findings").json()
    assert answer["findings"][0]["examples"][0]["changed_words"] is None
    assert "changed hosts are not shown" in " ".join(answer["notices"])


def test_words_of_texts_are_marked(admitted: Any, modality_runs: ModuleType, found: ModuleType, tmp_path: Path) -> None:
    run = modality_runs.text_run(tmp_path / "text")
    found.write_text_finding(run)
    (finding,) = admitted(run.path).get("/api/runs/text/findings").json()["findings"]
    words = run.tokens([0, 1])
    assert [marked for _, marked in finding["examples"][0]["words"]].count(True) == 2
    assert [word for word, _ in finding["examples"][0]["words"]] == words[0]
    assert finding["examples"][0]["host_words"] == words[1]
    changed = finding["examples"][0]["changed_words"]
    assert [word for word, _ in changed] == [words[1][0], *words[0][1:3], *words[1][3:]]
    assert [marked for _, marked in changed] == (run.inputs[1] != read_changed_ids(run))[: len(changed)].tolist()
    assert finding["examples"][1]["changed_words"] is None
    assert admitted(run.path).get("/api/runs/text/findings/examples?indices=0").status_code == 404


def test_changed_series_are_sent_as_they_are_stored(
    admitted: Any, modality_runs: ModuleType, found: ModuleType, tmp_path: Path
) -> None:
    run = modality_runs.series_run(tmp_path / "series")
    found.write_series_finding(run)
    client = admitted(run.path)
    (finding,) = client.get("/api/runs/series/findings").json()["findings"]
    first, unchanged = finding["examples"]
    assert (first["place"], first["channels"], first["interval"]) == (0, [1], [9, 18])
    assert (unchanged["place"], unchanged["channels"], unchanged["interval"]) == (None, None, None)
    assert unchanged["after"] == "with it: even (P of odd 0.75); no value of the host changed"
    assert first["changed_words"] is first["outline"] is None
    whole = client.get("/api/runs/series/findings/examples?indices=1,0")
    np.testing.assert_array_equal(numbers(whole), found.change_series(run)[[1, 0]])
    short = client.get("/api/runs/series/findings/examples?indices=0&size=20")
    assert short.headers["x-length"] == "90"
    np.testing.assert_array_equal(numbers(short), decimate(found.change_series(run)[[0]], 20))
    (array,) = run.findings().path.glob("*.npy")
    array.write_bytes(b"")
    answer = client.get("/api/runs/series/findings").json()
    damaged = answer["findings"][0]["examples"][0]
    assert damaged["place"] is damaged["channels"] is None
    assert "no value" not in damaged["after"]
    assert "changed hosts are not shown" in " ".join(answer["notices"])


def test_volumes_are_cut_through_the_evidence(
    admitted: Any, modality_runs: ModuleType, found: ModuleType, tmp_path: Path
) -> None:
    run = modality_runs.volume_run(tmp_path / "volume")
    found.write_volume_finding(run, with_changed=True)
    client = admitted(run.path)
    (example,) = client.get("/api/runs/volume/findings").json()["findings"][0]["examples"]
    assert (example["place"], example["outline"], example["channels"]) == (0, [0, 2, 3, 3], None)
    sent = numbers(client.get("/api/runs/volume/findings/examples?indices=0,0"))
    volumes = [run.inputs[0], run.inputs[1], found.change_volume(run)[0]]
    expected = np.stack([volume[:, 4].transpose(1, 2, 0) for volume in volumes])
    np.testing.assert_array_equal(sent, np.stack([expected, expected]))
    assert (expected[2, 2:5, 0:3] == expected[0, 2:5, 0:3]).all()
    assert (expected[1] != expected[2]).any()


def test_volumes_without_changed_hosts_have_no_outline_in_other_slices(
    admitted: Any, modality_runs: ModuleType, found: ModuleType, tmp_path: Path
) -> None:
    run = modality_runs.volume_run(tmp_path / "volume")
    found.write_volume_finding(run)
    (example,) = admitted(run.path).get("/api/runs/volume/findings").json()["findings"][0]["examples"]
    assert (example["place"], example["outline"]) == (None, None)


# Effects as columns of a class


def test_tested_samples_have_the_share_of_turned_hosts(found_client: TestClient) -> None:
    place = "/api/runs/found/analyses/spray/00002"
    names = [column["name"] for column in found_client.get(place).json()["columns"]]
    assert "effect.window of 3 x 3" in names
    shares = numbers(found_client.get(f"{place}/columns/effect.window of 3 x 3"))
    index = found_client.get(f"{place}/columns/index")
    rows = np.cumsum(numbers(index).astype(int)).tolist()
    assert len(shares) == len(rows)
    tested = {row: float(share) for row, share in zip(rows, shares, strict=True) if not np.isnan(share)}
    assert tested == {2: 0.75, 8: 0.5, 5: 0.25}  # fresh hosts before those that selected; row 11 was not tested


def test_classes_without_effects_have_no_such_column(found_client: TestClient, found_run: Run) -> None:
    place = "/api/runs/found/analyses/spray/00000"
    assert not any(column["name"].startswith("effect.") for column in found_client.get(place).json()["columns"])
    assert found_client.get(f"{place}/columns/effect.window of 3 x 3").status_code == 404


def test_outdated_or_damaged_effects_are_not_shown(sample: SimpleNamespace, found: ModuleType, tmp_path: Path) -> None:
    run = sample.make_sample_run(tmp_path / "run")
    found.write_sample_effects(run)
    horse = run.analysis("spray").category("horse")
    assert list(read_effect_columns(run, horse)) == ["effect.window of 3 x 3"]
    file = run.path / "effects/effects/00002.json"
    whole = file.read_text()
    file.write_text(whole.replace('"window of 3 x 3"', '"window of 4 x 4"'))
    assert read_effect_columns(run, horse) == {}
    file.write_text(whole)
    commit = run.path / "commits/000003.json"
    commit.unlink()
    assert read_effect_columns(run, horse) == {}
