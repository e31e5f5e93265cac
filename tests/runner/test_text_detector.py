"""CRAFT, a detector of characters, as a dense output: the text score map of drawn words, explained end to end."""

import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import nn

import whyset as ws
from whyset.runner import Preprocessing
from whyset.runner.output_kinds import Dense
from whyset.store import Run

SIDES = (96, 160)
WORDS = {"one": [("river", (14, 20))], "two": [("cloud", (8, 8)), ("stone", (74, 56))]}
THRESHOLD = 0.4
"""The text threshold that the authors use to find characters."""
MARGIN = 6


class Merge(nn.Sequential):
    """Two convolutions of joined features."""

    def __init__(self, channels: int, inner: int, outer: int) -> None:
        parts = [nn.Conv2d(channels, inner, 1), nn.BatchNorm2d(inner), nn.ReLU(True)]
        super().__init__(*parts, nn.Conv2d(inner, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU(True))


class Craft(nn.Module):
    """CRAFT (Baek et al. 2019): VGG-16, and a U-net that joins its stages; returns how far text scores are above 0.4.

    The ReLU at the beginning of a stage writes into the output of the one before, which is joined later.
    """

    def __init__(self) -> None:
        super().__init__()
        vgg: list[nn.Module] = []
        for channels, outer in pairwise((3, 64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512)):
            if not outer:
                vgg.append(nn.MaxPool2d(2))
                continue
            before = channels or vgg[-3].num_features  # of the batch norm before the pool
            vgg += [nn.Conv2d(before, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU(True)]
        self.stages = nn.ModuleList(nn.Sequential(*vgg[first:last]) for first, last in pairwise((0, 12, 19, 29, 39)))
        wide = nn.Conv2d(512, 1024, 3, padding=6, dilation=6)
        self.deepest = nn.Sequential(nn.MaxPool2d(3, 1, 1), wide, nn.Conv2d(1024, 1024, 1))
        sides = (1536, 512, 256), (768, 256, 128), (384, 128, 64), (192, 64, 32)
        self.merges = nn.ModuleList(Merge(*channels) for channels in sides)
        layers: list[nn.Module] = []
        for channels, outer, kernel in ((32, 32, 3), (32, 32, 3), (32, 16, 3), (16, 16, 1)):
            layers += [nn.Conv2d(channels, outer, kernel, padding=kernel // 2), nn.ReLU(True)]
        self.head = nn.Sequential(*layers, nn.Conv2d(16, 2, 1))

    def load(self, path: Path) -> "Craft":
        """Load the weights of the authors, whose tensors are in the same order."""
        stored = torch.load(path, map_location="cpu", weights_only=True)
        self.load_state_dict(dict(zip(self.state_dict(), stored.values(), strict=True)))
        return self.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        y = self.merges[0](torch.cat([self.deepest(x), x], dim=1))
        for merge, skip in zip(self.merges[1:], found[-2::-1], strict=True):
            y = F.interpolate(y, size=skip.shape[2:], mode="bilinear", align_corners=False)
            y = merge(torch.cat([y, skip], dim=1))
        return self.head(y)[:, :1] - THRESHOLD


@pytest.fixture(scope="module")
def craft(oracle_python: Callable[[str], Path]) -> Craft:
    command = [oracle_python("craft"), "-c", "import easyocr_en_models as m; print(m.model_dir())"]
    folder = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return Craft().load(Path(folder) / "craft_mlt_25k.pth")


def draw(words: list[tuple[str, tuple[int, int]]]) -> tuple[Image.Image, NDArray[np.bool_]]:
    """Draw dark words on a light image; return where they are, with a margin of a few pixels."""
    image = Image.new("RGB", SIDES[::-1], (235, 235, 225))
    pen, font, inside = ImageDraw.Draw(image), ImageFont.load_default(size=26), np.zeros(SIDES, bool)
    for word, place in words:
        pen.text(place, word, font=font, fill=(20, 20, 40))
        left, top, right, bottom = map(int, pen.textbbox(place, word, font=font))
        inside[top - MARGIN : bottom + MARGIN, max(0, left - MARGIN) : right + MARGIN] = True
    return image, inside


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    for name, words in WORDS.items():
        draw(words)[0].save(folder / f"{name}.png")
    return folder


def explain(craft: Craft, images: Path, out: Path, kind: str | Dense) -> Run:
    normalization = Preprocessing(size=SIDES, resize=None, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    given = {"preprocessing": normalization, "composite": "epsilon_plus", "dtype": "float32", "progress": False}
    return ws.explain(craft, images, out, output_kind=kind, class_names=["text"], **given)


def share(relevance: NDArray[np.floating], inside: NDArray[np.bool_]) -> float:
    """Return the share of absolute relevance, summed over channels, in an area."""
    sizes = np.abs(relevance.sum(axis=0))
    return float(sizes[inside].sum() / sizes.sum())


def test_relevance_of_the_text_score_is_at_the_words(craft: Craft, images: Path, tmp_path: Path) -> None:
    run = explain(craft, images, tmp_path / "run", "dense")
    assert (run.ids, run.failures, run.modality) == (["one.png", "two.png"], [], "image")
    for row, words in enumerate(WORDS.values()):
        inside = draw(words)[1]
        assert inside.mean() < 1 / 3
        assert share(run.relevance[row], inside) > 0.95
        pixels = torch.from_numpy(run.inputs[row] / np.float32(255))
        mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
        with torch.no_grad():
            above = craft(((pixels - mean) / std)[None]).clamp(min=0)
        characters = F.interpolate(above, SIDES)[0, 0].numpy() > 0
        assert characters.any()
        assert inside[characters].all()  # the network has found the words, and nothing else
        assert run.column("output_value")[row] == pytest.approx(float(above.sum()), rel=1e-4)


def test_the_score_of_a_region_is_explained_by_its_word(craft: Craft, images: Path, tmp_path: Path) -> None:
    """The second image has two words; the region is that of one of them, at half the resolution."""
    first, second = (draw([word])[1] for word in WORDS["two"])
    rows, columns = np.nonzero(second)
    region = tuple(int(edge) // 2 for edge in (rows.min(), columns.min(), rows.max(), columns.max()))
    run = explain(craft, images, tmp_path / "run", Dense(region))
    assert share(run.relevance[1], second) > 0.9
    assert share(run.relevance[1], first & ~second) < 0.05
