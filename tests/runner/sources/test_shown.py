"""Inputs that come as numbers: the pixels shown, the bounds of ZBox, and the same run from every source."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import TensorDataset

import whyset as ws
from whyset.errors import InputError
from whyset.runner import FolderSource, ModelSource, Preprocessing
from whyset.runner.composites import NamedComposite
from whyset.runner.labels import Labels
from whyset.runner.sources.shown import shown_by, value_range

NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("low", "high", "values", "pixels"),
    [
        (-2.0, 2.0, [-2, -1, 0, 1, 2], [0, 64, 128, 191, 255]),
        (0.0, 255.0, [0, 64, 128, 255], [0, 64, 128, 255]),
        (0.2, 0.9, [0, 0.5, 1], [0, 128, 255]),  # in [0, 1]: as they are
        (3.0, 3.0, [3, 4], [0, 255]),  # a constant image is black
        (-7.0, -5.0, [-7, -6, -5], [0, 128, 255]),
    ],
)
def test_pixels_and_bounds_follow_the_range(
    channels: int, low: float, high: float, values: list[float], pixels: list[int]
) -> None:
    kept, notes = shown_by(low, high, (channels, 1, len(values)))
    row = np.tile(np.asarray(values, np.float32), (channels, 1, 1))
    assert kept.undo(row).tolist() == np.tile(pixels, (channels, 1, 1)).tolist()
    assert bool(notes) == (low < 0 or high > 1)
    black, white = kept.bounds() or ()
    expected = (0, 1) if not notes else (low, high if high > low else low + 1)
    torch.testing.assert_close(black.expand(channels, 1, 1), torch.full((channels, 1, 1), float(expected[0])))
    torch.testing.assert_close(white.expand(channels, 1, 1), torch.full((channels, 1, 1), float(expected[1])))
    box = NamedComposite("epsilon_gamma_box").made(kept)
    torch.testing.assert_close(box.low, black)


def test_each_channel_has_a_range_of_its_own() -> None:
    low, high = value_range([np.array([[[-1.0, 4.0]], [[2.0, 3.0]]]).transpose(1, 0, 2), np.array([[[np.nan], [9.0]]])])
    assert (low.tolist(), high.tolist()) == ([-1.0, 2.0], [4.0, 9.0])
    kept, notes = shown_by([-1.0, 0.0, 1.0], [1.0, 4.0, 1.5], (3, 1, 1))
    assert kept.undo(np.array([0.0, 1.0, 1.5])[:, None, None]).ravel().tolist() == [128, 64, 255]
    assert notes == ["inputs are shown with -1 as black and 4 as white"]
    with pytest.raises(InputError, match="no finite value"):
        value_range([np.full((2, 3, 1), np.nan)])


def folder(root: Path, data_folder: Path) -> Path:
    """40 images of CIFAR-10, 20 of each of two classes."""
    wanted = {f"test/{name}/{number:04}.jpg" for name in ("airplane", "truck") for number in range(20)}
    with tarfile.open(data_folder / "cifar10.tar.xz") as tar:
        for member in tar:
            name = member.name.partition("cifar10/")[2] or member.name
            if name in wanted and (file := tar.extractfile(member)) is not None:
                target = root / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read())
                wanted.discard(name)
                if not wanted:
                    break
    assert not wanted
    return root / "test"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, data_folder: Path) -> Path:
    return folder(tmp_path_factory.mktemp("cifar"), data_folder)


def npy(x: np.ndarray, place: Path) -> Path:
    np.save(place / "x.npy", x)
    return place / "x.npy"


def npz(x: np.ndarray, place: Path) -> Path:
    np.savez(place / "x.npz", images=x)
    return place / "x.npz"


def hdf5(x: np.ndarray, place: Path) -> Path:
    with h5py.File(place / "x.h5", "w") as file:
        file["images"] = x
    return place / "x.h5"


def hugging_face(x: np.ndarray, place: Path) -> object:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"pixel_values": datasets.Array3D(shape=x.shape[1:], dtype="float32")})
    return datasets.Dataset.from_dict({"pixel_values": list(x)}, features=features).with_format("torch")


SOURCES: dict[str, Callable[[np.ndarray, Path], object]] = {
    "array": lambda x, _: x,
    "tensor": lambda x, _: torch.from_numpy(x),
    "Dataset": lambda x, _: TensorDataset(torch.from_numpy(x)),
    "npy": npy,
    "npz": npz,
    "HDF5": hdf5,
    "Hugging Face": hugging_face,
}


@pytest.mark.data
@pytest.mark.parametrize("kind", SOURCES)
def test_normalized_numbers_give_the_run_of_the_folder(
    kind: str, images: Path, data_folder: Path, tmp_path: Path
) -> None:
    """Of the same network the same pixels and the same relevance, also with ZBox, whose bounds are the range."""
    model = ModelSource(
        str(Path(__file__).parents[3] / "examples" / "cifar_resnet.py") + ":resnet20",
        weights=data_folder / "cifar10_resnet20.pt",
    )
    source = FolderSource(images, Preprocessing(size=(32, 32), mean=MEAN, std=STD), Labels.of(NAMES))
    x = np.stack([source[index][0].numpy() for index in range(len(source))])
    box = NamedComposite("epsilon_gamma_box")
    args = {"composite": box, "target": 3, "class_names": NAMES}
    expected = ws.explain(model.load().module, source, tmp_path / "folder", **args)
    got = ws.explain(model.load().module, SOURCES[kind](x, tmp_path), tmp_path / "numbers", **args)
    difference = np.abs(np.asarray(got.inputs).astype(int) - np.asarray(expected.inputs).astype(int))
    assert difference.max() <= 1  # extremes of the 40 images are not all 0 and 255
    a, b = np.asarray(expected.relevance), np.asarray(got.relevance)
    correlations = [np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in zip(a, b, strict=True)]
    assert min(correlations) > 0.999


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_folder_and_numbers_give_the_same_maps(channels: int, tmp_path: Path) -> None:
    """Images that use black and white in every channel state their normalization in full: nothing may differ."""
    torch.manual_seed(0)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 7, channels), dtype=np.uint8)
    pixels[0, 0, 0], pixels[1, 0, 0] = 0, 255
    net = nn.Sequential(nn.Conv2d(channels, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 7 * 5, 3)).eval()
    mean, std = (0.3, 0.5, 0.4, 0.6)[:channels], (0.2,) * channels
    x = ((pixels.transpose(0, 3, 1, 2) / 255 - np.reshape(mean, (-1, 1, 1))) / np.reshape(std, (-1, 1, 1))).astype("f4")
    numbers = ws.explain(net, x, tmp_path / "numbers", composite=NamedComposite("epsilon_gamma_box"), target=1)
    kept, _ = shown_by(*value_range([x]), x.shape[1:])
    assert np.array_equal(np.asarray(numbers.inputs), kept.undo(x))
    if channels in (1, 3):
        mode = "L" if channels == 1 else "RGB"
        for number, image in enumerate(pixels):
            (tmp_path / "images" / "a").mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.squeeze(), mode).save(tmp_path / "images" / "a" / f"{number}.png")
        preprocessing = Preprocessing(mode=mode, size=(9, 7), mean=mean, std=std)
        source = FolderSource(tmp_path / "images", preprocessing, Labels.of(["a", "b", "c"]))
        args = {"composite": NamedComposite("epsilon_gamma_box"), "target": 1, "class_names": ["a", "b", "c"]}
        expected = ws.explain(net, source, tmp_path / "folder", **args)
        assert np.array_equal(np.asarray(numbers.inputs), np.asarray(expected.inputs))
        np.testing.assert_allclose(np.asarray(numbers.relevance), np.asarray(expected.relevance), rtol=2e-3, atol=1e-5)
