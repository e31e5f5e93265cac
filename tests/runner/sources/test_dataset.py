"""DatasetSource: map-style data sets of several libraries; streams and random augmentation are refused."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from whyset.errors import InputError
from whyset.runner import DatasetSource, Preprocessing

IMAGES = torch.rand(5, 3, 6, 8, generator=torch.Generator().manual_seed(0))


class Items(Dataset[Any]):
    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("form", ["PIL", "tensor, channels first", "array, channels last"])
def test_eight_bit_images_are_normalized_by_the_preprocessing_whatever_holds_them(form: str) -> None:
    given = Preprocessing(mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))
    forms = {"PIL": Image.fromarray, "tensor, channels first": channels_first, "array, channels last": np.copy}
    source = DatasetSource(Items([(forms[form](pixels), 0) for pixels in PIXELS]), given)
    mean, std = np.array([0.5, 0.4, 0.3]), np.array([0.2, 0.25, 0.3])
    for index, pixels in enumerate(PIXELS):
        expected = ((pixels / 255 - mean) / std).transpose(2, 0, 1)
        np.testing.assert_allclose(source[index][0], expected, atol=1e-6)
        np.testing.assert_array_equal(source.preprocessing.undo(source[index][0]), pixels.transpose(2, 0, 1))


def test_gray_eight_bit_images_have_one_channel() -> None:
    source = DatasetSource(Items([torch.from_numpy(pixels[..., 0]) for pixels in PIXELS]), Preprocessing(mode="L"))
    np.testing.assert_allclose(source[0][0], PIXELS[0, None, :, :, 0] / 255, atol=1e-6)


def test_eight_bit_images_without_preprocessing_are_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match=r"uint8 images of the data set.*preprocessing="):
        DatasetSource(Items([channels_first(pixels) for pixels in PIXELS]))


def channels_first(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)


def test_a_tensor_data_set_with_labels() -> None:
    source = DatasetSource(TensorDataset(IMAGES, torch.tensor([0, 1, 0, 1, 0])))
    assert source.labels.tolist() == [0, 1, 0, 1, 0]
    assert torch.equal(source[3][0], IMAGES[3])
    assert source[3][1] == 1
    assert not source.notes


def test_a_subset_keeps_its_own_order() -> None:
    source = DatasetSource(Subset(TensorDataset(IMAGES, torch.tensor([0, 1, 2, 3, 4])), [4, 2]))
    assert source.labels.tolist() == [4, 2]
    assert torch.equal(source[0][0], IMAGES[4])


@pytest.mark.parametrize("wrap", [lambda x, y: (x, y), lambda x, y: {"image": x, "label": y}])
def test_labels_are_read_in_one_pass_where_nothing_else_tells_them(wrap: Callable[..., Any]) -> None:
    source = DatasetSource(Items([wrap(x, index) for index, x in enumerate(IMAGES)]))
    assert source.labels.tolist() == [0, 1, 2, 3, 4]
    assert "one pass over the data" in source.notes[0]


def test_without_labels_they_are_unknown() -> None:
    source = DatasetSource(Items(list(IMAGES)))
    assert source.labels.tolist() == [-1] * 5
    assert source[0][1] is None


def test_images_need_a_preprocessing_and_get_it() -> None:
    items = Items([(Image.new("RGB", (8, 6), (255, 0, 0)), 0)])
    with pytest.raises(InputError, match=r"have no preprocessing.*pass preprocessing=Preprocessing\("):
        DatasetSource(items)
    assert DatasetSource(items, Preprocessing())[0][0].sum() == 6 * 8


def test_torchvisions_image_folder_keeps_its_paths(image_folder: Callable[..., Path]) -> None:
    datasets = pytest.importorskip("torchvision.datasets", exc_type=ImportError)
    source = DatasetSource(datasets.ImageFolder(image_folder()), Preprocessing())
    assert source.ids[0] == "cat/0000.png"
    assert source.class_names == ["cat", "dog"]
    assert source.labels.tolist() == [0, 0, 0, 1, 1]


def test_a_stream_is_refused_with_the_reason() -> None:
    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Iterator[Any]:
            return iter(IMAGES)

    with pytest.raises(
        InputError, match=r"Stream is a stream without len and .*must be able to read the same sample again"
    ):
        DatasetSource(Stream())


def test_random_augmentation_is_refused() -> None:
    class Noisy(Items):
        def __getitem__(self, index: int) -> Any:
            return self.items[index] + torch.rand(3, 6, 8)

    with pytest.raises(InputError, match="switch off random augmentation"):
        DatasetSource(Noisy(list(IMAGES)))


class ReadableOnce(Items):
    """Some samples can be read a first time only, as on a disk that fails."""

    def __init__(self, items: list[Any], once: set[int]) -> None:
        super().__init__(items)
        self.once, self.read = once, set[int]()

    def __getitem__(self, index: int) -> Any:
        if index in self.read & self.once:
            raise OSError("input/output error")
        self.read.add(index)
        return super().__getitem__(index)


def test_what_cannot_be_read_a_second_time_is_no_augmentation() -> None:
    assert len(DatasetSource(ReadableOnce(list(IMAGES), {0, 1}))) == 5  # these samples fail alone
    with pytest.raises(InputError, match=r"read a second time.*OSError: input/output error") as raised:
        DatasetSource(ReadableOnce(list(IMAGES), set(range(5))))
    assert "augmentation" not in str(raised.value)


def test_augmentation_is_found_though_the_first_sample_is_unreadable_again() -> None:
    class Noisy(ReadableOnce):
        def __getitem__(self, index: int) -> Any:
            return super().__getitem__(index) + torch.rand(3, 6, 8)

    with pytest.raises(InputError, match=r"each time sample 1 is read, .*: switch off random augmentation"):
        DatasetSource(Noisy(list(IMAGES), {0}))


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "is empty"),
        ([torch.zeros(6, 8, dtype=torch.int64)], r"floats \(C, H, W\)"),
        ([torch.zeros(3, 6, 8, dtype=torch.int16)], r"floats \(C, H, W\)"),
        ([{"pixels": 1}], "expected one of image, img"),
    ],
)
def test_what_does_not_fit_is_refused(items: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        DatasetSource(Items(items))


def test_the_fingerprint_follows_images_and_labels() -> None:
    def made(images: torch.Tensor, labels: list[int]) -> str:
        return DatasetSource(TensorDataset(images, torch.tensor(labels))).fingerprint()

    other = IMAGES.clone()
    other[2, 0, 0, 0] += 1e-6
    assert made(IMAGES, [0, 1, 0, 1, 0]) == made(IMAGES.clone(), [0, 1, 0, 1, 0])
    assert made(IMAGES, [0, 1, 0, 1, 0]) != made(IMAGES, [0, 1, 0, 1, 1])
    assert made(IMAGES, [0, 1, 0, 1, 0]) != made(other, [0, 1, 0, 1, 0])


@pytest.mark.parametrize("view", [lambda x: x[::-1], lambda x: x.astype(">f4"), lambda x: x[:, ::-2], lambda x: x.T])
def test_arrays_may_have_any_strides_and_byte_order(view):
    rows = np.random.default_rng(0).random((3, 4, 6), dtype=np.float32)
    source = DatasetSource([view(row) for row in rows])
    for index, row in enumerate(rows):
        assert np.array_equal(source[index][0].numpy(), view(row))
    assert (
        source.fingerprint()
        == DatasetSource([torch.tensor(view(row).copy().astype("f4")) for row in rows]).fingerprint()
    )


def test_images_of_pil_are_turned_upright_each_time_they_are_read(tmp_path: Path) -> None:
    shown, exif = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(shown).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as image:
        source = DatasetSource([(image, 0)], Preprocessing())
        assert source.preprocessing.to_dict()["exif_orientation"] is True
        for _ in range(2):
            assert np.array_equal(source.read(0)[0].numpy().transpose(1, 2, 0), np.rot90(shown, -1))


def test_sixteen_bits_of_arrays_reach_the_model_whole() -> None:
    images = np.random.default_rng(0).integers(0, 65536, (3, 6, 8), dtype=np.uint16)
    for given in (list(images), list(torch.from_numpy(images))):
        source = DatasetSource(given, Preprocessing(mode="L"))
        assert np.array_equal(np.rint(source[2][0].numpy()[0] * 65535), images[2])
        assert "exif_orientation" not in source.preprocessing.to_dict()
