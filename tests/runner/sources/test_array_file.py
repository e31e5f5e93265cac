"""ArrayFileSource: arrays in .npy, .npz and HDF5 files, the same samples as in memory, also in another process."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import whyset as ws
from whyset.engines import Local
from whyset.errors import InputError
from whyset.runner import ArrayFileSource, ArraySource, ModelSource, Preprocessing

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (7, 6, 8, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 1, 0, 1, 0, -1])
PLAIN = Preprocessing(mean=(0.5,), std=(0.25,))


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path / "data.npz", **arrays)
    return path / "data.npz"


def hdf5(path: Path, **arrays: np.ndarray) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path / "data.h5", "w") as file:
        for name, values in arrays.items():
            file[name] = values.astype("S") if values.dtype.kind == "U" else values
    return path / "data.h5"


Write = Callable[..., Path]
FORMATS = pytest.mark.parametrize("write", [npz, hdf5])


@FORMATS
def test_samples_are_those_of_the_arrays_in_memory(write: Write, tmp_path: Path) -> None:
    path = write(
        tmp_path, images=IMAGES, labels=LABELS, ids=np.array(list("abcdefg")), class_names=np.array(["x", "y"])
    )
    source, memory = ArrayFileSource(path, PLAIN), ArraySource(IMAGES, LABELS, preprocessing=PLAIN)
    assert source.ids == list("abcdefg")
    assert source.class_names == ("x", "y")
    assert source.labels.tolist() == LABELS.tolist()
    for index in range(7):
        assert torch.equal(source[index][0], memory[index][0])
        assert source[index][1] == memory[index][1]


@FORMATS
@pytest.mark.parametrize("names", [("images", "labels"), ("data", "label"), ("X", "y"), ("image", "targets")])
def test_usual_names_are_found(write: Write, names: tuple[str, str], tmp_path: Path) -> None:
    source = ArrayFileSource(write(tmp_path, **{names[0]: IMAGES, names[1]: LABELS, "other": LABELS}), PLAIN)
    assert source.labels.tolist() == LABELS.tolist()
    assert len(source) == 7


def test_other_names_are_given(tmp_path: Path) -> None:
    path = npz(tmp_path, photographs=IMAGES, kinds=LABELS)
    assert ArrayFileSource(path, PLAIN, images="photographs", labels_name="kinds")[1][1] == 1


def test_an_npy_is_mapped_into_memory_and_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES.transpose(0, 3, 1, 2))
    source = ArrayFileSource(tmp_path / "x.npy", PLAIN)
    assert isinstance(source._rows, np.memmap)
    assert torch.equal(source[3][0], PLAIN.forward(_image(3)))
    assert source[3][1] is None


def _image(index: int) -> object:
    from PIL import Image

    return Image.fromarray(IMAGES[index])


@FORMATS
def test_it_travels_without_what_it_opened(write: Write, tmp_path: Path) -> None:
    source = ArrayFileSource(write(tmp_path, images=np.repeat(IMAGES, 40, axis=0)), PLAIN)
    assert len(source) == 280
    sent = pickle.dumps(source)
    assert len(sent) < 2000
    assert torch.equal(pickle.loads(sent)[279][0], source[279][0])


@FORMATS
def test_workers_open_the_file_for_themselves(write: Write, model_file: Path, tmp_path: Path) -> None:
    images = RANDOM.integers(0, 256, (20, 6, 8, 3), dtype=np.uint8)
    path = write(tmp_path, images=images, labels=np.arange(20) % 2)
    model = ModelSource(f"{model_file}:net")
    here = ws.explain(model, path, tmp_path / "here")
    there = ws.explain(model, path, tmp_path / "there", engine=Local(workers=1))
    assert np.array_equal(here.relevance[:], there.relevance[:])
    assert np.array_equal(there.inputs[:], images.transpose(0, 3, 1, 2))


@FORMATS
def test_the_fingerprint_follows_content_and_not_the_place(write: Write, tmp_path: Path) -> None:
    def made(name: str, images: np.ndarray, labels: np.ndarray) -> str:
        (tmp_path / name).mkdir()
        return ArrayFileSource(write(tmp_path / name, images=images, labels=labels), PLAIN).fingerprint()

    other = IMAGES.copy()
    other[3, 2, 1, 0] += 1
    assert made("a", IMAGES, LABELS) == made("b", IMAGES, LABELS)
    assert len({made("c", other, LABELS), made("d", IMAGES, LABELS[::-1]), made("e", IMAGES, LABELS)}) == 3


def test_floats_are_shown_by_the_range_of_their_values(tmp_path: Path) -> None:
    floats = np.linspace(-2, 6, 2 * 48, dtype=np.float32).reshape(2, 1, 6, 8)
    source = ArrayFileSource(npz(tmp_path, x=floats))
    assert len(source.notes) == 1
    assert source.notes[0].startswith("inputs are shown with -2 as black and 6 as white, the lowest and the highest")
    assert np.array_equal(source[1][0], floats[1])


@pytest.mark.parametrize(
    ("arrays", "given", "message"),
    [
        ({"images": IMAGES}, None, "have no preprocessing"),
        ({"pictures": IMAGES}, PLAIN, "has pictures: expected one of images, image, data"),
        ({"images": IMAGES, "labels": LABELS[:3]}, PLAIN, "labels must be 7, one for each sample"),
        ({"images": IMAGES, "ids": np.array(["a"] * 7)}, PLAIN, "expected 7 different ids, one for each sample, got 1"),
        ({"images": IMAGES[:0]}, PLAIN, "the array of images is empty"),
        ({"images": RANDOM.integers(0, 9, (7, 3, 8, 3), dtype=np.uint8)}, PLAIN, "both could be the channels"),
        ({"images": IMAGES.astype(np.int64)}, PLAIN, r"samples must be floats \(N, C, H, W\), .* or images as uint8"),
    ],
)
def test_what_does_not_fit_is_refused(
    arrays: dict[str, np.ndarray], given: object, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        ArrayFileSource(npz(tmp_path, **arrays), given)


@pytest.mark.parametrize(("name", "message"), [("a.npz", "cannot be"), ("a.h5", "cannot be"), ("a.csv", "one of")])
def test_a_file_that_is_something_else_is_refused(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("no arrays")
    with pytest.raises(InputError, match=message):
        ArrayFileSource(tmp_path / name, PLAIN)
