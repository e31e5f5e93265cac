"""Open the viewer of an installed whyset on the demo's runs, as a browser would, and check what it serves.

    python open_viewer.py path/to/whyset path/to/whyset-demo/run path/to/whyset-demo/fixed

Only the standard library is used, and only the loopback interface.
"""

import json
import re
import subprocess
import sys
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urljoin
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

SECONDS = 60


def address(viewer: "subprocess.Popen[str]") -> str:
    """The address with its token, as the viewer prints it."""
    for line in viewer.stdout or []:
        print(f"  {line.rstrip()}")
        if found := re.search(r"http://\S+[?&]token=[\w-]+", line):
            return found.group()
    raise SystemExit(f"the viewer ended with exit code {viewer.wait()} and printed no address")


def read(browser: OpenerDirector, url: str) -> str:
    with browser.open(url, timeout=SECONDS) as answer:
        return str(answer.read().decode("utf-8"))


def check(start: str, n_runs: int) -> None:
    """Log in by the token, load the page with its script, and follow the API down to one class of each run."""
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    page = read(browser, start)
    scripts = re.findall(r'<script[^>]+src="([^"]+)"', page)
    assert scripts, "the page loads no script"
    assert all(read(browser, urljoin(start, script)) for script in scripts)
    runs = json.loads(read(browser, urljoin(start, "api/runs")))
    assert len(runs) == n_runs, runs
    for run in runs:
        check_run(browser, start, run)


def check_run(browser: OpenerDirector, start: str, run: dict[str, Any]) -> None:
    """Follow the API from a run down to one class."""
    assert run["committed"] == run["n_explanations"] == run["n_samples"] > 1000, run
    assert run["failed"] == 0, run
    assert run["analyses"] == ["spray"], run
    analysis = json.loads(read(browser, urljoin(start, f"api/runs/{run['id']}/analyses/spray")))
    assert len(analysis["categories"]) == 10, analysis
    first = analysis["categories"][0]
    category = json.loads(read(browser, urljoin(start, f"api/runs/{run['id']}/analyses/spray/{first['id']}")))
    assert category["evidence"]["n_explanations"] == first["n_explanations"]
    print(
        f"  {run['n_samples']} samples, {len(analysis['categories'])} classes, first by separability: {first['name']}"
    )


def main(whyset: str, *runs: str) -> None:
    command = [whyset, "view", *runs, "--no-browser"]
    viewer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        check(address(viewer), len(runs))
    finally:
        viewer.terminate()
        viewer.wait(SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
