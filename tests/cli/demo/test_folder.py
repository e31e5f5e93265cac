"""The demo's folder holds exactly what the network saw, belongs to one recipe, and never a half-written part."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from whyset.cli.demo.digits import noisy_digits
from whyset.cli.demo.folder import DemoFolder, whole
from whyset.cli.demo.model import digits_network
from whyset.cli.demo.recipe import Recipe
from whyset.errors import InputError


def test_the_files_hold_the_images_bit_for_bit_under_their_class(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path)
    parts = noisy_digits(Recipe())
    folder.keep_images(*parts)
    for place, part in zip((folder.images, folder.test_images), parts, strict=True):
        assert sorted(path.relative_to(place).as_posix() for path in place.rglob("*.png")) == sorted(part.ids)
        assert all(
            (np.asarray(Image.open(place / part.ids[i])) == part.images[i]).all() for i in range(0, len(part), 97)
        )


def test_a_kept_network_is_the_same_network(tmp_path: Path) -> None:
    folder, network, x = DemoFolder(tmp_path), digits_network().eval(), torch.rand(2, 1, 24, 24)
    assert folder.load_network() is None
    folder.keep_network(network)
    kept = folder.load_network()
    assert kept is not None
    assert torch.equal(kept(x), network(x))
    assert folder.model_file.read_text() == Path(digits_network.__code__.co_filename).read_text()


def test_a_folder_of_the_same_recipe_is_taken_up_again(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "new" / "demo")
    folder.claim(Recipe())
    folder.claim(Recipe())


def test_a_demo_of_another_recipe_is_left_alone(tmp_path: Path) -> None:
    DemoFolder(tmp_path).claim(Recipe(seed=1))
    with pytest.raises(InputError, match="another --out"):
        DemoFolder(tmp_path).claim(Recipe())


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"other files than a demo: choose another --out"):
        DemoFolder(tmp_path).claim(Recipe())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_is_interrupted_does_not_bear_the_name_and_is_made_again(tmp_path: Path) -> None:
    target = tmp_path / "images"

    def interrupted(folder: Path) -> None:
        folder.mkdir()
        (folder / "first.png").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        whole(target, interrupted)
    assert not target.exists()
    whole(target, lambda folder: (folder.mkdir(), (folder / "second.png").touch()))
    assert [path.name for path in target.iterdir()] == ["second.png"]
