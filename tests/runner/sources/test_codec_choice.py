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
from torch.utils.data import ConcatDataset, Subset, TensorDataset

import whyset as ws
from whyset.progress import Silent
from whyset.runner import ArraySource, FolderSource, LevelCodec, ModelSource, Preprocessing
from whyset.runner.composites import NamedComposite
from whyset.runner.labels import Labels
from whyset.runner.sources import as_source
from whyset.runner.sources.codec_choice import check_range, show_images
from whyset.runner.sources.measuring import MeasuredRange, measure_rows


class Messages(Silent):
    """A display that keeps its messages."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, line: str) -> None:
        self.lines.append(line)


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
    shown = show_images(
        MeasuredRange(np.full(channels, low), np.full(channels, high), 4, 4), (channels, 1, len(values))
    )
    kept, notes = shown.kept, shown.notes
    row = np.tile(np.asarray(values, np.float32), (channels, 1, 1))
    assert kept.undo(row).tolist() == np.tile(pixels, (channels, 1, 1)).tolist()
    assert bool(notes) == (low < 0 or high > 1)
    black, white = kept.bounds() or ()
    expected = (0, 1) if not notes else (low, high if high > low else low + 1)
    torch.testing.assert_close(black.expand(channels, 1, 1), torch.full((channels, 1, 1), float(expected[0])))
    torch.testing.assert_close(white.expand(channels, 1, 1), torch.full((channels, 1, 1), float(expected[1])))
    box = NamedComposite("epsilon_gamma_box").make(kept)
    torch.testing.assert_close(box.low, black)


def test_each_channel_has_a_range_of_its_own() -> None:
    measured = MeasuredRange(np.array([-1.0, 0.0, 1.0]), np.array([1.0, 4.0, 1.5]), 7, 7)
    shown = show_images(measured, (3, 1, 1))
    assert shown.kept.undo(np.array([0.0, 1.0, 1.5])[:, None, None]).ravel().tolist() == [128, 64, 255]
    (note,) = shown.notes
    assert "-1 as black and 4 as white, the lowest and the highest value of the data" in note
    assert "rules with bounds, such as ZBox, use the same range" in note


@pytest.mark.parametrize(("high", "words"), [(4.0, "-1 as black and 4 as white"), (0.9, "0 as black and 1 as white")])
def test_a_range_of_some_samples_is_a_check_with_their_number(high: float, words: str) -> None:
    class Partial:
        measured = MeasuredRange(np.array([-1.0 if high > 1 else 0.1]), np.array([high]), 10_000, 50_000)

    (check,) = check_range(Partial())
    assert (check.name, check.severity, check.count, check.total) == ("measured_range", "note", 10_000, 50_000)
    assert words in check.message
    assert "10,000 of 50,000 samples" in check.message
    assert "preprocessing=" in check.message
    assert not show_images(Partial.measured, (1, 2, 2)).notes  # said once


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


def subset(x: np.ndarray, _: Path) -> object:
    """The samples of x out of a larger set, whose further ones are more extreme."""
    larger = torch.cat([torch.full((5, *x.shape[1:]), 1e3), torch.from_numpy(x)])
    return Subset(TensorDataset(larger), range(5, len(larger)))


def concatenated(x: np.ndarray, _: Path) -> object:
    return ConcatDataset([TensorDataset(part) for part in torch.from_numpy(x).split(len(x) // 2)])


SOURCES: dict[str, Callable[[np.ndarray, Path], object]] = {
    "array": lambda x, _: x,
    "tensor": lambda x, _: torch.from_numpy(x),
    "TensorDataset": lambda x, _: TensorDataset(torch.from_numpy(x)),
    "Dataset": lambda x, _: list(x),
    "Subset": subset,
    "ConcatDataset": concatenated,
    "npy": npy,
    "npz": npz,
    "HDF5": hdf5,
    "Hugging Face": hugging_face,
}


@pytest.mark.parametrize("place", [0, 63, 64, 150, 299])
@pytest.mark.parametrize("kind", SOURCES)
def test_an_extreme_counts_wherever_it_is(kind: str, place: int, tmp_path: Path) -> None:
    """The lowest and the highest value of all 300 samples are the bounds, whatever holds the samples."""
    x = np.random.default_rng(0).uniform(-1, 1, (300, 3, 5, 4)).astype(np.float32)
    x[place, 1, 2, 3], x[place, 2, 0, 1] = 7.0, -5.0
    low, high = x.min(axis=(0, 2, 3)), x.max(axis=(0, 2, 3))
    source = as_source(SOURCES[kind](x, tmp_path), None, None)
    black, white = source.preprocessing.bounds() or ()
    np.testing.assert_allclose(black.ravel(), low, rtol=1e-5)
    np.testing.assert_allclose(white.ravel(), high, rtol=1e-5)
    assert source.preprocessing == as_source(x, None, None).preprocessing
    shown = source.preprocessing.undo(source[place][0])
    assert (shown[1, 2, 3], shown[2, 0, 1]) == (255, 0)


@pytest.mark.parametrize("kind", SOURCES)
def test_of_a_large_set_every_source_measures_the_same_part(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whyset.runner.sources.measuring.MOST_SAMPLES", 50)
    monkeypatch.setattr("whyset.runner.sources.measuring.MOST_VALUES", 1000)
    x = np.random.default_rng(0).normal(size=(200, 3, 5, 4)).astype(np.float32)
    x[151] = 9.0  # every fourth sample is measured
    source = as_source(SOURCES[kind](x, tmp_path), None, None)
    expected = x[::4].max(axis=(0, 2, 3))
    np.testing.assert_allclose((source.preprocessing.bounds() or ())[1].ravel(), expected, rtol=1e-5)
    assert source.preprocessing == as_source(x, None, None).preprocessing
    assert not source.notes or "one pass" in source.notes[0]


@pytest.mark.parametrize("kind", ["Dataset", "npy"])
@pytest.mark.parametrize("channels", [3, 5])
def test_values_outside_the_measured_range_are_clipped_and_counted(
    kind: str, channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whyset.runner.sources.measuring.MOST_SAMPLES", 10)
    monkeypatch.setattr("whyset.runner.sources.measuring.MOST_VALUES", 1000)
    x = np.random.default_rng(0).uniform(-2, 2, size=(40, channels, 5, 4)).astype(np.float32)
    x[0, :, 0, 0], x[0, :, 0, 1] = -2, 2
    x[[3, 17], 1, 2, 2], x[30, 0, 0, 0] = 7.0, -2.3
    said = Messages()
    net = nn.Sequential(nn.Flatten(), nn.Linear(channels * 20, 3)).eval()
    run = ws.explain(net, SOURCES[kind](x, tmp_path), tmp_path / "run", target=1, progress=said)
    by_name = {check.name: check for check in run.checks}
    assert (by_name["measured_range"].count, by_name["measured_range"].total) == (10, 40)
    assert (by_name["inputs_clipped"].count, by_name["inputs_clipped"].total) == (3, 40)
    assert by_name["inputs_clipped"].severity == "warning"
    assert sum("10 of 40 samples" in line for line in said.lines) == 1
    inputs = np.asarray(run.inputs)
    assert inputs[[3, 17], 1, 2, 2].tolist() == [255, 255]
    assert inputs[30, 0, 0, 0] == 0


@pytest.mark.parametrize("kind", ["tensor", "TensorDataset"])
def test_bfloat16_is_read_as_the_same_numbers_in_float32(kind: str, tmp_path: Path) -> None:
    x = torch.randn(70, 3, 5, 4).bfloat16()
    made = {"tensor": x, "TensorDataset": TensorDataset(x)}[kind]
    net = nn.Sequential(nn.Flatten(), nn.Linear(60, 3)).eval()
    run, expected = (
        ws.explain(net, given, tmp_path / name, target=1) for name, given in (("a", made), ("b", x.float()))
    )
    assert run.config.preprocessing == expected.config.preprocessing
    assert np.array_equal(run.relevance[:], expected.relevance[:])


def test_five_channels_state_their_range_by_levels(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(9, 5, 4, 4)).astype(np.float32)
    (note,) = ArraySource(x).notes
    assert "give the source a whyset.runner.LevelCodec(black, white)" in note
    source = ArraySource(x, preprocessing=LevelCodec(-8.0, 8.0))
    assert (source.notes, source.measured) == ([], None)
    net = nn.Sequential(nn.Flatten(), nn.Linear(80, 3)).eval()
    run = ws.explain(net, source, tmp_path / "run", target=1)
    assert np.array_equal(np.asarray(run.inputs), np.rint(255 * (x + 8.0) / 16).astype(np.uint8))


@pytest.mark.parametrize("kind", ["array", "Dataset"])
def test_nothing_is_clipped_where_all_samples_were_measured(kind: str, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(70, 3, 5, 4)).astype(np.float32) * [[[[30.0]], [[1e-3]], [[1e5]]]]
    net = nn.Sequential(nn.Flatten(), nn.Linear(60, 3)).eval()
    run = ws.explain(net, SOURCES[kind](x.astype(np.float32), tmp_path), tmp_path / "run", target=1)
    assert not {"measured_range", "inputs_clipped", "input_range"} & {check.name for check in run.checks}


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
    kept = show_images(measure_rows(x), x.shape[1:]).kept
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
