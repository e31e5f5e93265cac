"""docs/file-format.md is true: its examples run, and its tables name what is on disk."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from whyset.store import CategoryResult, RunConfig, run_lease
from whyset.store.config import _NOT_COMPARED
from whyset.store.layout import SCHEMA

PAGE = (Path(__file__).parents[2] / "docs/file-format.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def section(title):
    return PAGE.partition(f"## {title}")[2].partition("\n## ")[0]


def named(rows):
    """Names in the first cells of a section's tables."""
    return set(re.findall(r"`([a-z_0-9/.]+)`", " ".join(re.findall(r"^\| ([^|]*) \|", rows, re.MULTILINE))))


@pytest.mark.parametrize("example", EXAMPLES, ids=["with the package", "with zarr and pyarrow"])
def test_the_examples_run(full_run, monkeypatch, example):
    (full_run.path.parent / "runs").mkdir()
    full_run.path.rename(full_run.path.parent / "runs/cifar")
    monkeypatch.chdir(full_run.path.parent)
    exec(compile(example, "docs/file-format.md", "exec"), {})


def test_the_version_is_the_one_that_is_written():
    assert PAGE.startswith(f"# The run format, version {SCHEMA}\n")


def test_every_field_of_run_json_is_specified(full_run):
    stored = json.loads((full_run.path / "run.json").read_text())
    table, _, configuration = section("`run.json`").partition("| field of `config`")
    assert named(table) >= stored.keys()
    assert named("| x |\n" + configuration) == {field.name for field in fields(RunConfig)}
    uncompared = re.search(r"^\| (.*) \| no \|", configuration, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", uncompared.group(1))) == _NOT_COMPARED


def test_every_array_and_column_is_specified(full_run):
    assert named(section("`data.zarr`")) == {spec.name for spec in full_run.arrays}
    assert named(section("`samples.parquet`")) == set(full_run.samples.column_names)


def test_every_field_of_a_commit_is_specified(full_run):
    stored = json.loads((full_run.path / "commits/000000.json").read_text())
    assert named(section("`commits/<shard, six digits>.json`")) == stored.keys()


def test_every_field_of_a_category_is_specified(full_run):
    writer = full_run.analysis_writer("spray", {})
    writer.write(CategoryResult("00001", "dog", {}))
    stored = json.loads((writer.path / "00001/category.json").read_text())
    assert named(section("`analyses/<name>/`")) == stored.keys()


def test_every_field_of_a_lease_is_specified(run):
    with run_lease(run.path):
        stored = json.loads((run.path / "leases/rank-00000.json").read_text())
    assert set(re.findall(r'"(\w+)"', section("`leases/"))) == stored.keys()
