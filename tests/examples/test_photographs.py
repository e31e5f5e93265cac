"""The example on photographs, with random weights and made-up images: its steps fit together, its data is as stated."""

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from whyset.store import open_run

pytest.importorskip("timm")

FOLDER = Path(__file__).parents[2] / "examples" / "photographs"
FILES = ("lite0", "head", "logo", "photographs")


@pytest.fixture(scope="module")
def example() -> Iterator[SimpleNamespace]:
    """The functions of all files of the folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        found = [runpy.run_path(str(FOLDER / f"{name}.py"), run_name=name) for name in FILES]
        yield SimpleNamespace(**{key: value for values in found for key, value in values.items()})
    for name in FILES:
        sys.modules.pop(name, None)  # the files of the folder import each other


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighteen photographs of noise for each of two classes, red and blue."""
    folder, random = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    for label, color in (("cat", (220, 40, 40)), ("dog", (40, 40, 220))):
        for number in range(18):
            values = np.clip(np.array(color) + random.normal(0, 30, (40, 60, 3)), 0, 255).astype(np.uint8)
            (folder / label).mkdir(exist_ok=True)
            Image.fromarray(values).save(folder / label / f"{number:02}.jpg")
    return folder


def test_a_share_of_the_training_images_of_one_class_has_the_logo(example, photographs: Path, tmp_path) -> None:
    marked = example.write_photographs(photographs, tmp_path / "with", example.Mark("dog", 0.5, 0))
    assert example.write_photographs(photographs, tmp_path / "without", example.Mark("dog", 0.0, 0)) == []
    files = sorted((tmp_path / "with").rglob("*.png"))
    assert len(files) == 36
    assert [file for file in files if file.parts[-3] == "test"]
    changed = []
    for file in files:
        name = file.relative_to(tmp_path / "with")
        one, other = (np.asarray(Image.open(tmp_path / part / name)) for part in ("with", "without"))
        assert one.shape == (128, 128, 3)
        changed += [name.relative_to("images").as_posix()] if (one != other).any() else []
    assert changed == marked
    assert len(marked) == round(0.5 * round(0.7 * 18))
    assert (tmp_path / "with" / "classes.txt").read_text() == "cat\ndog\n"


def test_a_folder_without_classes_is_refused(example, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="at least two classes with 15 images"):
        example.list_photographs(tmp_path)


def test_all_steps_run_and_too_few_photographs_for_a_search_are_reported(
    example, photographs, tmp_path, capsys
) -> None:
    torch.manual_seed(0)
    torch.save(example.build(7).state_dict(), tmp_path / "public.pth")
    options = ["--out", str(tmp_path / "out"), "--weights", str(tmp_path / "public.pth"), "--label", "dog"]
    example.main([str(photographs), *options])
    printed = capsys.readouterr().out
    run = open_run(tmp_path / "out" / "run")
    assert len(run) == 26
    assert run.analyses == ["spray"]
    assert "  Nothing was searched: expected at least 22 samples of other classes" in printed
    assert "5 of the training images of class dog have the logo." in printed
    assert "Of 10 photographs that were used for nothing before:" in printed
