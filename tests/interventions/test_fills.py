"""Fills against closed forms, and scikit-image's inpainting."""

import sys

import numpy as np
import pytest
import torch

from whyset.errors import InputError, MissingExtraError
from whyset.interventions import (
    FILLS,
    BlurFill,
    ConstantFill,
    DeletionFill,
    HostFill,
    InpaintingFill,
    MeanFill,
    as_fill,
    parse_fill,
)


def square(x):
    mask = torch.zeros(len(x), 1, *x.shape[2:], dtype=torch.bool)
    mask[:, :, 2:5, 3:7] = True
    return mask


def test_the_mean_is_that_outside_of_the_region():
    x = torch.rand(2, 3, 8, 10, dtype=torch.float64)
    mask = square(x)
    expected = torch.stack([x[row, :, ~mask[row, 0]].mean(1) for row in range(2)])
    changed = torch.where(mask, 100.0, x)  # the region does not take part in its own replacement
    for values in (x, changed):
        torch.testing.assert_close(MeanFill().compute(values, mask, None)[:, :, 2, 3], expected)
    whole = torch.ones(2, 3, 1, 1, dtype=torch.bool)
    torch.testing.assert_close(MeanFill().compute(x, whole, None)[:, :, 0, 0], x.mean((2, 3)))


def test_a_blur_keeps_what_is_constant_also_at_the_edge():
    x = torch.full((1, 2, 8, 10), 3.0, dtype=torch.float64)
    torch.testing.assert_close(BlurFill(sigma=4.0).compute(x, square(x), None), x)


def test_inpainting_continues_a_plane_exactly_and_ignores_the_values_of_the_region():
    rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(10.0), indexing="ij")
    x = torch.stack([rows + 2 * columns, 5 - rows]).double()[None]
    mask = square(x)
    result = InpaintingFill().apply(torch.where(mask, 50.0, x), mask, None)
    np.testing.assert_allclose(result, x, atol=1e-8)


def test_inpainting_has_no_values_beyond_those_around_it_and_needs_some():
    torch.manual_seed(0)
    x = torch.rand(2, 3, 8, 10)
    mask = square(x)
    mask[1] = False
    result = InpaintingFill().apply(x, mask, None)
    assert 0 <= float(result.min()) <= float(result.max()) <= 1
    assert torch.equal(result[1], x[1])
    with pytest.raises(InputError, match="covers the sample"):
        InpaintingFill().apply(x, torch.ones_like(mask), None)


def test_inpainting_names_the_package_that_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.restoration", None)
    x = torch.rand(1, 1, 8, 10)
    with pytest.raises(MissingExtraError, match=r"inpainting needs scikit-image.*whyset\[segments\]"):
        InpaintingFill().apply(x, square(x), None)


def test_deleted_tokens_leave_a_shorter_text():
    x = torch.tensor([[1, 2, 3, 4, 5], [6, 7, 8, 9, 0]])
    mask = torch.tensor([[False, True, True, False, False], [False] * 5])
    assert DeletionFill(padding=-1).apply(x, mask, None).tolist() == [[1, 4, 5, -1, -1], [6, 7, 8, 9, 0]]


def test_fills_have_names_and_are_rebuilt_from_texts():
    assert all(kind.name == name for name, kind in FILLS.items())
    assert as_fill("blur") == BlurFill(10.0)
    assert parse_fill("constant:value=2") == ConstantFill(2.0)
    assert as_fill(HostFill()) == HostFill()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: BlurFill(0.0), "expected a positive number"),
        (lambda: as_fill("blurr"), "did you mean blur"),
        (lambda: as_fill(3), "expected an instance or one of"),
        (lambda: MeanFill().compute(torch.rand(2, 3), torch.ones(2, 3), None), "without positions"),
        (lambda: BlurFill().compute(torch.rand(2, 3), torch.ones(2, 3), None), "use 'constant' or 'host'"),
        (
            lambda: ConstantFill(0.5).compute(torch.tensor([[1, 2]]), torch.ones(1, 2), None),
            "id of a token",
        ),
        (lambda: HostFill().compute(torch.rand(2, 3), torch.ones(2, 3), None), "host="),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
