"""`whyset view` as a real process: it prints an address, serves, and ends by Ctrl-C."""

import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any

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
