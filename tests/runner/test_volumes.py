"""Volumes (C, D, H, W) through `explain`, `from_arrays`, analysis, report and heatmaps. No two sides are equal."""

import base64
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import TensorDataset

import whyset
from whyset.analysis.processors import PCA, AreaPooling, ChannelSum
from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonGammaBox, EpsilonPlusFlat
from whyset.cli import main
from whyset.errors import InputError
from whyset.image import colorize
from whyset.progress import Silent
from whyset.report import Heatmaps, as_html, report
from whyset.report.pictures import ReportHeatmaps
from whyset.runner import ArraySource, LevelCodec, Preprocessing
from whyset.store import Run, open_run

SIDES = (5, 6, 8)
LABELS = np.arange(40) % 2
RANDOM = np.random.default_rng(0)
VOLUMES = RANDOM.normal(0, 2, (40, 2, *SIDES)).astype(np.float32)


def network(channels: int = 2, sides: tuple[int, ...] = SIDES) -> nn.Module:
    torch.manual_seed(0)
    pooled = [side // 2 for side in sides]
    layers = (nn.Conv3d(channels, 4, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(4 * int(np.prod(pooled)), 2)).eval()


def explained(path: Path, data: Any = (VOLUMES, LABELS), model: nn.Module | None = None, **given: Any) -> Run:
    return whyset.explain(model or network(), data, path, progress=False, **({"dtype": "float32"} | given))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return explained(tmp_path_factory.mktemp("volumes") / "run")


def test_a_run_of_volumes_has_the_attributors_own_relevance(run: Run) -> None:
    _, exact = Gradient(network(), EpsilonPlusFlat())(torch.as_tensor(VOLUMES), torch.as_tensor(LABELS))
    assert (run.modality, run.config.method) == ("volume", "EpsilonPlusFlat")  # chosen for convolutions
    assert "modality" not in run.config.to_json()  # it follows from the axes
    assert np.allclose(run.relevance[:], exact.numpy(), rtol=1e-4, atol=1e-6)
    names = ("channel", "depth", "height", "width")
    assert run.array("attribution/input").spec.dimensions == run.array("input").spec.dimensions == names
    assert run.verify() == []


def test_inputs_are_stored_in_eight_bits_between_the_lowest_and_the_highest_value(run: Run) -> None:
    low, high = float(VOLUMES.min()), float(VOLUMES.max())
    assert run.inputs is not None
    assert run.inputs.dtype == np.uint8
    assert np.abs(run.inputs[:] / 255 * (high - low) + low - VOLUMES).max() <= (high - low) / 510 * (1 + 1e-5)
    assert run.config.preprocessing == {"levels": [low, pytest.approx(high)]}


def test_stated_levels_are_the_bounds_of_the_box_rule(tmp_path: Path) -> None:
    source = ArraySource(VOLUMES, LABELS, preprocessing=LevelCodec(-9.0, 9.0))
    box = explained(tmp_path / "run", source, composite="epsilon_gamma_box")
    low, high = torch.full((1, 1, 1, 1), -9.0), torch.full((1, 1, 1, 1), 9.0)
    _, exact = Gradient(network(), EpsilonGammaBox(low=low, high=high))(
        torch.as_tensor(VOLUMES), torch.as_tensor(LABELS)
    )
    assert np.allclose(box.relevance[:], exact.numpy(), rtol=1e-4, atol=1e-6)
    assert np.array_equal(box.inputs[:], np.rint((VOLUMES.astype(np.float64) + 9) / 18 * 255))


class Flat(nn.Module):
    """A network of images, as one of volumes with a depth of 1."""

    def __init__(self, convolution: nn.Conv2d, head: nn.Linear) -> None:
        super().__init__()
        self.convolution, self.head = nn.Conv3d(3, 4, (1, 3, 3)), head
        self.convolution.weight.data = convolution.weight.data[:, :, None]
        self.convolution.bias = convolution.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.convolution(x).relu().flatten(1))


def test_volumes_of_depth_one_are_images(tmp_path: Path) -> None:
    torch.manual_seed(1)
    convolution, head = nn.Conv2d(3, 4, 3), nn.Linear(4 * 5 * 7, 2)
    planar = nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), head)
    images = RANDOM.uniform(0, 1, (20, 3, 7, 9)).astype(np.float32)  # between 0 and 1: the same range for both
    labels = np.arange(20) % 2
    flat = explained(tmp_path / "flat", (images[:, :, None], labels), Flat(convolution, head))
    plain = explained(tmp_path / "plain", (images, labels), planar)
    assert flat.relevance.shape == (20, 3, 1, 7, 9)
    assert np.allclose(flat.relevance[:][:, :, 0], plain.relevance[:], rtol=1e-5, atol=1e-7)
    assert np.array_equal(flat.inputs[:][:, :, 0], plain.inputs[:])


def test_a_video_has_time_in_the_place_of_depth(tmp_path: Path) -> None:
    frames = RANDOM.uniform(0, 1, (12, 3, 4, 6, 8)).astype(np.float32)
    run = explained(tmp_path / "run", (frames, LABELS[:12]), network(3, (4, 6, 8)))
    assert (run.relevance.shape, run.config.preprocessing) == ((12, 3, 4, 6, 8), {"levels": [0.0, 1.0]})


def as_file(folder: Path, suffix: str) -> Path:
    file = folder / f"data{suffix}"
    if suffix == ".npy":
        np.save(file, VOLUMES)
    elif suffix == ".npz":
        np.savez(file, volumes=VOLUMES, labels=LABELS)
    else:
        with h5py.File(file, "w") as written:
            written["volumes"], written["labels"] = VOLUMES, LABELS
    return file


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".h5"])
def test_files_of_arrays_give_the_same_run(run: Run, suffix: str, tmp_path: Path) -> None:
    targets = {"target": 1} if suffix == ".npy" else {}  # without labels
    found = explained(tmp_path / "run", as_file(tmp_path, suffix), **targets)
    rows = LABELS == 1 if targets else np.ones(len(LABELS), bool)
    assert np.array_equal(found.relevance[:][rows], run.relevance[:][rows])
    assert np.array_equal(found.inputs[:], run.inputs[:])


def test_data_sets_of_torch_give_the_same_run(run: Run, tmp_path: Path) -> None:
    pairs = [(torch.as_tensor(x), int(label)) for x, label in zip(VOLUMES, LABELS, strict=True)]
    for number, data in enumerate((TensorDataset(torch.as_tensor(VOLUMES), torch.as_tensor(LABELS)), Listed(pairs))):
        found = explained(tmp_path / f"{number}", data)
        assert np.array_equal(found.relevance[:], run.relevance[:])
        assert np.array_equal(found.inputs[:], run.inputs[:])


class Listed(torch.utils.data.Dataset[Any]):
    def __init__(self, pairs: list[Any]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Any:
        return self.pairs[index]


@pytest.mark.parametrize("pool", [3, 4, 7])
def test_reduced_relevance_is_that_of_the_analysis_and_keeps_its_sum(run: Run, pool: int, tmp_path: Path) -> None:
    reduced = explained(tmp_path / "run", reduction="channel_sum", pool=pool)
    pooled = AreaPooling(pool)(ChannelSum()(run.relevance[:]))
    assert reduced.relevance.shape == (40, 1, *pooled.shape[1:])
    assert max(pooled.shape[1:]) == pool
    assert np.allclose(reduced.relevance[:][:, 0], pooled, rtol=1e-4, atol=1e-6)
    assert np.allclose(reduced.relevance[:].sum(axis=(1, 2, 3, 4)), run.relevance[:].sum(axis=(1, 2, 3, 4)), atol=1e-5)


def test_an_interrupted_run_is_continued_to_the_same_arrays(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 16)
    with pytest.raises(KeyboardInterrupt):
        whyset.explain(network(), (VOLUMES, LABELS), tmp_path / "run", dtype="float32", progress=Interrupting())
    assert 0 < int(open_run(tmp_path / "run").committed.sum()) < 40
    found = explained(tmp_path / "run")
    assert np.array_equal(found.relevance[:], run.relevance[:])
    assert np.array_equal(found.inputs[:], run.inputs[:])


class Interrupting(Silent):
    """Raises KeyboardInterrupt when a shard is written."""

    def advance(self, n: int) -> None:
        raise KeyboardInterrupt


def test_layers_targets_and_every_method_work_on_volumes(tmp_path: Path) -> None:
    several = explained(tmp_path / "several", targets=["label", 0], layers=["0"], concepts=["0"])
    assert several.relevance.shape == (80, 2, *SIDES)
    assert several.array("attribution/0").shape == (80, 4, *SIDES)
    assert several.array("concept/0").shape == (80, 4)
    for method in ("input_times_gradient", "smooth_grad", "integrated_gradients", "occlusion"):
        assert explained(tmp_path / method, method=method).relevance.shape == (40, 2, *SIDES)


# Errors


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"modality": "image"}, r"'image' does not fit inputs \(2, 5, 6, 8\).*volumes \(C, D, H, W\)"),
        ({"preprocessing": Preprocessing(mean=(0.5,))}, r"is for images \(C, H, W\), but the inputs are volumes"),
        ({"rate": 5.0}, "rate is for series, but the modality of the inputs is volume"),
        ({"features": ["a"]}, "2 names of features, got 1"),
    ],
)
def test_what_is_not_for_volumes_is_refused_before_anything_is_written(
    given: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        explained(tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_images_are_not_volumes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'volume' does not fit"):
        explained(tmp_path / "run", (VOLUMES[:, 0], LABELS), modality="volume")


def test_the_range_of_many_volumes_is_measured_on_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.runner.sources.measuring.MOST_SAMPLES", 4)
    monkeypatch.setattr("whyset.runner.sources.measuring.MOST_VALUES", 0)
    source = ArraySource(VOLUMES, LABELS)
    assert source.measured is not None
    assert (source.measured.samples, source.measured.total) == (4, 40)


# Analysis, report and heatmaps


def planted() -> np.ndarray:
    """Relevance of 40 volumes: noise, and a block in one of two places, each in half of each class."""
    maps = np.random.default_rng(3).normal(0, 0.02, (40, 2, 16, 24, 32)).astype(np.float32)
    special = np.arange(40) % 4 < 2
    maps[special, :, 10:13, 4:12, 8:20] += 1
    maps[~special, :, 2:5, 14:20, 3:9] += 1
    return maps


@pytest.fixture(scope="module")
def clustered(tmp_path_factory: pytest.TempPathFactory) -> Run:
    maps = planted()
    pixels = np.random.default_rng(4).integers(0, 256, maps.shape, np.uint8)
    run = whyset.from_arrays(
        maps, inputs=pixels, labels=LABELS, out=tmp_path_factory.mktemp("clustered") / "run", dtype="float32"
    )
    whyset.analyze(run, whyset.Spray(pooling=8, embeddings=(PCA(),), surrogates=0, resamplings=0))
    return run


def test_strategies_of_volumes_are_found(clustered: Run) -> None:
    assert clustered.modality == "volume"
    category = clustered.analysis().category("1")
    clusters = np.asarray(category.column("clustering.kmeans"))
    special = np.asarray(category.column("index")) % 4 < 2
    assert len(set(zip(clusters.tolist(), special.tolist(), strict=True))) == len(set(clusters.tolist())) == 2
    means = np.asarray(category.column("mean_map.kmeans"))
    assert means.shape == (2, 16, 24, 32)
    strongest = {int(np.abs(mean).sum(axis=(1, 2)).argmax()) for mean in means}
    assert strongest <= {2, 3, 4, 10, 11, 12}
    assert len(strongest) == 2


def test_a_report_shows_the_slices_with_the_most_relevance(clustered: Run) -> None:
    page = as_html(report(clustered), ReportHeatmaps(clustered, clustered.analysis()))
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    shown = [np.asarray(Image.open(BytesIO(base64.b64decode(one))).convert("RGB")) for one in found]
    medoid = clustered.analysis().category("1").evidence.clusterings["kmeans"].clusters[0].medoids[0]
    summed = clustered.relevance[medoid].sum(axis=0)
    place = int(np.abs(summed).sum(axis=(1, 2)).argmax())
    assert any(picture.shape == (24, 32, 3) and np.array_equal(picture, colorize(summed[place])) for picture in shown)
    squares = (clustered.inputs[medoid][:, place].astype(float) ** 2).mean(axis=0)
    gray = np.rint(np.sqrt(squares))
    assert any(picture.shape == (24, 32, 3) and np.array_equal(picture[..., 0], gray) for picture in shown)
    assert "slices (H, W), each that with the most absolute relevance" in page
    sides = {picture.shape[:2] for picture in shown}
    assert sides == {(24, 32), (6, 8)}  # maps and inputs, and differences of pooled maps


def test_heatmaps_of_two_runs_show_the_slice_of_the_first(clustered: Run, tmp_path: Path) -> None:
    moved = np.roll(clustered.relevance[:], 5, axis=2)
    other = whyset.from_arrays(moved, labels=LABELS, out=tmp_path / "other", dtype="float32")
    (file,) = list(Heatmaps(columns=0).write([clustered, other], tmp_path / "pictures", [3]))
    shown = np.asarray(Image.open(file))
    summed = clustered.relevance[3].sum(axis=0)
    place = int(np.abs(summed).sum(axis=(1, 2)).argmax())
    assert shown.shape == (24, 3 * 32 + 2 * 2, 3)
    assert np.array_equal(shown[:, 34:66], colorize(summed[place]))
    assert np.array_equal(shown[:, 68:], colorize(moved[3].sum(axis=0)[place]))


def test_the_command_says_how_volumes_are_drawn(
    clustered: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["heatmaps", str(clustered.path), str(tmp_path / "heatmaps"), "--limit", "2"]) == 0
    assert "slices (H, W), each that with the most absolute relevance" in capsys.readouterr().out


# Given maps


def batches(maps: np.ndarray) -> Iterator[np.ndarray]:
    yield from np.array_split(maps, 3)


@pytest.mark.parametrize(
    ("give", "stated"),
    [
        (lambda maps: maps, {}),
        (lambda maps: torch.as_tensor(maps), {}),
        (lambda maps: maps[:, 0], {"modality": "volume"}),
        (batches, {"modality": "volume", "batched": True}),
        (list, {"modality": "volume"}),
    ],
)
def test_given_volumes_become_a_run(give: Callable[[np.ndarray], Any], stated: dict[str, Any], tmp_path: Path) -> None:
    maps = VOLUMES[:, :1]
    run = whyset.from_arrays(give(maps), inputs=VOLUMES, labels=LABELS, out=tmp_path / "run", dtype="float32", **stated)
    assert (run.modality, run.relevance.shape) == ("volume", maps.shape)
    assert np.array_equal(run.relevance[:], maps)
    low, high = float(VOLUMES.min()), float(VOLUMES.max())
    assert np.abs(run.inputs[:] / 255 * (high - low) + low - VOLUMES).max() <= (high - low) / 510 * (1 + 1e-5)


def test_inputs_may_lack_their_channel_like_the_maps(tmp_path: Path) -> None:
    one = VOLUMES[:, 0]
    run = whyset.from_arrays(one, inputs=one, labels=LABELS, modality="volume", out=tmp_path / "run")
    assert run.inputs is not None
    assert run.inputs.shape == (40, 1, *SIDES)
    assert (int(run.inputs[:].min()), int(run.inputs[:].max())) == (0, 255)


def test_single_volumes_of_an_iterable_need_their_modality(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="modality='volume'"):
        whyset.from_arrays(list(VOLUMES), out=tmp_path / "run")


def test_exchanged_sides_are_noticed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\(depth, height, width\) = \(5, 6, 8\).*exchange the axes"):
        whyset.from_arrays(VOLUMES, inputs=VOLUMES.transpose(0, 1, 4, 3, 2), out=tmp_path / "run")


def test_an_array_of_volumes_is_analyzed_without_a_run() -> None:
    spray = whyset.Spray(pooling=8, embeddings=(PCA(),), surrogates=0, resamplings=0)
    with whyset.analyze(planted(), spray, labels=LABELS) as analysis:
        assert len(analysis.category("0").evidence.clusterings["kmeans"].clusters) == 2


def test_the_commands_import_and_explain_volumes(tmp_path: Path) -> None:
    np.savez(tmp_path / "maps.npz", relevance=VOLUMES, inputs=VOLUMES, labels=LABELS)
    assert main(["import-arrays", str(tmp_path / "maps.npz"), "--out", str(tmp_path / "given")]) == 0
    assert open_run(tmp_path / "given").modality == "volume"
    source = "import torch\nfrom torch import nn\ndef net():\n    torch.manual_seed(0)\n    return nn.Sequential("
    (tmp_path / "net.py").write_text(source + "nn.Conv3d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 72, 2))\n")
    np.savez(tmp_path / "data.npz", volumes=VOLUMES, labels=LABELS)
    given = ["--model", f"{tmp_path / 'net.py'}:net", "--data", str(tmp_path / "data.npz"), "--out"]
    assert main(["explain", *given, str(tmp_path / "run"), "--modality", "volume"]) == 0
    assert open_run(tmp_path / "run").relevance.shape == (40, 2, *SIDES)
