"""The example's CIFAR-10 networks on real images: the accuracy that is known for them, however they are asked."""

import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import whyset as ws
from whyset.attribution.composites import EpsilonPlusFlat
from whyset.runner import FolderSource, ModelSource

pytestmark = pytest.mark.data

EXAMPLE = Path(__file__).parents[2] / "examples" / "cifar_resnet.py"
PER_CLASS = 200


@pytest.fixture(scope="module")
def images(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 200 test images of every class."""
    folder = tmp_path_factory.mktemp("cifar")
    with tarfile.open(data_folder / "cifar10.tar.xz") as archive:
        for member in archive:
            part, _, name = member.name.removeprefix("./").partition("/")
            if part == "test" and member.isfile() and int(Path(name).stem) < PER_CLASS:
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(archive.extractfile(member).read())
    return folder


def model(depth: int, data_folder: Path) -> ModelSource:
    return ModelSource(f"{EXAMPLE}:resnet{depth}", data_folder / f"cifar10_resnet{depth}.pt")


def predictions(network: torch.nn.Module, source: FolderSource, indices: Sequence[int]) -> np.ndarray:
    with torch.no_grad():
        parts = [torch.stack([source[i][0] for i in indices[n : n + 250]]) for n in range(0, len(indices), 250)]
        return np.concatenate([network(part).argmax(1).numpy() for part in parts])


def test_resnet20_classifies_813_of_1000_correctly(images: Path, data_folder: Path) -> None:
    loaded = model(20, data_folder).load()
    source = FolderSource(images, loaded.preprocessing)
    assert len(source) == 10 * PER_CLASS
    assert np.mean(predictions(loaded.module, source, range(2000)) == source.labels) == pytest.approx(0.813, abs=1e-3)


@pytest.mark.parametrize("depth", [20, 56])
def test_a_run_predicts_what_the_network_predicts_and_shows_what_it_saw(
    depth: int, images: Path, data_folder: Path, tmp_path: Path
) -> None:
    run = ws.explain(model(depth, data_folder), images, tmp_path / "run", composite=EpsilonPlusFlat(), limit=100)
    loaded = model(depth, data_folder).load()
    source = FolderSource(images, loaded.preprocessing)
    assert np.bincount(run.labels).tolist() == [10] * 10
    assert run.column("prediction").tolist() == predictions(loaded.module, source, range(0, 2000, 20)).tolist()
    with Image.open(images / run.ids[33]) as image:
        assert np.array_equal(run.inputs[33].transpose(1, 2, 0), np.asarray(image))
    assert not run.failures
    assert (np.abs(run.relevance[:]).sum(axis=(1, 2, 3)) > 0).all()
