"""DemoFolder: the files that the demo writes and reuses."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import nn

from whyset.cli.demo import model
from whyset.cli.demo.digits import Digits
from whyset.cli.demo.recipe import Recipe
from whyset.command import command
from whyset.errors import InputError


@dataclass(frozen=True)
class DemoFolder:
    """Images as `<class>/<image>`, the model's file and weights, and the runs; each appears when it is complete."""

    path: Path

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def test_images(self) -> Path:
        return self.path / "test"

    @property
    def model_file(self) -> Path:
        return self.path / "model.py"

    @property
    def weights(self) -> Path:
        return self.path / "weights.pt"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def fixed(self) -> Path:
        """The run of the fixed model."""
        return self.path / "fixed"

    @property
    def model_spec(self) -> str:
        return f"{self.model_file}:{model.digits_network.__name__}"

    def claim(self, recipe: Recipe) -> None:
        """Create a new folder, or check that this one is a demo of the same recipe."""
        record = self.path / "demo.json"
        if record.is_file():
            if json.loads(record.read_text(encoding="utf-8")) != recipe.to_dict():
                raise InputError(
                    f"{self.path} holds a demo with other settings or of another version: remove it "
                    "or choose another --out"
                )
        elif self.path.is_file() or (self.path.is_dir() and any(self.path.iterdir())):
            raise InputError(f"{self.path} holds other files than a demo: choose another --out")
        else:
            self.path.mkdir(parents=True, exist_ok=True)
            record.write_text(json.dumps(recipe.to_dict(), indent=2) + "\n", encoding="utf-8")

    def keep_images(self, train: Digits, test: Digits) -> None:
        for folder, part in ((self.images, train), (self.test_images, test)):
            if not folder.is_dir():
                whole(folder, partial(write_images, part))
        bearers = [name for name, planted in zip(train.ids, train.planted, strict=True) if planted]
        (self.path / "planted.json").write_text(json.dumps(bearers, indent=2) + "\n", encoding="utf-8")

    def keep_network(self, network: nn.Module) -> None:
        shutil.copyfile(str(model.__file__), self.model_file)
        whole(self.weights, partial(torch.save, network.state_dict()))

    def load_network(self) -> nn.Module | None:
        """Return the network of an earlier demo, or None."""
        if not self.weights.is_file():
            return None
        network = model.digits_network()
        network.load_state_dict(torch.load(self.weights, weights_only=True))
        return network.eval()

    def explain_command(self, out: Path) -> str:
        """Return the command that repeats the explanation in a new run."""
        options = {"model": self.model_spec, "weights": self.weights, "data": self.images}
        return command("explain", **options, composite="epsilon_plus_flat", out=out)


def whole(target: Path, write: Callable[[Path], object]) -> None:
    """Write next to the target and rename, so that the target is always complete."""
    unfinished = target.with_name(target.name + ".partial")
    if unfinished.is_dir():
        shutil.rmtree(unfinished)
    write(unfinished)
    unfinished.replace(target)


def write_images(part: Digits, folder: Path) -> None:
    for name, image in zip(part.ids, part.images, strict=True):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
