"""`whyset heatmaps`: what a person types, and what lies in the folder afterwards."""

from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from whyset.cli import main


@pytest.fixture
def run(sample_run: ModuleType, tmp_path: Path) -> Path:
    return sample_run.make_sample_run(tmp_path / "run").path


def test_a_few_samples_of_two_runs_in_two_color_maps(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pictures"
    arguments = ["--with", str(run), "--color-map", "bwr", "--color-map", "000,fff", "--limit", "3", "--side", "36"]
    assert main(["heatmaps", str(run), str(out), *arguments]) == 0
    assert f"4 images in {out}" in capsys.readouterr().out
    pictures = [Image.open(path) for path in out.rglob("*.png") if "montage" not in path.name]
    assert [picture.size for picture in pictures] == [(5 * 36 + 4 * 2, 24)] * 3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--color-map", "jett"], "color map 'jett' not found"),
        (["--index", "3", "--limit", "2"], "use one of them"),
        (["--index", "99"], "does not have row 99"),
        (["--montage", "gif"], "png, svg or pdf"),
    ],
)
def test_wrong_input_is_one_line(
    run: Path, tmp_path: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["heatmaps", str(run), str(tmp_path / "out"), *arguments]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
