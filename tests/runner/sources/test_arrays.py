"""ArraySource: floats as the model takes them, bytes with a preprocessing."""

import numpy as np
import pytest
import torch

from whyset.errors import InputError
from whyset.runner import ArraySource, Preprocessing
from whyset.runner.sources import as_source


def test_floats_are_the_models_input() -> None:
    images = np.random.default_rng(0).random((4, 3, 6, 8), dtype=np.float32)
    source = ArraySource(images, [0, 1, -1, 1])
    assert torch.equal(source[1][0], torch.from_numpy(images[1]))
    assert [source[index][1] for index in range(4)] == [0, 1, None, 1]
    assert source.ids == ["0", "1", "2", "3"]


def test_floats_outside_zero_and_one_are_shown_from_black_to_white_and_this_is_said() -> None:
    images = torch.linspace(-2, 6, 2 * 6 * 8).reshape(2, 1, 6, 8)
    source = ArraySource(images)
    shown = source.preprocessing.undo(images)
    assert (shown.min(), shown.max()) == (0, 255)
    assert len(source.notes) == 1
    assert source.notes[0].startswith("inputs are shown with -2 as black and 6 as white, the lowest and the highest")


def test_bytes_pass_through_the_preprocessing() -> None:
    images = np.arange(2 * 6 * 8 * 3, dtype=np.uint8).reshape(2, 6, 8, 3)
    preprocessing = Preprocessing(mean=(0.5,), std=(0.5,))
    source = ArraySource(images, preprocessing=preprocessing)
    assert np.array_equal(preprocessing.undo(source[1][0]), images[1].transpose(2, 0, 1))


def test_gray_bytes_may_lack_the_channel() -> None:
    for shape in [(2, 6, 8), (2, 6, 8, 1)]:
        source = ArraySource(np.ones(shape, np.uint8), preprocessing=Preprocessing(mode="L"))
        assert source[0][0].shape == (1, 6, 8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": np.zeros((0, 1, 2, 2), np.float32)}, "is empty"),
        ({"images": np.zeros((2, 1, 2, 2, 2, 2), np.float32)}, r"floats \(N, C, H, W\)"),
        ({"images": np.zeros((2, 1, 2, 2, 2), np.uint8)}, r"floats \(N, C, D, H, W\).*divide them"),
        ({"images": np.zeros((2, 1, 2, 2), np.int64)}, r"floats \(N, C, H, W\)"),
        ({"images": np.zeros((2, 2, 2), np.uint8)}, "have no preprocessing"),
        ({"images": np.full((2, 1, 2, 2), np.nan)}, "only NaN and infinite values"),
        ({"images": np.zeros((2, 1, 2, 2)), "labels": [1]}, "labels must be 2, one for each sample"),
        ({"images": np.zeros((2, 1, 2, 2)), "labels": np.array([1j, 2])}, "expected class indices, names or values"),
        ({"images": np.zeros((2, 1, 2, 2)), "labels": np.zeros((2, 3, 4, 5))}, "expected for each sample a class"),
        ({"images": np.zeros((2, 1, 2, 2)), "labels": [np.inf, np.nan]}, "none of 2 is a class index"),
        ({"images": torch.zeros((2, 1, 2, 2)).to_sparse()}, "the tensor is sparse"),
        ({"images": np.zeros((2, 1, 2, 2)), "ids": ["a", "a"]}, "different ids, one for each sample"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ArraySource(**arguments)


def test_the_fingerprint_is_that_of_the_content() -> None:
    images = np.zeros((2, 1, 6, 8), np.float32)
    other = images.copy()
    other[1, 0, 5, 7] = 1e-30
    assert ArraySource(images).fingerprint() == ArraySource(images.copy()).fingerprint()
    assert ArraySource(images).fingerprint() != ArraySource(other).fingerprint()
    assert ArraySource(images, [0, 1]).fingerprint() != ArraySource(images, [1, 0]).fingerprint()


@pytest.mark.parametrize("labels", [[1, 0, None], (1, 0, -1), torch.tensor([1, 0, -1]), np.array([1, 0, -1])])
@pytest.mark.parametrize("images", [np.zeros((3, 4), np.float32), torch.zeros(3, 4)])
def test_an_array_and_a_sequence_of_labels_are_a_pair(images: object, labels: object) -> None:
    source = as_source((images, labels), None, None)
    assert isinstance(source, ArraySource)
    assert source.labels.tolist() == [1, 0, -1]
    assert [source[row][1] for row in range(3)] == [1, 0, None]


@pytest.mark.parametrize("labels", [[0, 1], [], ["cat", "dog"], (torch.zeros(2), 1)])
def test_a_pair_that_does_not_fit_is_refused(labels: object) -> None:
    with pytest.raises(InputError, match="labels must be 3, one for each sample"):
        as_source((np.zeros((3, 4), np.float32), labels), None, None)


def test_a_tuple_of_samples_is_a_data_set() -> None:
    samples = tuple((torch.full((4,), float(label)), label) for label in range(2))
    assert [label for _, label in (as_source(samples, None, None)[row] for row in range(2))] == [0, 1]
