"""Ctrl-C, once and again, at every stage of a command: one line, exit code 130, and never a traceback."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import whyset as ws

Program = Callable[[Sequence[str]], Any]
LINE = "whyset: interrupted; repeat the command to continue\n"
PATIENCE = 120.0
ENDED = {130, -signal.SIGINT}  # the last moments of the interpreter have no handlers any more; a shell says 130 of both
MAIN = "\nfrom whyset.cli import main\nsys.exit(main())\n"
SEVERAL_SHARDS = """
from whyset.store import default_arrays
default_arrays._MOST_SHORT_ROWS = 1024
"""
READY = """
import sys
from whyset.cli.interrupts import Interrupts
install = Interrupts.install
def installed(self):
    install(self)
    print("here", flush=True)
Interrupts.install = installed
"""
IMPORTING = """
import sys, threading, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            print("here", flush=True)
            while True:
                time.sleep(0.01)
sys.meta_path.insert(0, Slow())
"""
CLEANING_UP = """
import sys, time
from whyset.runner.shard_writer import ShardWriter
def wait_for_ever(self, *raised):
    print("here", flush=True)
    while True:  # a wait without end would miss a signal that arrives just before it begins
        time.sleep(0.01)
ShardWriter.__exit__ = wait_for_ever
"""
WORKING = """
import time
from whyset.runner.shard_writer import ShardWriter
def work_for_ever(self, do):
    print("working", flush=True)
    while True:
        time.sleep(0.01)
ShardWriter.hand_over = work_for_ever
"""
LEAVING = """
import atexit, sys, time
def wait_for_ever():
    print("here", flush=True)
    while True:
        time.sleep(0.01)
atexit.register(wait_for_ever)
"""
FINALIZING = """
import sys, time
from whyset.runner.shard_writer import ShardWriter
class Slow:
    def __del__(self):
        print("here", flush=True)
        while True:
            time.sleep(0.01)
def finalize(self):
    Slow()
    return self
ShardWriter.__enter__ = finalize
"""


@contextmanager
def started(code: str, arguments: Sequence[str], **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """Start a command in a group of its own; whatever the test finds, no process of the group outlives it."""
    command = [sys.executable, "-c", code + MAIN, *arguments]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def interrupt(process: "subprocess.Popen[str]") -> None:
    """Send what a terminal sends at Ctrl-C: a signal to the whole group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)


def wait_for_line(process: "subprocess.Popen[str]", line: str = "here\n") -> None:
    assert process.stdout is not None
    assert line in iter(process.stdout.readline, ""), process.communicate()


def interrupt_until_it_ends(process: "subprocess.Popen[str]") -> tuple[str, str]:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None:
        assert time.monotonic() < deadline, "Ctrl-C does not end it"
        interrupt(process)
        time.sleep(0.002)
    return process.communicate(timeout=PATIENCE)  # workers have the same pipes, and end with it


@pytest.mark.parametrize("module", ["typer", "whyset.cli.explain", "torch", "rich.console", "pyarrow"])
def test_while_modules_are_imported(module: str, job: Any) -> None:
    with started(IMPORTING.format(module=module), job.arguments()) as process:
        wait_for_line(process)
        interrupt(process)
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, LINE)


@pytest.mark.parametrize("code", [CLEANING_UP, FINALIZING, LEAVING], ids=["cleaning up", "finalizer", "leaving"])
def test_again_where_the_first_one_does_not_end_it(code: str, job: Any) -> None:
    with started(code, job.arguments()) as process:
        wait_for_line(process)
        _, err = interrupt_until_it_ends(process)
    assert process.returncode in ENDED
    assert err in ({""} if code is LEAVING else {LINE})


def test_a_second_one_ends_a_clean_up_that_the_first_one_began(job: Any) -> None:
    with started(WORKING + CLEANING_UP, job.arguments()) as process:
        wait_for_line(process, "working\n")
        interrupt(process)
        wait_for_line(process)
        interrupt(process)
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, LINE)


@pytest.mark.parametrize("engine", ["serial", "local"])
@pytest.mark.parametrize("committed", [None, 0, 1])
def test_pressed_all_the_time_while_shards_are_made(
    engine: str, committed: int | None, long_job: Any, tmp_path: Path
) -> None:
    """From the first moment, from when there is a run, and between its shards; what is committed stays whole."""
    run = tmp_path / "run"
    arguments = long_job.arguments(engine=engine, out=run)
    code = READY if committed is None else SEVERAL_SHARDS + READY
    with started(code, arguments, SECONDS_PER_BATCH="0.02") as process:
        wait_for_line(process)
        while committed is not None and process.poll() is None:
            if (run / "run.json").exists() and len(list((run / "commits").glob("*.json"))) >= committed:
                break
            time.sleep(0.005)
        _, err = interrupt_until_it_ends(process)
    assert err == LINE
    assert process.returncode in ENDED
    if committed is not None:
        assert all(problem.harmless for problem in ws.open_run(run).verify())


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_single_one_while_workers_start(engine: str, long_job: Any, tmp_path: Path) -> None:
    with started(READY, long_job.arguments(engine=engine, out=tmp_path / "run")) as process:
        while process.poll() is None and not (tmp_path / "run" / "run.json").exists():
            time.sleep(0.002)
        interrupt(process)
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, LINE)


def test_an_ignored_interrupt_stays_ignored(job: Any) -> None:
    """As for a command that a shell put into the background."""
    code = "import signal, sys\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('here', flush=True)\n"
    with started(code, job.arguments()) as process:
        wait_for_line(process)
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            interrupt(process)
            time.sleep(0.05)
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")


@contextmanager
def viewing(run: Path) -> Iterator[tuple["subprocess.Popen[str]", re.Match[str]]]:
    with started("import sys", ["view", str(run), "--no-browser"]) as process:
        assert process.stdout is not None
        addresses = (re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", line) for line in process.stdout)
        yield process, next(filter(None, addresses))


def reach(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


@pytest.mark.parametrize("again", [False, True])
def test_the_viewer_with_requests_in_flight_ends_in_silence(again: bool, job: Any, whyset: Program) -> None:
    whyset(job.arguments())
    with viewing(job.run) as (process, address), reach(int(address[1])) as one, reach(int(address[1])):
        host, cookie = f"127.0.0.1:{address[1]}", f"whyset-token-{address[1]}={address[2]}"
        head = f"POST /api/runs/run/export HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nContent-Length: 9\r\n"
        one.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert one.recv(100).startswith(b"HTTP/1.1 100")  # the application waits for the body
        interrupt(process)
        out, err = interrupt_until_it_ends(process) if again else process.communicate(timeout=PATIENCE)
    assert process.returncode in (ENDED | {0} if again else {0})
    assert "Traceback" not in out + err
    assert err in ("", LINE)
