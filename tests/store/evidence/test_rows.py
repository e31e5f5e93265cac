"""Evidence that names explanations or clusters that are not there is the problem of its class, and of no other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whyset.cli import main
from whyset.errors import BrokenRunError
from whyset.report import as_html, as_json, report
from whyset.report.pictures import ReportHeatmaps
from whyset.store import Run
from whyset.store.jsonfile import json_checksum


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file as somebody does who knows how its checksum is made."""
    stored = json.loads(file.read_text())
    change(stored)
    stored["checksum"] = json_checksum(stored)
    file.write_text(json.dumps(stored))


@pytest.fixture
def run(sample_run: Any, tmp_path: Path) -> Run:
    return sample_run.make_sample_run(tmp_path / "run")


def clusters(stored: dict[str, Any]) -> Any:
    evidence = stored["evidence"]
    return evidence["clusterings"][evidence["default_clustering"]]["clusters"]


PROTOTYPES = {"covariance": "diag", "weights": [1.0]}
STRANGERS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "beyond": (lambda stored: clusters(stored)[0].update(medoids=[60]), "the explanation 60: expected 0 to 59"),
    "negative": (lambda stored: clusters(stored)[1].update(medoids=[-1]), "the explanation -1"),
    "huge": (lambda stored: clusters(stored)[0].update(medoids=[2**63]), "the explanation 9223372036854775808"),
    "prototype": (
        lambda stored: stored["evidence"].update(prototypes={**PROTOTYPES, "explanations": [-60], "outliers": []}),
        "the explanation -60",
    ),
    "outlier": (
        lambda stored: stored["evidence"].update(prototypes={**PROTOTYPES, "explanations": [0], "outliers": [99]}),
        "the explanation 99",
    ),
    "cluster": (lambda stored: clusters(stored)[0].update(id=-1), "cluster -1 of kmeans is at the position of"),
}


@pytest.mark.parametrize(("change", "message"), STRANGERS.values(), ids=STRANGERS)
def test_it_is_told_and_the_other_classes_are_as_before(change, message, run: Run, tmp_path: Path) -> None:
    before = {row.id: row for row in report(run).classes}
    edit(run.path / "analyses/spray/00002/category.json", change)
    analysis = run.analysis("spray")
    problem = analysis.category("00002").problem
    assert problem is not None
    assert message in problem
    assert [(one.kind, one.where) for one in run.verify()] == [("damaged", "analyses/spray/00002")]
    told = report(run)
    for row in told.classes:
        if row.id != "00002":
            assert (row.separability, row.n_explanations) == (
                before[row.id].separability,
                before[row.id].n_explanations,
            )
    assert json.loads(as_json(told))
    assert message in as_html(told, ReportHeatmaps(run, analysis))
    assert main(["report", str(run.path), "--out", str(tmp_path / "page.html")]) == 0
    assert main(["export-html", str(run.path), str(tmp_path / "viewer.html")]) == 0


@pytest.mark.parametrize("rows", [[-1, 3], [0, 60], [[0, 1]], [0.0, 1.0]])
def test_a_column_that_names_no_rows_is_damaged(rows: Any, run: Run) -> None:
    folder = run.path / "analyses/spray/00002"
    values = np.array(rows)
    (columns,) = {file.parent for file in folder.rglob("index.npy")}
    np.save(columns / "index.npy", values)

    def describe(stored: dict[str, Any]) -> None:
        from whyset.store.commits import checksum

        stored["columns"]["index"] = {
            "dtype": values.dtype.str, "shape": list(values.shape), "crc32": checksum(values)
        }  # fmt: skip

    edit(folder / "category.json", describe)
    with pytest.raises(BrokenRunError, match=r"index\.npy is damaged"):
        run.analysis("spray").category("00002").column("index")
    (problem,) = run.verify()
    assert problem.where == "analyses/spray/00002/index.npy"
