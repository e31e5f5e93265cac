"""Whatever lies at the path that an option names, the program ends with one line about it, and never waits for it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whyset.cli import main


def make_pipe(file: Path) -> None:
    os.mkfifo(file)


def make_folder(file: Path) -> None:
    file.mkdir()


def make_empty(file: Path) -> None:
    file.touch()


def make_other_bytes(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00,\xfa\n" * 100)


def make_holes(file: Path) -> None:
    file.touch()
    os.truncate(file, 2**30 + 1)


def make_deep(file: Path) -> None:
    file.write_bytes(b"[" * 100_000 + b"]" * 100_000)


def make_circle(file: Path) -> None:
    file.symlink_to(file.name)


def make_endless(file: Path) -> None:
    file.symlink_to("/dev/zero")


MAKERS = [
    make_pipe, make_folder, make_empty, make_other_bytes, make_holes, make_deep, make_circle, make_endless
]  # fmt: skip


@pytest.fixture(scope="module")
def sample(sample_run: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that these commands only read."""
    return Path(sample_run.make_sample_run(tmp_path_factory.mktemp("sample") / "run").path)


def explain(option: str, suffix: str) -> Callable[[Path, Path, Path], list[str]]:
    def arguments(file: Path, folder: Path, run: Path) -> list[str]:
        (folder / "net.py").write_text("from torch import nn\ndef net(): return nn.Linear(4, 2)\n")
        np.save(folder / "data.npy", np.zeros((3, 4), np.float32))
        chosen = {"--model": f"{folder / 'net.py'}:net", "--data": str(folder / "data.npy"), "--out": f"{folder}/new"}
        chosen[option] = f"{file}:net" if option == "--model" else str(file)
        return ["explain", *(part for pair in chosen.items() for part in pair)]

    arguments.__name__ = f"explain {option} {suffix}"
    arguments.suffix = suffix  # type: ignore[attr-defined]
    return arguments


def of_run(*parts: str, suffix: str) -> Callable[[Path, Path, Path], list[str]]:
    def arguments(file: Path, folder: Path, run: Path) -> list[str]:
        return [part.format(file=file, run=run, folder=folder) for part in parts]

    arguments.__name__ = " ".join(parts)
    arguments.suffix = suffix  # type: ignore[attr-defined]
    return arguments


USES = [
    explain("--labels", ".json"),
    explain("--model", ".py"),
    explain("--weights", ".pt"),
    *(explain("--data", suffix) for suffix in (".npy", ".npz", ".h5")),
    of_run("rerun", "{file}", suffix=""),
    of_run("report", "{run}", "--attributes", "{file}", suffix=".csv"),
    of_run("report", "{file}", suffix=""),
    of_run("export-html", "{run}", "{folder}/page.html", "--rows", "{file}", suffix=".txt"),
    of_run("view", "{run}", "--no-browser", "--token-file", "{file}", suffix=".token"),
    of_run("view", "{run}", "{file}", "--no-browser", suffix=".json"),
    of_run("view", "{file}", "--no-browser", suffix=""),
    of_run("verify", "{file}", suffix=""),
    of_run("analyze", "{file}", suffix=""),
    of_run("heatmaps", "{file}", "{folder}/maps", suffix=""),
    of_run("export-virelay", "{file}", "--out", "{folder}/project", suffix=""),
    of_run("import-virelay", "{file}", "--out", "{folder}/new", suffix=".yaml"),
    *(
        of_run("import-arrays", "{file}", "--out", "{folder}/new", suffix=suffix)
        for suffix in (".npy", ".npz", ".h5", ".zarr")
    ),
    of_run("composites", "--model", "{file}:net", suffix=".py"),
]


@pytest.mark.parametrize("make", MAKERS, ids=[make.__name__ for make in MAKERS])
@pytest.mark.parametrize("use", USES, ids=[use.__name__ for use in USES])
def test_one_line_names_what_is_no_such_file(
    use: Any, make: Callable[[Path], None], sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if use.__name__.startswith("view") and make is make_folder and use.suffix != ".token":
        pytest.skip("the viewer opens any folder, and lists it with its problem")
    file = tmp_path / f"given{use.suffix}"
    make(file)
    if use.suffix == ".token" and not file.is_symlink():
        file.chmod(0o600)
    before = sorted(tmp_path.rglob("*"))
    assert main(use(file, tmp_path, sample)) == 2
    *findings, line = capsys.readouterr().err.splitlines()
    assert line.startswith("whyset: ")
    assert all(one.startswith(f"{file}: ") for one in findings)  # an import tells each
    assert "given" in line
    assert {path.name for path in set(tmp_path.rglob("*")) - set(before)} <= {"net.py", "data.npy"}


EXITING = """
import sys
from torch import nn
class Exiting(nn.Linear):
    def forward(self, x):
        sys.exit(0)
def net(): return Exiting(4, 2)
"""


def test_a_model_that_exits_does_not_end_the_program_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.py").write_text(EXITING)
    np.save(tmp_path / "data.npy", np.zeros((3, 4), np.float32))
    arguments = ["--model", f"{tmp_path / 'net.py'}:net", "--data", tmp_path / "data.npy", "--out", tmp_path / "run"]
    assert main(["explain", *map(str, arguments)]) == 2
    assert "whyset: the code of the model called sys.exit(0): remove this call" in capsys.readouterr().err
