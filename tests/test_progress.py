"""Progress of `ws.explain` and `ws.analyze` in Python: on a pseudo terminal, through a pipe, and in the log."""

import io
import logging
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console

import whyset as ws
from whyset.display import Bar, Lines, Log, resolve_progress
from whyset.progress import Progress, Silent

SCRIPT = """
import sys, torch, whyset as ws
progress = {"None": None, "True": True, "False": False}[sys.argv[2]]
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 6, 2))
ws.explain(net, torch.rand(5, 3, 8, 6), sys.argv[1], composite="gradient", progress=progress)
"""


def run_on_terminal(out: Path, progress: str) -> str:
    """Run the script with its output on a pseudo terminal and return what it wrote there, less control sequences."""
    reader, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(out), progress], stdout=terminal, stderr=terminal, env=environment
    ) as process:
        os.close(terminal)
        written = b""
        while True:
            try:
                part = os.read(reader, 65536)
            except OSError:  # Linux ends a pseudo terminal without writers by EIO
                break
            if not part:
                break
            written += part
    os.close(reader)
    assert process.returncode == 0, written
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", written.decode(errors="replace"))


def run_in_pipe(out: Path, progress: str) -> str:
    ran = subprocess.run([sys.executable, "-c", SCRIPT, str(out), progress], capture_output=True, text=True, check=True)
    return ran.stdout


def test_a_terminal_shows_a_bar_by_default(tmp_path: Path) -> None:
    assert "5/5 samples" in run_on_terminal(tmp_path / "run", "None")


def test_no_bar_is_shown_on_a_terminal_where_it_is_off(tmp_path: Path) -> None:
    assert "samples/s" not in run_on_terminal(tmp_path / "run", "False")


def test_a_pipe_gets_nothing_by_default(tmp_path: Path) -> None:
    assert run_in_pipe(tmp_path / "run", "None") == ""


def test_a_pipe_gets_plain_lines_where_they_are_asked_for(tmp_path: Path) -> None:
    written = run_in_pipe(tmp_path / "run", "True")
    assert "5 of 5 samples (" in written
    assert "\x1b" not in written


def test_messages_are_logged_where_no_progress_is_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 6, 2))
    torch.nn.init.zeros_(net[1].weight)
    with caplog.at_level(logging.DEBUG, "whyset"):
        ws.explain(net, torch.rand(8, 3, 8, 6), tmp_path / "run", composite="gradient")
    logged = {(record.levelno, record.getMessage()[:8]) for record in caplog.records}
    assert (logging.WARNING, "warning:") in logged or (logging.WARNING, "warning ") in logged
    assert any(record.levelno == logging.DEBUG and "samples: " in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    "line", ["accuracy: 50.0%", "warning: not one", "2 classes; shard 2 failed: no memory", "error.png is explained"]
)
def test_the_caller_states_the_level_and_not_the_text(line: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "whyset"):
        Log().info(line)
        Log().warn(line)
    logged = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert logged == [(logging.INFO, line), (logging.WARNING, line)]


def test_a_sample_that_fails_is_logged_as_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    images = torch.rand(8, 3, 8, 6)
    images[3] = torch.nan
    with caplog.at_level(logging.DEBUG, "whyset"):
        ws.explain(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 2)), images, tmp_path / "run")
    levels = {record.levelno for record in caplog.records if "1 of 8 samples failed" in record.getMessage()}
    assert levels == {logging.WARNING}


@pytest.mark.parametrize("shown", [Bar(Console(file=io.StringIO())), Lines(), Silent(), Log()])
def test_every_display_takes_warnings(shown: Progress, capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(shown, Progress)
    shown.warn("disk is slow")
    written = shown.console.file.getvalue() if isinstance(shown, Bar) else capsys.readouterr().out
    assert written == ("disk is slow\n" if isinstance(shown, Bar | Lines) else "")


def test_the_argument_chooses_the_display() -> None:
    given = Lines()
    assert resolve_progress(given) is given
    assert isinstance(resolve_progress(False), Log)
    assert isinstance(resolve_progress(True), Bar | Lines)


def test_the_library_configures_no_handler() -> None:
    code = (
        "import logging, whyset.runner, whyset.analysis\n"
        "print(logging.getLogger('whyset').handlers, logging.root.handlers)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[] []\n"
