"""`whyset import-virelay` and `whyset export-virelay`, as a person uses them."""

import runpy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import pytest

SUPPORT = Path(__file__).parents[1] / "support"
Program = Callable[[Sequence[str]], Any]


@pytest.fixture
def exported(whyset: Program, tmp_path: Path) -> Path:
    """The sample run as a project."""
    make = runpy.run_path(str(SUPPORT / "sample_run.py"), run_name="sample")["make_sample_run"]
    make(tmp_path / "run")
    printed = whyset(["export-virelay", tmp_path / "run", "--out", tmp_path / "exported"])
    assert (printed.code, printed.err) == (0, "")
    assert "1 of 60 samples have no explanation" in printed.out
    assert printed.out.endswith(f"open it with: virelay {tmp_path / 'exported' / 'project.yaml'}\n")
    return tmp_path / "exported"


def test_there_and_back_then_report_and_verify(exported: Path, whyset: Program, tmp_path: Path) -> None:
    printed = whyset(["import-virelay", exported / "project.yaml", "--out", tmp_path / "back"])
    assert printed.code == 0
    assert printed.err == (
        f"whyset: warning: {exported / 'dataset.h5'}: 1 of 60 samples have no attribution and are not imported\n"
    )
    assert f"whyset report {tmp_path / 'back'} --name spray" in printed.out
    assert whyset(["verify", tmp_path / "back"]).code == 0
    assert "59 of 59 samples explained" in whyset(["report", tmp_path / "back", "--name", "spray"]).out


def test_a_damaged_project_is_one_report_and_exit_code_2(exported: Path, whyset: Program, tmp_path: Path) -> None:
    with h5py.File(exported / "dataset.h5", "r+") as file:
        del file["label"]
    with h5py.File(exported / "analysis_spray.h5", "r+") as file:
        file["class_00001/cluster/kmeans"][0] = -7
        del file["class_00002/index"]
    printed = whyset(["import-virelay", exported / "project.yaml", "--out", tmp_path / "back"])
    lines = printed.err.splitlines()
    assert printed.code == 2
    assert [line.partition(": ")[0] for line in lines[:-1]] == [
        str(exported / "analysis_spray.h5"),
        str(exported / "analysis_spray.h5"),
        str(exported / "dataset.h5"),
    ]
    assert lines[-1] == (
        f"whyset: {exported / 'project.yaml'} is inconsistent in 3 places, in 2 files; nothing was imported"
    )
    assert not (tmp_path / "back").exists()


def test_pictures_can_be_linked_and_paths_exchanged(exported: Path, whyset: Program, tmp_path: Path) -> None:
    text = (exported / "project.yaml").read_text()
    (exported / "project.yaml").write_text(text.replace("path: dataset.h5", "path: /cluster/dataset.h5"))
    command = ["import-virelay", exported / "project.yaml", "--out", tmp_path / "back", "--link"]
    assert "does not exist; --map-path OLD=NEW" in whyset(command).err
    assert "--map-path: expected OLD=NEW, got 'x'" in whyset([*command, "--map-path", "x"]).err
    assert whyset([*command, "--map-path", f"/cluster={exported}"]).code == 0


def test_wrong_input_is_one_line(exported: Path, whyset: Program, tmp_path: Path) -> None:
    for command in (
        ["export-virelay", tmp_path / "run", "--out", exported],
        ["export-virelay", tmp_path / "absent", "--out", tmp_path / "other"],
        ["export-virelay", tmp_path / "run", "--out", tmp_path / "other", "--name", "nope"],
        ["import-virelay", exported / "project.yaml"],
        ["import-virelay", exported / "project.yaml", "--out", tmp_path / "run"],
        ["import-virelay", exported / "project.yaml", "--out", tmp_path / "back", "--dtype", "int8"],
    ):
        printed = whyset(command)
        assert (printed.code, printed.err.count("\n")) == (2, 1), command
    assert not (tmp_path / "other").exists()
    assert not (tmp_path / "back").exists()
