"""A run is continued with the data that it was begun with, whatever kind of data set that is."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import whyset as ws
from whyset.errors import RunMismatchError
from whyset.progress import Silent
from whyset.runner import ArraySource, DatasetSource, FolderSource, Preprocessing
from whyset.runner.prefetch import digest_input
from whyset.runner.same_inputs import COMPARED
from whyset.runner.sources import array_file, dataset, folder
from whyset.store import open_run
from whyset.store.commits import read_commit
from whyset.store.input_hashes import UNREAD
from whyset.store.shards import discard_shard

SHAPE = (3, 6, 8)
COUNT = 80
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, *SHAPE), dtype=np.uint8)
PREPROCESSING = Preprocessing(size=(6, 8))


class Said(Silent):
    def __init__(self) -> None:
        object.__setattr__(self, "lines", [])

    def info(self, line: str) -> None:
        self.lines.append(line)  # type: ignore[attr-defined]


class Images(torch.utils.data.Dataset[Any]):
    """A data set that keeps nothing that its fingerprint could read whole."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray | None = None) -> None:
        self.pixels = pixels
        self.targets = (np.arange(len(pixels)) % 2 if labels is None else labels).tolist()

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(self.pixels[index]).float() / 255, self.targets[index]


def save_folder(path: Path, pixels: np.ndarray) -> FolderSource:
    for number, image in enumerate(pixels):
        path.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(path / f"{number:03d}.bmp")
    return FolderSource(path, PREPROCESSING)


def save_hdf5(path: Path, pixels: np.ndarray) -> array_file.ArrayFileSource:
    path.mkdir(exist_ok=True)
    with h5py.File(path / "data.h5", "w") as file:
        file["images"] = pixels
    return array_file.ArrayFileSource(path / "data.h5", PREPROCESSING)


def save_npy(path: Path, pixels: np.ndarray) -> array_file.ArrayFileSource:
    path.mkdir(exist_ok=True)
    np.save(path / "data.npy", pixels.astype(np.float32) / 255)
    return array_file.ArrayFileSource(path / "data.npy", None)


def save_hugging_face(path: Path, pixels: np.ndarray) -> Any:
    datasets = pytest.importorskip("datasets")
    from whyset.runner import HuggingFaceSource

    images = [Image.fromarray(image.transpose(1, 2, 0)) for image in pixels]
    features = datasets.Features({"image": datasets.Image()})
    return HuggingFaceSource(datasets.Dataset.from_dict({"image": images}, features=features), PREPROCESSING)


KINDS: dict[str, Callable[[Path, np.ndarray], Any]] = {
    "folder": save_folder,
    "hdf5": save_hdf5,
    "npy": save_npy,
    "float array": lambda _, pixels: ArraySource(pixels.astype(np.float32) / 255),
    "uint8 array": lambda _, pixels: ArraySource(pixels, preprocessing=PREPROCESSING),
    "data set": lambda _, pixels: DatasetSource(Images(pixels)),
    "hugging face": save_hugging_face,
}


def net() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 48, 2)).eval()


@pytest.fixture(autouse=True)
def many_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 16)


@pytest.fixture
def part_of_the_data_is_fingerprinted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is for data of many gigabytes: the first sample and the middle one stand for all."""
    for module in (folder.__name__, dataset.__name__, array_file.__name__, "whyset.runner.sources.hugging_face"):
        content = "whyset.runner.sources.content"
        monkeypatch.setattr(f"{content}.WHOLE_BYTES", 0)
        monkeypatch.setattr(f"{content}.PART", 2)
        if module.endswith("hugging_face"):
            monkeypatch.setattr(f"{module}.WHOLE_FILES", 0)
            monkeypatch.setattr(f"{module}.PART", 2)


def interrupted(out: Path, data: Any, left: int = 4) -> Any:
    """A run whose last shard is missing, or another one."""
    run = ws.explain(net(), data, out)
    discard_shard(run, left)
    return run


@pytest.mark.usefixtures("part_of_the_data_is_fingerprinted")
@pytest.mark.parametrize("kind", KINDS)
def test_other_data_with_the_same_fingerprint_is_refused(kind: str, tmp_path: Path) -> None:
    before = KINDS[kind](tmp_path / "data", PIXELS)
    surveyed = {*range(0, COUNT, COUNT // 16), 0, COUNT // 2}
    changed = PIXELS.copy()
    rest = [index for index in range(COUNT) if index not in surveyed]
    changed[rest] = 255 - changed[rest]
    interrupted(tmp_path / "run", before)
    fingerprint = before.fingerprint()
    after = KINDS[kind](tmp_path / "later", changed)
    assert after.fingerprint() == fingerprint
    with pytest.raises(RunMismatchError, match=r"sample 1 .*has another input or label than when shard 0 was expl"):
        ws.explain(net(), after, tmp_path / "run")
    assert open_run(tmp_path / "run").committed.sum() == 64


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_data_is_continued(kind: str, tmp_path: Path) -> None:
    interrupted(tmp_path / "run", KINDS[kind](tmp_path / "data", PIXELS))
    run = ws.explain(net(), KINDS[kind](tmp_path / "moved", PIXELS), tmp_path / "run")
    assert run.committed.all()


def test_other_labels_of_the_samples_are_refused(tmp_path: Path) -> None:
    """The table of labels is the same, and what comes with the samples is not."""

    class Disagreeing(Images):
        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            return super().__getitem__(index)[0], 1 - self.targets[index]

    interrupted(tmp_path / "run", DatasetSource(Images(PIXELS)))
    with pytest.raises(RunMismatchError, match=r"sample 0 \(0\) has another input or label"):
        ws.explain(net(), DatasetSource(Disagreeing(PIXELS)), tmp_path / "run")


def test_random_augmentation_is_named(tmp_path: Path) -> None:
    class Augmented(Images):
        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            x, label = super().__getitem__(index)
            return (x if index in range(0, COUNT, COUNT // 16) else x + torch.rand(1)), label

    interrupted(tmp_path / "run", DatasetSource(Augmented(PIXELS)))
    with pytest.raises(RunMismatchError, match=r"sample 1 .*another input each time it is read, .*: switch off random"):
        ws.explain(net(), DatasetSource(Augmented(PIXELS)), tmp_path / "run")


def test_a_second_read_that_fails_is_no_augmentation(tmp_path: Path) -> None:
    class Failing(Images):
        reads = -1

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            x, label = super().__getitem__(index)
            if index != 1 or self.reads < 0:
                return x, label
            self.reads += 1
            if self.reads > 1:
                raise OSError("no answer")
            return x + 1, label

    interrupted(tmp_path / "run", DatasetSource(Failing(PIXELS)))
    changed = DatasetSource(Failing(PIXELS), preprocessing=DatasetSource(Failing(PIXELS)).preprocessing)
    changed.dataset.reads = 0
    with pytest.raises(RunMismatchError, match=r"sample 1 .*read only once \(OSError: no answer\)"):
        ws.explain(net(), changed, tmp_path / "run")


def test_a_sample_that_failed_then_may_be_readable_now_and_not_the_reverse(tmp_path: Path) -> None:
    class Failing(Images):
        broken: frozenset[int] = frozenset()

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            if index in self.broken:
                raise OSError("no answer")
            return super().__getitem__(index)

    failing, whole = DatasetSource(Failing(PIXELS)), DatasetSource(Failing(PIXELS))
    failing.dataset.broken = frozenset({1})
    run = interrupted(tmp_path / "run", failing)
    assert read_commit(run.path, 0).inputs.digest(1) == UNREAD
    assert ws.explain(net(), whole, tmp_path / "run").committed.all()
    discard_shard(run, 4)
    failing.dataset.broken = frozenset({17})
    with pytest.raises(
        RunMismatchError, match=r"sample 17 .*cannot be read any more \(OSError: no answer\), but shard 1"
    ):
        ws.explain(net(), failing, tmp_path / "run")


@pytest.mark.parametrize("shard", range(5))
def test_one_other_shard_is_found_wherever_it_lies(shard: int, tmp_path: Path) -> None:
    changed = PIXELS.copy()
    changed[shard * 16 : shard * 16 + 16] ^= 255

    class Unhashed(DatasetSource):
        def fingerprint(self) -> str:
            return "the same"

    interrupted(tmp_path / "run", Unhashed(Images(PIXELS)), left=0 if shard else 4)
    with pytest.raises(RunMismatchError, match=f"when shard {shard} was explained"):
        ws.explain(net(), Unhashed(Images(changed)), tmp_path / "run")


def test_few_samples_are_read_again_from_many_shards(tmp_path: Path) -> None:
    read: list[int] = []

    class Counting(Images):
        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            read.append(index)
            return super().__getitem__(index)

    pixels = np.tile(PIXELS, (20, 1, 1, 1))
    source = DatasetSource(Counting(pixels))
    interrupted(tmp_path / "run", source, left=50)
    read.clear()
    ws.explain(net(), source, tmp_path / "run")
    again = {index for index in read if index // 16 != 50}
    assert COMPARED <= len(again) <= 2 * COMPARED  # a few more are read to try the model
    assert max(again) // 16 == 99


def test_hashes_are_those_that_the_page_states(tmp_path: Path) -> None:
    run = ws.explain(net(), DatasetSource(Images(PIXELS)), tmp_path / "run")
    stored = json.loads((run.path / "commits/000001.json").read_text())["inputs"]
    x = PIXELS[18].astype(np.float32) / 255
    digest = hashlib.blake2b(b"float32 3x6x8 0\n" + x.astype("<f4").tobytes(), digest_size=8).hexdigest()
    assert stored["algorithm"] == "blake2b-64"
    assert stored["digests"][2 * 16 : 3 * 16] == digest == digest_input(torch.from_numpy(x), 0)
    assert len(stored["digests"]) == 16 * 16


def test_shards_of_an_earlier_version_are_continued_and_that_is_said(tmp_path: Path) -> None:
    run = interrupted(tmp_path / "run", DatasetSource(Images(PIXELS)))
    for shard in range(4):
        file = run.path / f"commits/{shard:06d}.json"
        stored = json.loads(file.read_text())
        file.write_text(json.dumps({name: stored[name] for name in stored if name not in ("inputs", "checksum")}))
    said = Said()
    assert ws.explain(net(), DatasetSource(Images(PIXELS)), tmp_path / "run", progress=said).committed.all()
    assert any(line.startswith("4 of 4 compared shards have no hashes") for line in said.lines)
