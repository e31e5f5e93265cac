"""What docs/remote-runs.md says, on a server."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from whyset.store import RemotePath, open_run
from whyset.store.files import remove
from whyset.testing.engines import read_stored_bytes
from whyset.testing.store import example_run, write_pending
from whyset.viewer.changes import get_stamp

PAGE = Path(__file__).parents[3] / "docs" / "remote-runs.md"


def test_its_examples_run(url):
    remove(RemotePath.of("s3://bucket/runs/small"))
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert "s3://bucket/runs/small" in blocks[0]
    namespace = {}
    for block in blocks:
        exec(block, namespace)


def test_its_counts_of_requests(counting):
    store = counting.store
    run = example_run(counting / "run", 48)
    created = store.taken()
    write_pending(run)
    written = store.taken()
    run = open_run(run.path)
    opened = store.taken()
    maps = [(run.relevance[row], store.taken())[1] for row in (17, 18)]
    run.column("target")
    column = store.taken()
    get_stamp(run.path)
    asked = store.taken()
    assert len(run.arrays) == 7
    text = PAGE.read_text(encoding="utf-8")
    for what, counts in {
        "to create a run": [created],
        "to write a shard": [(written - 2) // 3],  # one listing and the table of samples for all
        "to open a run": [opened],
        "to read the first map": maps,
        "to see whether it has changed": [asked],
    }.items():
        (told,) = re.findall(rf"^\| {what}[^|]*\| ([\d, ]+) \|$", text, re.MULTILINE)
        assert [int(number) for number in told.split(", ")] == pytest.approx(counts, abs=3), what
    assert asked == 1
    assert column <= 3 * run.shard_count + 1


def test_a_copy_is_a_run(memory, tmp_path):
    run = write_pending(example_run(memory / "run"))
    for file in run.path.below():
        copy = tmp_path / file.relative_to(run.path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    assert read_stored_bytes(open_run(tmp_path)) == read_stored_bytes(run)
    assert open_run(tmp_path).verify() == []


def test_nothing_else_is_needed_to_use_folders():
    code = "import sys, whyset.store, whyset.testing.store; sys.exit('obstore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
