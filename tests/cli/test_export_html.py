"""`whyset export-html`: what a person types, and the file that lies there afterwards."""

from pathlib import Path
from types import ModuleType

import pytest

from whyset.cli import main
from whyset.store import Run
from whyset.store.selections import Selection, Selections


@pytest.fixture
def run(sample_run: ModuleType, tmp_path: Path) -> Run:
    return sample_run.make_sample_run(tmp_path / "run")


def test_a_class_becomes_a_page(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "horses.html"
    arguments = ["export-html", str(run.path), str(out), "--class", "horse", "--no-inputs"]
    assert main(arguments) == 0
    assert f"written: {out} (0." in capsys.readouterr().out
    assert main(arguments) == 2
    assert "exists" in capsys.readouterr().err
    assert main([*arguments, "--force"]) == 0


def test_a_kept_selection_or_a_file_names_the_samples(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Selections(run.path / "selections", len(run)).add(Selection(name="corners", rows=(2, 8)))
    (tmp_path / "rows.txt").write_text("2\n8\n")
    pages = {}
    for option, value in (("--selection", "corners"), ("--rows", str(tmp_path / "rows.txt"))):
        out = tmp_path / f"{option}.html"
        assert main(["export-html", str(run.path), str(out), option, value]) == 0
        pages[option] = out.read_bytes()
    assert pages["--selection"] == pages["--rows"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--class", "zebra"], "has no category 'zebra'"),
        (["--selection", "none"], "has no selection called 'none'; stored selections: none"),
        (["--limit", "3"], "raise --limit"),
        (["--selection", "a", "--rows", "b"], "use one of them"),
        (["--rows", "RUN/run.json"], "whole numbers, one per line"),
    ],
)
def test_wrong_input_is_one_line(
    run: Run, tmp_path: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [argument.replace("RUN", str(run.path)) for argument in arguments]
    assert main(["export-html", str(run.path), str(tmp_path / "page.html"), *given]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()
