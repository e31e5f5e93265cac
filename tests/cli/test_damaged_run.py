"""Commands that compute or export refuse a run with one changed bit, name the file and end with a code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Program = Callable[[list[Any]], Any]


def flip_one_bit(run: Path, array: str) -> Path:
    """Change the lowest bit of one value of an array: the map stays finite and nearly the same."""
    file = next(path for path in sorted((run / "data.zarr" / array / "c").rglob("*")) if path.is_file())
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.write_bytes(bytes(data))
    return file


@pytest.fixture
def analyzed(larger_job: Any, whyset: Program) -> Path:
    assert whyset(larger_job.arguments()).code == 0
    assert whyset(["analyze", larger_job.run, "--surrogates", "1"]).code == 0
    return larger_job.run


@pytest.mark.parametrize("array", ["attribution/input", "attribution/input.scale", "prediction"])
@pytest.mark.parametrize(
    "command",
    [
        ("analyze", "{run}", "--name", "second", "--surrogates", "1"),
        ("heatmaps", "{run}", "{out}"),
        ("export-html", "{run}", "{out}.html"),
        ("export-virelay", "{run}", "--out", "{out}"),
        ("report", "{run}", "--format", "html", "--out", "{out}.html"),
    ],
    ids=lambda command: command[0],
)
def test_one_changed_bit_ends_the_command(
    analyzed: Path, whyset: Program, tmp_path: Path, command: tuple[str, ...], array: str
) -> None:
    file = flip_one_bit(analyzed, array)
    printed = whyset([part.format(run=analyzed, out=tmp_path / "out") for part in command])
    if (command[0], array) == ("heatmaps", "prediction"):
        assert printed.code == 0  # heatmaps read no predictions
        return
    assert printed.code == (3 if command[0] == "analyze" and "attribution" in array else 2)  # other classes are kept
    assert f"{file} is damaged: its CRC32 is " in printed.out + printed.err
    assert "repeat the same `explain`" in printed.out + printed.err
    assert not (tmp_path / "out.html").exists()


@pytest.mark.parametrize("column", ["eigenvalues", "mean_map.kmeans"])
def test_one_changed_bit_in_an_analysis_ends_the_report(analyzed: Path, whyset: Program, column: str) -> None:
    file = next((analyzed / "analyses/spray").glob(f"*/{column}.npy"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    printed = whyset(["report", analyzed, "--format", "html", "--out", analyzed.parent / "report.html"])
    assert (printed.code, file.name in printed.err) == (2, True)


def test_an_empty_column_does_not_end_verify_as_interrupted(analyzed: Path, whyset: Program) -> None:
    files = sorted((analyzed / "analyses/spray").glob("*/index.npy"))
    for file in files:
        file.write_bytes(b"")
    (analyzed / "data.zarr/target/c/²").touch()
    printed = whyset(["verify", analyzed])
    assert printed.code == 2
    assert "interrupted" not in printed.err
    assert f"is damaged in {len(files)} places" in printed.err
    assert all(str(file.relative_to(analyzed)) in printed.out for file in files)
