"""Exports: the same samples in every form, in the order asked for, and lines of Python that run."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from httpx import Response
from pyarrow import csv, parquet

from whyset.store import Run
from whyset.store.jsonfile import json_checksum
from whyset.viewer.endpoints.exports import _without_formulas


@pytest.fixture
def rows(run: Run) -> list[int]:
    """Horses, not in order, and a cat."""
    index = np.asarray(run.analysis("spray").category("horse").column("index"))
    return [int(index[5]), int(index[0]), 0]


def ask(client: TestClient, run: Run, rows: list[int], form: str) -> Response:
    category = run.analysis("spray").category("horse").id
    address = f"/api/runs/{run.path.name}/analyses/spray/{category}/export"
    return client.post(address, json={"rows": rows, "form": form})


def test_every_form_says_the_same(client: TestClient, run: Run, rows: list[int]) -> None:
    answers = {form: ask(client, run, rows, form).content for form in ("csv", "parquet", "json")}
    table = parquet.read_table(io.BytesIO(answers["parquet"]))
    assert table["index"].to_pylist() == rows
    assert table["id"].to_pylist() == [run.ids[row] for row in rows]
    assert table["prediction_name"].to_pylist() == [run.classes[run.column("prediction")[row]] for row in rows]
    assert table.to_pylist() == pa.Table.from_pylist(json.loads(answers["json"]), schema=table.schema).to_pylist()
    assert csv.read_csv(io.BytesIO(answers["csv"]))["id"].to_pylist() == table["id"].to_pylist()


def test_clusters_are_those_of_the_category_and_null_elsewhere(client: TestClient, run: Run, rows: list[int]) -> None:
    lines = json.loads(ask(client, run, rows, "json").content)
    category = run.analysis("spray").category("horse")
    place = {int(row): at for at, row in enumerate(category.column("index"))}
    wanted = [int(category.column("clustering.kmeans")[place[row]]) if row in place else None for row in rows]
    assert [line["cluster.kmeans"] for line in lines] == wanted
    assert wanted[2] is None


def test_the_python_runs_and_reads_these_samples(client: TestClient, run: Run, rows: list[int]) -> None:
    code = ask(client, run, rows, "python").text + "print(samples['id'].to_pylist(), relevance.shape)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == f"{[run.ids[row] for row in rows]} (3, 3, 12, 18)"


def test_the_browser_is_told_to_save_it(client: TestClient, run: Run, rows: list[int]) -> None:
    told = ask(client, run, rows, "csv").headers["content-disposition"]
    assert told == f'attachment; filename="{run.path.name}-00002-3-samples.csv"'


def test_a_damaged_category_is_told(
    admitted: Callable[..., TestClient], sample: SimpleNamespace, tmp_path: Path
) -> None:
    copy = sample.make_sample_run(tmp_path / "copy")
    folder = copy.analysis("spray").category("horse").path
    record = json.loads((folder / "category.json").read_text())
    np.save(next(folder.rglob("index.npy")), np.zeros(0, np.int64))
    record["columns"]["index"] = {"dtype": "<i8", "shape": [0]}
    (folder / "category.json").write_text(json.dumps(record | {"checksum": json_checksum(record)}))
    answer = ask(admitted(copy.path), copy, [0], "csv")
    assert answer.status_code == 409
    assert "damaged" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"rows": [60]}, 404),
        ({"rows": [0] * 61}, 422),
        ({"rows": []}, 422),
        ({"rows": [-1]}, 422),
        ({"rows": [0], "form": "xlsx"}, 422),
        ({}, 422),
    ],
)
def test_what_cannot_be_exported_is_refused(client: TestClient, run: Run, order: dict, status: int) -> None:
    assert client.post(f"/api/runs/{run.path.name}/analyses/spray/00002/export", json=order).status_code == status


def test_a_spreadsheet_finds_no_formula_and_numbers_stay_numbers() -> None:
    table = pa.table({"name": ["=1+1", "@x", "-2", "\tx", "cat", None], "value": [-1.5, 2.0, -3.0, 0.0, 1.0, None]})
    safe = _without_formulas(table)
    assert safe["name"].to_pylist() == ["'=1+1", "'@x", "'-2", "'\tx", "cat", None]
    assert safe["value"].equals(table["value"])


def test_texts_that_a_foreign_run_holds_as_a_dictionary_are_made_safe_too() -> None:
    table = pa.table({"id": pa.array(["=1+1", "cat", None, "=1+1"]).dictionary_encode()})
    assert _without_formulas(table)["id"].to_pylist() == ["'=1+1", "cat", None, "'=1+1"]
