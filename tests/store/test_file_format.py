"""docs/file-format.md is true: its example runs, its tables name what is on disk, and readers do as it says."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from whyset.errors import InputError, RunMismatchError
from whyset.store import CategoryResult, RunConfig, open_run
from whyset.store.config import _ADDED, _NOT_COMPARED
from whyset.store.jsonfile import json_checksum
from whyset.store.layout import KNOWN_FEATURES, SCHEMA
from whyset.store.rank_lease import run_lease
from whyset.store.samples import TOKENS
from whyset.testing.store import LAYER_SHAPES, example_run, write_pending

PAGE = (Path(__file__).parents[2] / "docs/file-format.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def everything(tmp_path):
    """A run with layers, concepts and two targets per sample."""
    made = {"layers": tuple(LAYER_SHAPES), "concepts": ("conv", "head"), "targets_per_sample": 2}
    return write_pending(example_run(tmp_path / "everything", samples=9, **made))


def section(title):
    found = PAGE.partition(f"## {title}")[2].partition("\n## ")[0]
    assert found, title
    return found


def table(text, heading):
    """The rows of the table whose first heading this is: names in the first cell, and the other cells."""
    lines = text.partition(f"| {heading} |")[2].splitlines()[2:]
    cells = [line.strip("|").split("|") for line in lines[: [*map(bool, lines), False].index(False)]]
    return {name: [cell.strip() for cell in row[1:]] for row in cells for name in re.findall(r"`([^`]+)`", row[0])}


def test_the_example_reads_a_run_without_this_package(full_run, monkeypatch, capsys):
    (full_run.path.parent / "runs").mkdir()
    full_run.path.rename(full_run.path.parent / "runs/cifar")
    monkeypatch.chdir(full_run.path.parent)
    (example,) = EXAMPLES
    exec(compile(example, "docs/file-format.md", "exec"), {})
    assert capsys.readouterr().out.startswith("cat/0.png ")


def test_the_example_refuses_what_it_does_not_read(everything, monkeypatch):
    (everything.path.parent / "runs").mkdir()
    everything.path.rename(everything.path.parent / "runs/cifar")
    monkeypatch.chdir(everything.path.parent)
    with pytest.raises(SystemExit, match=r"needs .'targets_per_sample'."):
        exec(compile(EXAMPLES[0], "docs/file-format.md", "exec"), {})


def test_the_version_is_the_one_that_is_written_and_has_its_row():
    assert PAGE.startswith(f"# The run format, version {SCHEMA}\n")
    assert re.findall(r"^\| (\d\.\d) \|", section("Versions"), re.MULTILINE)[-1] == SCHEMA
    assert all(f"`{feature}`" in section("Versions") for feature in KNOWN_FEATURES)


def test_every_field_of_run_json_is_specified(everything):
    stored = json.loads((everything.path / "run.json").read_text())
    assert table(section("`run.json`"), "field").keys() == stored.keys()
    described = table(section("`run.json`"), "field of an array")
    assert all(described.keys() == spec.keys() for spec in stored["arrays"])


def test_every_field_of_the_configuration_is_specified_with_its_default():
    described = table(section("`run.json`"), "field of `config`")
    assert described.keys() == {field.name for field in fields(RunConfig)}
    assert {name for name, (_, compared, _) in described.items() if compared == "no"} == _NOT_COMPARED
    since = {name: meaning for name, (_, _, meaning) in described.items() if ", default" in meaning}
    assert since.keys() == _ADDED.keys()
    for name, meaning in since.items():
        default = re.search(r"default `?([^`=]+)`?", meaning).group(1).strip()
        assert json.loads(default) == _ADDED[name]


def test_every_array_and_column_is_specified(everything):
    described = table(section("`data.zarr`"), "array")
    patterns = [re.escape(name).replace("<layer>", "[^/]+").replace(r"\*", ".+") for name in described]
    assert all(any(re.fullmatch(pattern, spec.name) for pattern in patterns) for spec in everything.arrays)
    for spec in everything.arrays:
        for name, (_, dtype, fill, _) in described.items():
            if name == spec.name:
                assert spec.dtype in dtype
                assert json.loads(fill) == spec.fill or spec.fill != spec.fill
    assert table(section("`samples.parquet`"), "column").keys() == {*everything.samples.column_names, TOKENS.name}


def test_every_field_of_a_commit_is_specified(full_run):
    stored = json.loads((full_run.path / "commits/000000.json").read_text())
    assert table(section("`commits/<shard, six digits>.json`"), "field").keys() == stored.keys()


def test_every_field_of_an_analysis_is_specified(full_run):
    writer = full_run.analysis_writer("spray", {})
    writer.write(CategoryResult("00001", "dog", {}))
    page = section("`analyses/<name>/`")
    stored = json.loads((writer.path / "00001/category.json").read_text())
    assert table(page, "field").keys() == stored.keys() | {"folder"}
    for name in json.loads((writer.path / "analysis.json").read_text()):
        assert f"`{name}`" in page


def test_every_field_of_a_lease_is_specified(run):
    with run_lease(run.path):
        (lease,) = (run.path / "leases").glob("*.json")
        stored = json.loads(lease.read_text())
    assert table(section("`leases/rank-<five digits>.json` and claims"), "field").keys() == stored.keys()


@pytest.mark.parametrize("schema", ["2.0", "0.9", "11.1", "None"])
def test_another_major_version_is_refused_and_both_versions_are_told(full_run, schema):
    rewrite(full_run, schema=schema)
    with pytest.raises(
        InputError, match=rf"has the format version {schema}; this whyset reads {SCHEMA}: update whyset"
    ):
        open_run(full_run.path)


def test_a_newer_minor_version_is_read_and_what_it_adds_is_passed_over(full_run):
    config = json.loads((full_run.path / "run.json").read_text())["config"]
    rewrite(full_run, schema="1.99", added=[1, 2], config=config | {"later": "?"})
    commit = full_run.path / "commits/000001.json"
    rewrite_commit(commit, energy=3.5)
    (full_run.path / "later").mkdir()
    run = open_run(full_run.path)
    assert run.relevance[20].any()
    assert all(problem.harmless for problem in run.verify())


def test_settings_of_a_newer_minor_version_are_part_of_its_hash_and_such_a_run_is_not_continued(full_run):
    config, theirs = json.loads((full_run.path / "run.json").read_text())["config"], f"sha256:{'7' * 64}"
    rewrite(full_run, schema="1.99", config=config | {"smoothing": 3}, config_hash=theirs)
    for commit in (full_run.path / "commits").glob("*.json"):
        rewrite_commit(commit, config_hash=theirs)
    run = open_run(full_run.path)
    assert run.relevance[20].any()
    assert run.verify() == []
    with pytest.raises(
        RunMismatchError, match="made by a newer whyset with settings unknown to this one: update whyset"
    ):
        example_run(full_run.path)


def test_a_newer_minor_version_that_would_be_misread_is_refused(full_run):
    rewrite(full_run, schema="1.99", requires=["delta_maps"])
    with pytest.raises(InputError, match="requires delta_maps, which this whyset does not know: update whyset"):
        open_run(full_run.path)


def rewrite(run, **changes):
    """What a version of the future writes, checksum included."""
    from whyset.store.jsonfile import json_checksum

    content = json.loads((run.path / "run.json").read_text()) | changes
    (run.path / "run.json").write_text(json.dumps(content | {"checksum": json_checksum(content)}))


def rewrite_commit(file, **changes):
    content = json.loads(file.read_text()) | changes
    file.write_text(json.dumps(content | {"checksum": json_checksum(content)}))
