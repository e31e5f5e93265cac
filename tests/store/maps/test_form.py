"""The modality of maps and their stored axes, for every combination of axes and inputs."""

import numpy as np
import pytest

from whyset.errors import InputError
from whyset.store.maps.description import MapsDescription
from whyset.store.maps.form import MapForm, RowLayout, RowShape

FLOAT, BYTE, WHOLE = np.dtype("f4"), np.dtype("u1"), np.dtype("i8")


def form_of(shape, inputs=None, dtype=FLOAT, words=False, **stated) -> MapForm:
    rows = None if inputs is None else RowShape(inputs, dtype)
    return MapForm.of(RowShape(shape, FLOAT), MapsDescription(**stated), rows, words=words)


@pytest.mark.parametrize(
    ("shape", "options", "modality", "stored"),
    [
        ((9,), {}, "table", (9,)),
        ((9,), {"words": True}, "text", (9,)),
        ((9,), {"inputs": (9,), "dtype": WHOLE}, "text", (9,)),
        ((9,), {"inputs": (9,), "dtype": WHOLE, "modality": "table"}, "table", (9,)),
        ((9,), {"inputs": (9,)}, "table", (9,)),
        ((9,), {"modality": "series"}, "series", (1, 9)),
        ((2, 9), {"modality": "series"}, "series", (2, 9)),
        ((2, 9), {"rate": 50}, "series", (2, 9)),
        ((2, 9), {"inputs": (2, 9)}, "series", (2, 9)),
        ((7, 9), {"modality": "image"}, "image", (1, 7, 9)),
        ((7, 9), {"inputs": (7, 9), "dtype": BYTE}, "image", (1, 7, 9)),
        ((7, 9), {"inputs": (3, 7, 9)}, "image", (1, 7, 9)),
        ((3, 7, 9), {}, "image", (3, 7, 9)),
        ((7, 9, 3), {}, "image", (3, 7, 9)),
        ((7, 9, 1), {}, "image", (1, 7, 9)),
        ((7, 9, 4), {}, "image", (4, 7, 9)),
        ((4, 7, 9), {}, "image", (4, 7, 9)),
        ((4, 7, 3), {}, "image", (3, 4, 7)),
        ((3, 7, 1), {}, "image", (3, 7, 1)),
        ((5, 7, 9), {}, "image", (5, 7, 9)),
        ((7, 9), {"inputs": (64, 90, 3), "dtype": BYTE}, "image", (1, 7, 9)),
    ],
)
def test_modality_and_axes(shape, options, modality, stored) -> None:
    form = form_of(shape, **options)
    assert (form.modality, form.maps.shape) == (modality, stored)


@pytest.mark.parametrize(
    ("shape", "options", "match"),
    [
        ((7, 9), {}, "state modality="),
        ((7, 9), {"words": True}, "state modality="),
        ((7, 9), {"inputs": (7,), "dtype": WHOLE}, "a value for each token"),
        ((7, 9), {"modality": "text"}, "'text' has maps"),
        ((7,), {"modality": "image"}, "'image' has maps"),
        ((1, 2, 3, 4), {}, "batched=True"),
        ((), {}, "counts the samples"),
        ((3, 32, 24), {"inputs": (3, 24, 32)}, "exchange the axes"),
        ((3, 32, 24), {"inputs": (1, 32, 24)}, "3 channels, but inputs .* have 1"),
        ((32, 24), {"inputs": (32, 24), "modality": "image", "dtype": WHOLE}, "images of int64: expected uint8"),
        ((3, 32, 24), {"inputs": (9,)}, "one like the maps"),
        ((2, 9), {"inputs": (2, 9), "rate": 5, "features": ["a"]}, "2 names of features, got 1"),
        ((9,), {"words": True, "features": ["a"]}, "no names of features"),
        ((3, 32, 24), {"rate": 5}, "rate is for series"),
        ((3, 32, 24), {"words": True}, "tokens are for texts"),
        ((9,), {"inputs": (8,)}, "9 values, but inputs .* have 8"),
    ],
)
def test_what_does_not_fit_is_refused(shape, options, match) -> None:
    with pytest.raises(InputError, match=match):
        form_of(shape, **options)


def test_names_may_be_those_of_the_channels_of_the_input() -> None:
    form_of((1, 9), inputs=(2, 9), features=["x", "y"])
    form_of((1, 9), inputs=(2, 9), features=["sum"])


@pytest.mark.parametrize(
    ("shape", "modality"), [((2, 3, 5, 7), "image"), ((2, 5, 7, 3), "image"), ((2, 5, 7), "image")]
)
def test_rows_are_arranged_without_a_copy(shape, modality) -> None:
    block = np.arange(np.prod(shape)).reshape(shape)
    layout = RowLayout.of(shape[1:], modality)
    arranged = layout.arrange(block)
    assert arranged.shape[1:] == layout.shape
    assert np.shares_memory(arranged, block)
    same = block if shape[1] == 3 else block[:, None] if block.ndim == 3 else block.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(arranged, same)
