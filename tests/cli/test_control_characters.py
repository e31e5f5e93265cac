"""No text of a received run colors, overwrites or reverses what a terminal or a page shows, or passes for a line."""

import ast
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from whyset import cli
from whyset.cli import main
from whyset.cli.app import log_to_stderr
from whyset.printable import is_printable
from whyset.store import Run
from whyset.store.jsonfile import json_checksum

EVIL = "\x1b[2J\r\x9b31m\u202etac\x07\x00\u2066"
LINE = "\nwhyset: nothing is wrong"


@pytest.fixture
def run(sample_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose classes, ids, failures, model and notes hold control characters."""
    classes = sample_run.CLASSES
    monkeypatch.setattr(sample_run, "CLASSES", (classes[0] + EVIL, classes[1] + LINE, classes[2] + EVIL + LINE))
    monkeypatch.setattr(sample_run, "REASON", f"failed{EVIL}{LINE}")
    ids = [f"{one}{EVIL}{LINE}.png" for one in sample_run._ids()]
    monkeypatch.setattr(sample_run, "_ids", lambda: ids)
    made: Run = sample_run.make_sample_run(tmp_path / "run")
    edit(made.path / "run.json", spoil_config)
    edit(made.path / "analyses/spray/00002/category.json", spoil_evidence)
    return made


def edit(file: Any, change: Callable[[dict[str, Any]], object]) -> None:
    stored = json.loads(file.read_text())
    change(stored)
    stored["checksum"] = json_checksum(stored)
    file.write_text(json.dumps(stored))


def spoil_config(stored: dict[str, Any]) -> None:
    stored["config"]["model"] = f"model{EVIL}{LINE}"
    stored["config"]["origin"] = {"model": None, EVIL: EVIL}


def spoil_evidence(stored: dict[str, Any]) -> None:
    stored["evidence"]["data_issues"] = [f"issue{EVIL}{LINE}"]


COMMANDS = [
    ["report", "{run}"],
    ["report", "{run}", "--format", "markdown"],
    ["report", "{run}", "--format", "json"],
    ["report", "{run}", "--format", "html"],
    ["report", "{run}", "--out", "{out}/page.html"],
    ["report", "{run}", "--out", "{out}/page.md"],
    ["report", "{run}", "--out", "{out}/page.json"],
    ["report", "{run}", "--name", EVIL],
    ["verify", "{run}"],
    ["verify", "{run}" + EVIL],
    ["heatmaps", "{run}", "{out}", "--limit", "3"],
    ["export-html", "{run}", "{out}/page.html", "--class", EVIL],
    ["export-virelay", "{run}", "--out", "{out}/project"],
    ["rerun", "{run}", "--out", "{out}/again"],
    ["--verbose", "rerun", "{run}", "--out", "{out}/again"],
    ["analyze", "{run}", "--array", EVIL],
]


def require_plain(text: str) -> None:
    strange = {char for char in text if not is_printable(char) and char not in "\n\t"}
    assert not strange
    if "</" not in text:  # in HTML a line break is a space
        assert not [line for line in text.splitlines() if line.startswith("whyset: nothing is wrong")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_shows_them_by_their_numbers(
    command: list[str], run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    main([part.format(run=run.path, out=out) for part in command])
    said = capsys.readouterr()
    require_plain(said.out)
    require_plain(said.err)
    assert said.out or said.err
    for file in out.rglob("page*"):
        require_plain(file.read_text())
    for file in out.rglob("*"):
        require_plain(file.name)
        assert len(file.name) < 256


def test_json_keeps_the_names_as_they_are(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run.path), "--format", "json"]) == 0
    assert run.classes[2] in [row["name"] for row in json.loads(capsys.readouterr().out)["classes"]]


def test_objects_at_the_prompt_show_them_by_their_numbers(run: Run) -> None:
    analysis = run.analysis("spray")
    for shown in (run, analysis, *analysis.categories):
        require_plain(repr(shown))
        assert "\n" not in repr(shown)
        require_plain(shown._repr_html_())


def test_what_is_logged_shows_them_by_their_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    with log_to_stderr():
        try:
            raise ValueError(EVIL)
        except ValueError:
            logging.getLogger("whyset.viewer").exception("the run %s cannot be read", EVIL)
    said = capsys.readouterr().err
    assert "ValueError" in said
    require_plain(said)


def test_commands_print_by_one_function_only() -> None:
    """What goes to stderr, and the written report, are made safe where they are made."""
    bare = [
        (file.name, ast.unparse(call.args[0]))
        for file in Path(cli.__file__).parent.glob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) == "print"
        and not any(keyword.arg == "file" for keyword in call.keywords)
    ]
    assert sorted(bare) == [("app.py", "whyset.__version__"), ("report.py", "page.rstrip('\\n')")]
