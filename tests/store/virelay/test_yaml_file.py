"""YAML from anywhere: whatever it expands to, it is read or refused at once."""

import os
from pathlib import Path

import pytest

from whyset.errors import InputError
from whyset.store.virelay import project as project_module
from whyset.store.virelay.findings import ImportFindings
from whyset.store.virelay.hdf5 import open_hdf5
from whyset.store.virelay.yaml_file import MOST_BYTES, read_yaml

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 9))
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5000))


def written(folder: Path, text: str) -> Path:
    (folder / "project.yaml").write_text(text)
    return folder / "project.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "expands to more than 1,000,000 values by its aliases"),
        (MERGES, "expands to more than 1,000,000 values by its aliases"),
        (CHAIN, "values by its aliases|nested too deeply"),
        ("a: &a [*a]", "contains itself"),
        ("a: &a {b: *a}", "contains itself"),
        ("[" * 100_000, "nested too deeply"),
        ("{a: " * 100_000, "nested too deeply"),
        ("a: !!python/object/apply:os.system [exit]", "is not YAML"),
        ("a: 1\n---\nb: 2\n", "is not YAML"),
        ("a: 2024-99-99", "is not YAML"),
        ("a: 1" + ":0" * 200_000, "a number of 400,001 characters: expected at most 64"),
        ("x" * (MOST_BYTES + 1), "expected at most 8 MiB"),
    ],
    ids=lambda value: value[:20],
)
def test_hostile_files_are_refused_at_once(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_yaml(written(tmp_path, text))


def test_a_pipe_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """Opening it would wait for a writer."""
    os.mkfifo(tmp_path / "project.yaml")
    os.mkfifo(tmp_path / "maps.h5")
    with pytest.raises(OSError, match="not a regular file"):
        read_yaml(tmp_path / "project.yaml")
    with pytest.raises(OSError, match="not a regular file"):
        open_hdf5(tmp_path / "maps.h5")


def test_aliases_in_reason_are_read(tmp_path: Path) -> None:
    assert read_yaml(written(tmp_path, "a: &a [1, 2]\nb: [*a, *a]\nc: {<<: {d: 3}}\n")) == {
        "a": [1, 2],
        "b": [[1, 2], [1, 2]],
        "c": {"d": 3},
    }
    assert read_yaml(written(tmp_path, "")) is None


def test_a_project_of_nested_aliases_is_one_finding(tmp_path: Path) -> None:
    text = f"{LAUGHS}project: {{name: *a8, dataset: *a8, attributions: *a8, model: *a8}}\n"
    findings = ImportFindings(written(tmp_path, text))
    assert project_module._load(findings.project, findings) is None
    assert [finding.message for finding in findings.errors] == ["expands to more than 1,000,000 values by its aliases"]
