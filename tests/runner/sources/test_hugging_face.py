"""HuggingFaceSource: real `datasets`, in memory and saved, with images and class labels; splits and streams refused."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import whyset as ws
from whyset.engines import Local
from whyset.errors import InputError
from whyset.runner import HuggingFaceSource, Labels, ModelSource, Preprocessing

datasets = pytest.importorskip("datasets")
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 6, 8, 3), dtype=np.uint8)
PLAIN = Preprocessing()


def made(labels: Any = None, pixels: np.ndarray = PIXELS, names: tuple[str, ...] = ("cat", "dog")) -> Any:
    features = datasets.Features({"picture": datasets.Image(), "kind": datasets.ClassLabel(names=list(names))})
    columns = {"picture": list(map(Image.fromarray, pixels)), "kind": labels or [i % 2 for i in range(len(pixels))]}
    return datasets.Dataset.from_dict(columns, features=features)


def test_columns_are_found_by_their_features_and_names_of_classes_are_used() -> None:
    source = HuggingFaceSource(made(), PLAIN)
    assert source.class_names == ["cat", "dog"]
    assert source.labels.tolist() == [0, 1] * 10
    assert torch.equal(source[3][0], PLAIN.forward(Image.fromarray(PIXELS[3])))
    assert source[3][1] == 1
    assert source.ids[:2] == ["0", "1"]
    assert not source.notes


def test_a_labels_file_says_which_output_a_class_is() -> None:
    source = HuggingFaceSource(made(), PLAIN, Labels.of(["dog", "horse", "cat"]))
    assert source.labels.tolist() == [2, 0] * 10
    assert source[0][1] == 2
    assert source.class_names == ("dog", "horse", "cat")
    with pytest.raises(InputError, match="class 'cat' is not in the labels file"):
        HuggingFaceSource(made(), PLAIN, Labels.of(["dog", "horse"]))


def test_unknown_labels_stay_unknown() -> None:
    assert HuggingFaceSource(made([-1, 1] * 10), PLAIN).labels.tolist() == [-1, 1] * 10


def test_explain_takes_one_as_it_is_and_one_that_was_saved_and_workers_open_it_again(
    model_file: Path, tmp_path: Path
) -> None:
    made().save_to_disk(str(tmp_path / "saved"))
    model = ModelSource(f"{model_file}:net")
    memory = ws.explain(model, made(), tmp_path / "memory")
    saved = ws.explain(model, tmp_path / "saved", tmp_path / "run", engine=Local(workers=1))
    assert memory.classes == saved.classes == ["cat", "dog"]
    assert np.array_equal(memory.relevance[:], saved.relevance[:])
    assert np.array_equal(saved.inputs[:], PIXELS.transpose(0, 3, 1, 2))
    assert saved.config.dataset == str(tmp_path / "saved")
    assert memory.config.dataset_fingerprint == saved.config.dataset_fingerprint


def test_the_fingerprint_follows_images_and_labels() -> None:
    other = PIXELS.copy()
    other[13, 0, 0, 0] += 1
    prints = [HuggingFaceSource(data, PLAIN).fingerprint() for data in (made(), made([0] * 20), made(pixels=other))]
    assert len(set(prints)) == 3
    assert HuggingFaceSource(made(), PLAIN).fingerprint() == prints[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: datasets.DatasetDict(train=made(), test=made()), "holds several data sets: give one of train, test"),
        (lambda: made().to_iterable_dataset(), "is a stream without len"),
        (lambda: made().remove_columns("picture"), "the data set has the columns kind: expected one of images"),
    ],
)
def test_what_does_not_fit_is_refused(make: Callable[[], Any], message: str, model_file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        ws.explain(ModelSource(f"{model_file}:net"), make(), tmp_path / "run")


def test_a_saved_folder_of_splits_names_them(model_file: Path, tmp_path: Path) -> None:
    datasets.DatasetDict(train=made(), test=made()).save_to_disk(str(tmp_path / "saved"))
    with pytest.raises(InputError, match=r"several splits: give one of .*saved/test, .*saved/train"):
        ws.explain(ModelSource(f"{model_file}:net"), tmp_path / "saved", tmp_path / "run")


@pytest.mark.parametrize(("value", "kind"), [(1e30, "float64"), (float("nan"), "float64"), (0.5, "float32")])
def test_what_is_no_label_fails_alone(value: float, kind: str) -> None:
    images = list(map(Image.fromarray, PIXELS))
    labels = np.array([value if row == 3 else row % 2 for row in range(len(images))], kind)
    columns = {"image": images, "label": labels}
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value(kind)})
    source = HuggingFaceSource(datasets.Dataset.from_dict(columns, features=features), PLAIN)
    assert source.labels.tolist() == [-1 if row == 3 else row % 2 for row in range(len(images))]
    with pytest.raises(InputError, match=re.escape(f"the label is {value}: expected a class index")):
        source.read(3)
    assert source.read(5)[1] == 1
