"""ArraySource: floats as the model takes them, bytes with a preprocessing."""

import numpy as np
import pytest
import torch

from whyset.errors import InputError
from whyset.runner import ArraySource, Preprocessing


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
        ({"images": np.zeros((2, 1, 2, 2, 2), np.float32)}, r"floats \(N, C, H, W\)"),
        ({"images": np.zeros((2, 1, 2, 2), np.int64)}, r"floats \(N, C, H, W\)"),
        ({"images": np.zeros((2, 2, 2), np.uint8)}, "have no preprocessing"),
        ({"images": np.full((2, 1, 2, 2), np.nan)}, "only NaN and infinite values"),
        ({"images": np.zeros((2, 1, 2, 2)), "labels": [1]}, "labels must be 2 whole numbers"),
        ({"images": np.zeros((2, 1, 2, 2)), "labels": [0.5, 1.0]}, "labels must be 2 whole numbers"),
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
