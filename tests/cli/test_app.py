"""The program as a whole: light help, examples everywhere, and errors in one line."""

import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import whyset as package
from whyset.cli.app import COMMANDS
from whyset.errors import InputError

Program = Callable[[Sequence[str]], Any]
HEAVY = {"torch", "numpy", "scipy", "sklearn", "zarr", "pyarrow", "fastapi", "uvicorn", "PIL"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["explain", "--help"], ["demo", "--help"], ["explain"]]
)
def test_help_and_wrong_usage_load_nothing_heavy(arguments: list[str]) -> None:
    code = f"import json, sys\nfrom whyset.cli import main\nmain({arguments!r})\nprint(json.dumps(sorted(sys.modules)))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in json.loads(finished.stdout.splitlines()[-1])} & HEAVY


def test_help_lists_every_command(whyset: Program) -> None:
    printed = whyset(["--help"])
    assert printed.code == 0
    assert all(f" {name} " in printed.out for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example_of_itself(command: str, whyset: Program) -> None:
    printed = whyset([command, "--help"])
    assert printed.code == 0
    assert f"Example: whyset {command}" in printed.out


def test_version(whyset: Program) -> None:
    assert whyset(["--version"]).out == f"{package.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["explan"], "No such command 'explan'"),
        (["explain"], "Missing option '--model'"),
        (["explain", "--modl", "x"], "No such option: --modl"),
        (["explain", "--batch-size", "many"], "Invalid value for '--batch-size'"),
        (["verify"], "Missing argument 'RUN'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], line: str, whyset: Program) -> None:
    printed = whyset(arguments)
    assert printed.code == 2
    assert printed.err.startswith("whyset: ")
    assert line in printed.err
    assert printed.err.count("\n") == 1
    assert "--help)" in printed.err


def test_the_module_is_the_command_line() -> None:
    ran = subprocess.run([sys.executable, "-m", "whyset", "rules"], capture_output=True, text=True)
    assert ran.returncode == 0
    assert "epsilon" in ran.stdout.lower()


@pytest.mark.parametrize("command", ["analyze", "view", "report", "verify"])
def test_a_folder_that_is_no_run_is_named(command: str, whyset: Program, tmp_path: Path) -> None:
    printed = whyset([command, str(tmp_path / "gone")])
    assert (printed.code, printed.err.count("\n")) == (2, 1)
    assert str(tmp_path / "gone") in printed.err


def test_the_traceback_is_there_for_whoever_asks_for_it(
    whyset: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "Traceback" not in whyset(["verify", str(tmp_path)]).err
    monkeypatch.setenv("WHYSET_DEBUG", "1")
    printed = whyset(["verify", str(tmp_path)])
    assert "Traceback" in printed.err
    assert InputError.__name__ in printed.err


def test_the_process_ends_with_the_exit_code() -> None:
    code = "import sys; from whyset.cli import main; sys.exit(main())"
    finished = subprocess.run([sys.executable, "-c", code, "nonsense"], capture_output=True, text=True)
    assert finished.returncode == 2
    assert "Traceback" not in finished.stderr


def test_verbose_logs_versions_times_and_tracebacks(whyset: Program, tmp_path: Path) -> None:
    printed = whyset(["--verbose", "verify", str(tmp_path)])
    assert printed.code == 2
    assert f"whyset: whyset {package.__version__} in " in printed.err
    assert "whyset: numpy " in printed.err
    assert "Traceback" in printed.err
    assert "whyset: finished after " in printed.err


def test_verbose_and_quiet_exclude_each_other(whyset: Program) -> None:
    printed = whyset(["--verbose", "-q", "rules"])
    assert (printed.code, printed.err.count("\n")) == (2, 1)


def test_quiet_drops_warnings_but_keeps_results_and_errors(
    whyset: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def warn(name: str) -> None:
        warnings.warn(f"{name} is strange", stacklevel=1)

    monkeypatch.setattr("whyset.cli.app.version_or_none", warn)
    printed = whyset(["-q", "rules"])
    assert printed.code == 0
    assert "Epsilon" in printed.out
    assert printed.err == ""
    assert whyset(["--quiet", "verify", str(tmp_path)]).err.startswith("whyset: ")
    assert whyset(["--verbose", "rules"]).err.count("warning: numpy is strange") == 1


def test_the_logger_is_as_before_after_a_command(whyset: Program) -> None:
    logger = logging.getLogger("whyset")
    before = (logger.level, list(logger.handlers))
    whyset(["--verbose", "rules"])
    assert (logger.level, list(logger.handlers)) == before


def test_a_reader_that_stops_reading_is_no_error() -> None:
    """`whyset report RUN | head` ends the pipe early; typer turns the error into SystemExit."""
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run([sys.executable, "-m", "whyset", "rules"], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, "")
