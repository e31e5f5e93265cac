"""All uses of a run: the commands of the program, rows in Python, the answers of the viewer."""

import contextlib
import hashlib
import io
import json
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from fastapi.testclient import TestClient

from whyset.analysis import analyze
from whyset.cli import main as run_program
from whyset.errors import WhysetError
from whyset.report import as_json, report
from whyset.store import open_run
from whyset.testing.corruption.example import SPRAY
from whyset.testing.corruption.outcome import RunAnswer
from whyset.viewer import create_app

TOKEN, ORIGIN = "the-token", "http://127.0.0.1:8765"
_CRASH = re.compile(r"interrupted|Traceback \(most recent call last\)")
_SPEED = re.compile(r" \([0-9,.]+/s\)")
_OF_THE_STATE = {"version", "changed", "created"}


def use(name: str, run: Path, healthy: Path, scratch: Path) -> RunAnswer:
    """Use a run in one way; files go into the empty folder `scratch`."""
    try:
        answer = USES[name](run, healthy, scratch)
    except (WhysetError, OSError) as error:
        return RunAnswer("", f"{type(error).__name__}: {error}")
    except BaseException:  # a user would see any exception
        return RunAnswer("", traceback.format_exc(limit=-6), crashed=True)
    return replace(answer, output=answer.output.replace(str(scratch), "SCRATCH"))


def _command(*arguments: str) -> Callable[[Path, Path, Path], RunAnswer]:
    """Return a use that runs a command, with RUN for the run, OUT for a folder and PAGE for a file to write."""

    def work(run: Path, _: Path, scratch: Path) -> RunAnswer:
        places = {"RUN": str(run), "OUT": str(scratch / "out"), "PAGE": str(scratch / "page.html")}
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run_program([places.get(argument, argument) for argument in arguments])
        text, log = _SPEED.sub("", out.getvalue()), err.getvalue()
        if code:
            return RunAnswer("", f"exit code {code}: {text}{log}", crashed=_CRASH.search(log) is not None)
        return RunAnswer("\n".join([text, log, *_contents(scratch)]))

    return work


def _read_rows(run: Path, _: Path, __: Path) -> RunAnswer:
    """Read all arrays, samples and columns of all categories."""
    opened = open_run(run)
    lines = [repr(opened.config), str(len(opened)), str(opened.failures), str(opened.samples.to_pylist())]
    lines += map(str, opened.checks)
    rows = np.flatnonzero(opened.committed)
    lines += [f"{spec.name} {_digest(opened.array(spec.name)[rows])}" for spec in opened.arrays]
    for name in opened.analyses:
        for category in opened.analysis(name).categories:
            lines.append(f"{category.id} {category.name} problem: {category.problem}")
            lines.append(str(category.evidence))
            lines += [f"{column} {_digest(category.column(column))}" for column in category.columns]
    return RunAnswer("\n".join(lines))


def _analyze_again(run: Path, _: Path, __: Path) -> RunAnswer:
    """Repeat the same analysis, which keeps finished classes, and write its report."""
    analyze(run, SPRAY)
    return RunAnswer(as_json(report(run, SPRAY.name)))


def _analyze_anew(run: Path, _: Path, __: Path) -> RunAnswer:
    """Run another analysis of the same rows, and write its report."""
    analyze(run, replace(SPRAY, name="anew"))
    return RunAnswer(as_json(report(run, "anew")))


def _ask_viewer(run: Path, healthy: Path, _: Path) -> RunAnswer:
    """Send the requests of the viewer's page, for this run and for a healthy one that is served with it."""
    app = create_app([run, healthy], token=TOKEN)
    with TestClient(app, base_url=ORIGIN, raise_server_exceptions=False) as client:
        client.get(f"/?token={TOKEN}", follow_redirects=False)
        lines = [_ask(client, "/api/runs"), *_answers(client, run.name)]
        others = list(_answers(client, healthy.name))
    faults = [line for line in [*lines, *others] if line.startswith("5")]
    if faults:
        return RunAnswer("", "\n".join(faults), crashed=True)
    output = [line for line in lines if line.startswith("2")]
    errors = [line.split(" ", 2)[2] for line in lines if not line.startswith("2")]  # the address contains every name
    return RunAnswer("\n".join(output), "\n".join(errors), others="\n".join(others))


def _answers(client: TestClient, run: str) -> Iterator[str]:
    home = f"/api/runs/{run}"
    yield _ask(client, home)
    yield _ask(client, f"{home}/progress")
    yield _ask(client, f"{home}/selections")
    for name in ("label", "prediction", "confidence", "status", "relevance_arrived", "relevance_max"):
        yield _ask(client, f"{home}/columns/{name}")
    for what in ("samples", "maps", "inputs", "relevance"):
        yield _ask(client, f"{home}/{what}?indices=0,1,40,71")
    yield _ask(client, f"{home}/find?text=cat")
    analysis = client.get(f"{home}/analyses/spray")
    yield _line(f"{home}/analyses/spray", analysis.status_code, analysis.content)
    for category in analysis.json().get("categories", []) if analysis.status_code == 200 else []:
        place = f"{home}/analyses/spray/{quote(category['id'], safe='')}"
        for rest in ("", "/columns/index", "/columns/clustering.kmeans", "/points/tsne", "/scales/kmeans", "/names"):
            yield _ask(client, place + rest)
        for form in ("csv", "json", "parquet"):
            order = {"rows": [1, 2, 40], "form": form}
            answer = client.post(f"{place}/export", json=order, headers={"Origin": ORIGIN})
            yield _line(f"{place}/export {form}", answer.status_code, answer.content)


def _ask(client: TestClient, place: str) -> str:
    answer = client.get(place)
    return _line(place, answer.status_code, answer.content)


def _line(place: str, status: int, content: bytes) -> str:
    try:
        shown = json.dumps(_without_state(json.loads(content)), sort_keys=True)
    except ValueError:
        shown = hashlib.sha256(content).hexdigest()
    return f"{status} {place} {shown}"


def _without_state(value: Any) -> Any:
    """Remove values that change when a run is copied."""
    if isinstance(value, dict):
        return {key: _without_state(part) for key, part in value.items() if key not in _OF_THE_STATE}
    return [_without_state(part) for part in value] if isinstance(value, list) else value


def _contents(folder: Path) -> Iterator[str]:
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        yield f"{file.relative_to(folder)} {_file_digest(file)}"


def _file_digest(file: Path) -> str:
    """Hash the content of a file; of HDF5 files only the values, as they contain times."""
    if file.suffix != ".h5":
        return hashlib.sha256(file.read_bytes()).hexdigest()
    import h5py

    found: list[str] = []

    def describe(name: str, part: Any) -> None:
        attributes = {key: _digest(value) for key, value in part.attrs.items()}
        found.append(f"{name} {_digest(part[()]) if hasattr(part, 'shape') else ''} {attributes}")

    with h5py.File(file) as opened:
        opened.visititems(describe)
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def _digest(values: Any) -> str:
    array = np.asarray(values)
    content = array.tobytes() if not array.dtype.hasobject else repr(array.tolist()).encode()
    return f"{array.dtype} {array.shape} {hashlib.sha256(content).hexdigest()}"


VERIFY = "verify"
USES: Mapping[str, Callable[[Path, Path, Path], RunAnswer]] = {
    VERIFY: _command("verify", "RUN"),
    "rows": _read_rows,
    "report": _command("report", "RUN"),
    "report as JSON": _command("report", "RUN", "--format", "json"),
    "report as HTML": _command("report", "RUN", "--format", "html"),
    "heatmaps": _command("heatmaps", "RUN", "OUT", "--limit", "6"),
    "export-html": _command("export-html", "RUN", "PAGE"),
    "export-virelay": _command("export-virelay", "RUN", "--out", "OUT"),
    "viewer": _ask_viewer,
    "analyze anew": _analyze_anew,
    "analyze again": _analyze_again,
}
"""All uses, in order: the last two write into the run."""
