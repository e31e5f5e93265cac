"""Texts of a received run do not reverse or hide what the viewer shows: every answer has their characters by number."""

import base64
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from whyset.store import Run
from whyset.store.jsonfile import json_checksum
from whyset.viewer.embed.export import export_html
from whyset.viewer.embed.local import LocalViewer

EVIL = "\x1b[2J\r\x07\x9b31m\u202etac\u2066\u200f\x7f"
SHOWN = r"\x1b[2J\r\x07\x9b31m\u202etac\u2066\u200f\x7f"
KEPT = "two\nlines\t\u00e9\u2026 \U0001f469\u200d\U0001f4bb"
"""What users write in notes: line feeds, accents, joined emoji."""


@pytest.fixture
def run(sample_run: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose classes, ids, failures, model, data issues and folder hold such characters."""
    monkeypatch.setattr(sample_run, "CLASSES", tuple(f"{name}{EVIL}" for name in sample_run.CLASSES))
    monkeypatch.setattr(sample_run, "REASON", f"failed{EVIL}")
    ids = [f"{one}{EVIL}.png" for one in sample_run._ids()]
    monkeypatch.setattr(sample_run, "_ids", lambda: ids)
    made: Run = sample_run.make_sample_run(tmp_path / "a\u202erun")
    for file, spoil in (("run.json", spoil_config), ("analyses/spray/00002/category.json", spoil_evidence)):
        stored = json.loads((made.path / file).read_text())
        spoil(stored)
        stored["checksum"] = json_checksum(stored)
        (made.path / file).write_text(json.dumps(stored))
    return made


def spoil_config(stored: dict[str, Any]) -> None:
    stored["config"]["model"] = f"model{EVIL}"


def spoil_evidence(stored: dict[str, Any]) -> None:
    stored["evidence"]["data_issues"] = [f"issue{EVIL}"]


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from texts(key)
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)


def require_plain(value: Any) -> str:
    joined = "\n".join(texts(value))
    assert not set(joined) & set(EVIL.replace("[2J", "").replace("31m", "").replace("tac", ""))
    return joined


def test_every_answer_shows_them_by_their_numbers(run: Run) -> None:
    viewer = LocalViewer([run.path])
    (at,) = (f"runs/{one['id']}" for one in viewer.json("runs"))
    names = {
        at: "model",
        f"{at}/samples?indices=0,1,59": ".png",
        f"{at}/analyses/spray": "horse",
        f"{at}/analyses/spray/00002": "issue",
        f"{at}/find?text=png": ".png",
    }
    for path, name in names.items():
        shown = require_plain(viewer.json(path))
        assert name in shown
        assert SHOWN in shown
    require_plain(viewer.json("runs"))
    error = viewer.ask(f"{at}/analyses/%E2%80%AE")
    assert error.status == 404
    assert r"\u202e" in require_plain(json.loads(error.body))


def test_a_page_of_one_file_shows_them_so_too(run: Run, tmp_path: Path) -> None:
    page = export_html(run, tmp_path / "page.html").read_text()
    title = re.findall("<title>(.*)</title>", page)[0]  # icons of the script have further ones
    assert r"a\u202erun" in title
    (contents,) = re.findall(r'data-block="contents">([^<]*)<', page)
    shown = require_plain(json.loads(decoded(contents)))
    assert SHOWN in shown


def decoded(block: str) -> bytes:
    return zlib.decompress(base64.b64decode(block), -15)


def test_notes_come_back_as_they_were_written(sample_run: ModuleType, tmp_path: Path) -> None:
    viewer = LocalViewer([sample_run.make_sample_run(tmp_path / "run").path])
    (at,) = (f"runs/{one['id']}" for one in viewer.json("runs"))
    body = json.dumps({"name": "mine", "rows": [1, 2], "tags": [], "note": KEPT}).encode()
    assert viewer.ask(f"{at}/selections", method="POST", body=body).status in (200, 201)
    assert KEPT in list(texts(viewer.json(f"{at}/selections")))
