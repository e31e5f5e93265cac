from pathlib import Path

import numpy as np
import pytest

from whyset.cli.app import run as program
from whyset.errors import InputError
from whyset.report import as_markdown, report
from whyset.report.attributes import read_attributes
from whyset.store import Run


def test_a_table_is_read_by_id_and_what_is_not_there_is_unknown(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text('id,camera,"site, town"\nb,Nikon,x\na,,y\n', encoding="utf-8")
    found = read_attributes(table, ["a", "b", "c"])
    assert {name: values.tolist() for name, values in found.items()} == {
        "camera": ["", "Nikon", ""],
        "site, town": ["y", "x", ""],
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,camera\na,x\n", "expected id"),
        ("id\na\n", "at least one attribute"),
        ("id,camera\nelsewhere,x\n", "none of the ids"),
        ("id,camera\na,x\na,y\n", "the id 'a' twice"),
        (None, "cannot be read"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    table = tmp_path / "table.csv"
    if content is not None:
        table.write_text(content)
    with pytest.raises(InputError, match=message):
        read_attributes(table, ["a", "b"])


def test_an_attribute_that_goes_with_a_cluster_is_told(run: Run) -> None:
    category = run.analysis("spray").category("horse")
    rows, labels = np.asarray(category.column("index")), np.asarray(category.column("clustering.kmeans"))
    scanner = np.array([""] * len(run), object)
    scanner[rows] = np.where(labels == 0, "old", "new")
    told = report(run, attributes={"scanner": scanner, "noise": np.random.default_rng(0).integers(0, 2, len(run))})
    (cluster,) = [row for row in told.clusters if row.class_name == "horse" and row.evidence.id == 0]
    (found,) = [one for one in cluster.enriched if one.attribute == "scanner"]
    assert (found.attribute, found.value, found.inside, found.outside) == (
        "scanner",
        "old",
        cluster.evidence.n_explanations,
        0,
    )
    assert "scanner = old" in as_markdown(told)


@pytest.mark.parametrize("length", [10, 70])
def test_attributes_of_another_length_are_refused(run: Run, length: int) -> None:
    with pytest.raises(InputError, match=rf"'scanner' has the shape \({length},\).* each of the 60"):
        report(run, attributes={"scanner": np.zeros(length, int)})


def test_the_command_writes_the_form_that_the_ending_names(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("id,parity\n" + "".join(f"{name},{n % 2}\n" for n, name in enumerate(run.ids)), encoding="utf-8")
    for ending, start in (("html", "<!doctype html>"), ("md", "# "), ("json", "{"), ("txt", str(run.path)[:20])):
        out = tmp_path / f"report.{ending}"
        assert program(["report", str(run.path), "--out", str(out), "--attributes", str(table)]) == 0
        assert out.read_text(encoding="utf-8").startswith(start)
    assert program(["report", str(run.path), "--out", str(tmp_path / "nowhere" / "report.md")]) == 2
    assert "does not exist" in capsys.readouterr().err
