"""again: a run repeated from its run.json alone, and every reason why one cannot be."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.attribution import to_dict
from whyset.attribution.composites import (
    COMPOSITES,
    DeepTaylorBox,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
    NameMapComposite,
)
from whyset.attribution.rules import Epsilon
from whyset.attribution.rules.stabilizer import Stabilizer
from whyset.errors import InputError, RunMismatchError
from whyset.runner import ArrayFileSource, Labels, ModelSource, NamedComposite, Preprocessing, rerun
from whyset.runner.composites import composite_from_dict
from whyset.store.jsonfile import json_checksum

ImageFolder = Callable[..., Path]


@pytest.fixture
def model(model_file: Path, tmp_path: Path) -> ModelSource:
    source = ModelSource(f"{model_file}:net")
    torch.save(source.load().module.state_dict(), tmp_path / "net.pt")
    return ModelSource(f"{model_file}:net", tmp_path / "net.pt", {"mean": (0.3, 0.2, 0.1)})


def assert_same(one: ws.store.Run, other: ws.store.Run) -> None:
    assert one.config.get_compared_fields() == other.config.get_compared_fields()
    assert one.ids == other.ids
    assert [spec.name for spec in one.arrays] == [spec.name for spec in other.arrays]
    for spec in one.arrays:
        np.testing.assert_array_equal(one.array(spec.name)[:], other.array(spec.name)[:], err_msg=spec.name)


EVERYTHING: dict[str, Any] = {
    "composite": EpsilonPlusFlat(epsilon=Stabilizer(0.1, clip=True)),
    "targets": ["label", "top:2"],
    "layers": ["conv"],
    "concepts": ["conv", "head"],
    "record": ["activation:conv", "mean_activation:conv"],
    "dtype": "float32",
    "reduction": "channel_sum",
    "pool": 4,
    "class_names": Labels(("dog", "cat"), {"dog": 0, "hound": 0, "cat": 1}),
    "batch_size": 3,
    "inputs": False,
    "seed": 7,
    "limit": 4,
}


@pytest.mark.parametrize("given", [{}, EVERYTHING, {"composite": NamedComposite("epsilon_gamma_box")}], ids=str)
def test_a_run_is_repeated_with_identical_arrays(
    given: dict[str, Any], model: ModelSource, image_folder: ImageFolder, tmp_path: Path
) -> None:
    first = ws.explain(model, image_folder(), tmp_path / "run", **given)
    assert_same(first, rerun(tmp_path / "run", tmp_path / "new"))


def test_a_list_of_targets_is_that_of_the_run(model: ModelSource, image_folder: ImageFolder, tmp_path: Path) -> None:
    images = image_folder()
    count = len(ws.explain(model, images, tmp_path / "all"))
    listed = [number % 2 for number in range(count)]
    first = ws.explain(model, images, tmp_path / "run", target=listed)
    assert first.column("target").tolist() == listed
    assert_same(first, rerun(tmp_path / "run", tmp_path / "new"))
    next((tmp_path / "run" / "commits").glob("*.json")).unlink()
    with pytest.raises(InputError, match="does not have the targets of all"):
        rerun(tmp_path / "run", tmp_path / "another")
    assert not (tmp_path / "another").exists()


def test_relative_paths_are_found_from_elsewhere(
    model_file: Path, image_folder: ImageFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_folder()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    first = ws.explain(ModelSource("model.py:net"), "images", tmp_path / "run")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert_same(first, rerun(tmp_path / "run", tmp_path / "new"))


def test_names_in_an_array_file_are_kept(model: ModelSource, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 6, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", photographs=images, images=255 - images, kinds=np.arange(5) % 2)
    source = ArrayFileSource(tmp_path / "a.npz", Preprocessing(), images="photographs", labels_name="kinds")
    first = ws.explain(model, source, tmp_path / "run")
    assert_same(first, rerun(tmp_path / "run", tmp_path / "new"))


def test_without_a_new_folder_the_run_is_continued(
    model: ModelSource, image_folder: ImageFolder, tmp_path: Path
) -> None:
    ws.explain(model, image_folder(), tmp_path / "run", target=1)
    expected = ws.open_run(tmp_path / "run").relevance[:]
    next((tmp_path / "run" / "commits").glob("*.json")).unlink()
    run = rerun(tmp_path / "run")
    assert run.committed.all()
    np.testing.assert_array_equal(run.relevance[:], expected)


def test_data_that_has_moved_is_found_by_being_told(
    model: ModelSource, image_folder: ImageFolder, tmp_path: Path
) -> None:
    first = ws.explain(model, image_folder(), tmp_path / "run")
    (tmp_path / "images").rename(tmp_path / "moved")
    with pytest.raises(InputError, match=r"data .*images does not exist \(any more\): give its new path by --data"):
        rerun(tmp_path / "run", tmp_path / "new")
    assert_same(first, rerun(tmp_path / "run", tmp_path / "new", data=tmp_path / "moved"))


@dataclass(frozen=True)
class Mine(EpsilonPlus):
    """A composite that is not the package's."""


def change_weights(folder: Path) -> None:
    state = torch.load(folder / "net.pt")
    state["head.bias"] += 1
    torch.save(state, folder / "net.pt")


def change_code(folder: Path) -> None:
    (folder / "model.py").write_text((folder / "model.py").read_text().replace("torch.relu", "torch.tanh"))


def change_image(folder: Path) -> None:
    shutil.copy(folder / "images" / "dog" / "0000.png", folder / "images" / "cat" / "0000.png")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (change_weights, InputError, r"its weights file .*net\.pt has changed"),
        (
            lambda folder: (folder / "net.pt").unlink(),
            InputError,
            r"its weights file .*net\.pt does not exist \(any more\)",
        ),
        (lambda folder: (folder / "model.py").unlink(), InputError, r"model file .*model\.py does not exist"),
        (change_code, InputError, r"model\.py has changed.*SHA-256 [0-9a-f]{64} here, [0-9a-f]{64} in the run"),
        (change_image, RunMismatchError, "dataset_fingerprint is"),
    ],
)
def test_what_has_changed_is_named_and_nothing_is_written(
    change: Callable[[Path], object],
    error: type[Exception],
    message: str,
    model: ModelSource,
    image_folder: ImageFolder,
    tmp_path: Path,
) -> None:
    ws.explain(model, image_folder(), tmp_path / "run")
    change(tmp_path)
    with pytest.raises(error, match=message):
        rerun(tmp_path / "run", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_objects_of_the_process_that_made_a_run_cannot_come_back(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(144, 2))
    ws.explain(net, torch.rand(3, 3, 6, 8), tmp_path / "run")
    with pytest.raises(InputError, match=r"the model was an object given from Python.*; the data was an object given"):
        rerun(tmp_path / "run", tmp_path / "new")


def test_settings_of_a_newer_version_are_not_left_out(
    model: ModelSource, image_folder: ImageFolder, tmp_path: Path
) -> None:
    ws.explain(model, image_folder(), tmp_path / "run")
    record = tmp_path / "run" / "run.json"
    newer = json.loads(record.read_text()) | {"schema": "1.99", "config_hash": f"sha256:{'7' * 64}"}
    record.write_text(json.dumps(newer | {"checksum": json_checksum(newer)}))
    with pytest.raises(InputError, match="made by a newer whyset with settings unknown to this one: update whyset"):
        rerun(tmp_path / "run", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("composite", "why"),
    [
        (Mine(), "the composite Mine cannot be rebuilt .*not a composite or rule of this package"),
        (NameMapComposite(((("conv",), Epsilon()),)), "the composite NameMapComposite"),
    ],
)
def test_composites_that_run_json_cannot_rebuild_are_refused_or_rebuilt_exactly(
    composite: Any, why: str, model: ModelSource, image_folder: ImageFolder, tmp_path: Path
) -> None:
    first = ws.explain(model, image_folder(), tmp_path / "run", composite=composite)
    if type(composite) is NameMapComposite:
        assert_same(first, rerun(tmp_path / "run", tmp_path / "new"))
        return
    with pytest.raises(InputError, match=why):
        rerun(tmp_path / "run", tmp_path / "new")


@pytest.mark.parametrize("name", COMPOSITES)
def test_every_composite_of_the_table_comes_back_equal(name: str) -> None:
    made = NamedComposite(name).make(Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)))
    form = to_dict(made)
    assert to_dict(composite_from_dict(form, "run")) == form
    if not isinstance(made, EpsilonGammaBox | DeepTaylorBox):  # tensors have no equality
        assert composite_from_dict(form, "run") == made
