"""The benchmarks of the p-value, at sizes that take seconds."""

import runpy
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("null_models", "planted"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_every_kind_has_a_row_with_its_shares(tmp_path: Path) -> None:
    out = tmp_path / "tests.md"
    few = ["--samples", "40", "--sets", "1", "--compared", "1", "--only", "curved", "--only", "low rank"]
    runpy.run_path(str(BENCHMARKS / "null_models.py"))["main"]([*few, "--out", str(out)])
    rows = [line.split(" | ") for line in out.read_text().splitlines() if line.startswith(("| curved", "| low rank"))]
    assert [row[0] for row in rows] == ["| low rank", "| curved", "| low rank", "| curved"]
    assert all(0 < float(row[4]) <= 1 for row in rows[:2])
    assert all(len(row) == 7 for row in rows)


def test_the_former_procedure_is_measured_on_the_same_maps(tmp_path: Path) -> None:
    """The benchmark ends with an error if the stability differs from that of the former procedure."""
    out = tmp_path / "time.md"
    few = ["--samples", "60", "--surrogates", "2", "--resamplings", "2", "--out", str(out)]
    runpy.run_path(str(BENCHMARKS / "p_values.py"))["main"](few)
    rows = [line for line in out.read_text().splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 4
    assert all(float(row.rstrip(" |").rpartition("| ")[2]) > 0 for row in rows)
