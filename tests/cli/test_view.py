"""`whyset view` as a real process: it prints an address, serves, and ends by Ctrl-C."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any

from whyset.store import open_run

Program = Callable[[Sequence[str]], Any]
CODE = "import sys; from whyset.cli import main; sys.exit(main())"


def test_view_prints_an_address_serves_and_ends_by_ctrl_c(job: Any, whyset: Program) -> None:
    whyset(job.arguments())
    command = [sys.executable, "-u", "-c", CODE, "view", str(job.run), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        found = next(filter(None, (re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line) for line in process.stdout)))
        with urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(found.group()) as page:
            assert page.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert "Traceback" not in process.stdout.read()


def test_view_opens_a_state_file_with_the_runs_that_it_names(job: Any, whyset: Program) -> None:
    whyset(job.arguments())
    run = open_run(job.run)
    named = {"id": "other", "name": "run", "path": "run", "hash": run.config_hash}
    state = {"format": "whyset-state", "schema": "1.0", "runs": [named], "address": "#/other?classOrder=-size"}
    file = job.folder / "state.json"
    file.write_text(json.dumps(state))
    command = [sys.executable, "-u", "-c", CODE, "view", str(file), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        found = next(
            filter(None, (re.search(r"(http://127\.0\.0\.1:\d+/)\?token=\S+", line) for line in process.stdout))
        )
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        browser.open(found.group())
        with browser.open(f"{found[1]}api/opening") as answer:
            opening = json.load(answer)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert opening == {"address": "#/run?classOrder=-size", "selected": None, "theme": None, "told": []}


def test_what_cannot_be_opened_is_one_line_that_says_what_to_do(job: Any, whyset: Program) -> None:
    file = job.folder / "state.json"
    named = {"id": "run", "name": "mine", "path": "/gone/run", "hash": "sha256:0"}
    state = {"format": "whyset-state", "schema": "1.0", "runs": [named], "address": "#/run"}
    for content, words in (
        ("{", "is not JSON"),
        (
            '{"format": "whyset-run"}',
            "expected a state file (format 'whyset-state', schema 1.0) that Share saved, "
            "or a bookmark that ViRelAy exported, got the format 'whyset-run'",
        ),
        (
            json.dumps(state),
            "/gone/run is missing or cannot be read; if it has moved, use `whyset view NEW/PATH",
        ),
        (json.dumps({"selectedAnalysisMethod": "spray", "selectedAnalysisCategory": "a"}), "`whyset view RUN"),
    ):
        file.write_text(content)
        told = whyset(["view", file, "--no-browser"])
        assert (told.code, told.err.count("\n")) == (2, 1)
        assert words in told.err
