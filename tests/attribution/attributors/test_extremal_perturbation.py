"""Extremal perturbation: the area of a mask, where it is, and that no other mask of this area keeps more."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from whyset.attribution import ExtremalPerturbation
from whyset.attribution.attributors.extremal_perturbation import measure_area_error
from whyset.errors import InputError

HEIGHT, WIDTH = 24, 36
ROWS, COLUMNS = slice(4, 12), slice(10, 20)
AREA = 80 / (HEIGHT * WIDTH)


class Patch(nn.Module):
    """The energy of a patch, and its negative."""

    def __init__(self, scale: float = 1.0, offset: float = 0.0) -> None:
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x: Tensor) -> Tensor:
        energy = self.scale * x[:, :, ROWS, COLUMNS].square().mean((1, 2, 3)) + self.offset
        return torch.stack([energy, -energy], 1)


def images() -> Tensor:
    return torch.randn(3, 2, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1e4, -3e4), (1e-5, 2.0)])
def test_the_mask_lies_on_the_patch_that_the_model_depends_on(scale: float, offset: float) -> None:
    output, mask = ExtremalPerturbation(Patch(scale, offset), areas=AREA)(images(), 0)
    torch.testing.assert_close(output, Patch(scale, offset)(images()))
    assert mask.shape == (3, 1, HEIGHT, WIDTH)
    assert mask.min() >= 0
    assert mask.max() <= 1
    inside, outside = mask[:, :, ROWS, COLUMNS], mask.clone()
    outside[:, :, ROWS.start - 3 : ROWS.stop + 3, COLUMNS.start - 3 : COLUMNS.stop + 3] = 0
    assert inside.mean() > 0.8
    assert outside.max() < 0.1


@pytest.mark.parametrize("area", [0.05, 0.2, 0.5, 0.9])
def test_the_area_is_reached(area: float) -> None:
    """The model has evidence everywhere, for and against, which nearly cancels in f(x) − f(b)."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 4, 5), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 20 * 32, 3)).double()
    _, mask = ExtremalPerturbation(net, areas=area)(images(), [0, 1, 2])
    assert ((mask > 0.5).double().mean((1, 2, 3)) - area).abs().max() < 0.01
    assert (mask.mean((1, 2, 3)) - area).abs().max() < 0.03  # its edges are soft


def test_no_random_mask_of_this_area_keeps_as_much() -> None:
    """Rectangles of the same area, and all shifts of the mask itself."""
    x = images()
    attribute = ExtremalPerturbation(Patch(), areas=AREA)
    blurred, mask = attribute._blur(x), attribute(x, 0)[1]

    def keep(mask: Tensor) -> Tensor:
        return Patch()(blurred + (x - blurred) * mask)[:, 0]

    best, rng = keep(mask), np.random.default_rng(0)
    for _ in range(100):
        rectangle = torch.zeros(1, 1, HEIGHT, WIDTH).double()
        height = int(rng.integers(4, 20))
        width = min(WIDTH, round(80 / height))
        top, left = rng.integers(0, HEIGHT - height + 1), rng.integers(0, WIDTH - width + 1)
        rectangle[:, :, top : top + height, left : left + width] = 1
        overlap = rectangle[:, :, ROWS, COLUMNS].mean()
        assert (keep(rectangle) < best).all() or overlap > 0.7
    for down, right in ((0, 3), (3, 0), (-4, 2), (7, 9)):
        assert (keep(mask.roll((down, right), (2, 3))) < best).all()


def test_the_map_is_the_mean_of_the_masks_of_its_areas_and_each_sample_has_its_own() -> None:
    x = images()
    _, found = ExtremalPerturbation(Patch(), areas=(0.05, 0.2), n_iter=20)(x, [0, 1, 0])
    parts = [ExtremalPerturbation(Patch(), areas=area, n_iter=20)(x, [0, 1, 0])[1] for area in (0.05, 0.2)]
    torch.testing.assert_close(found, torch.stack(parts).mean(0))
    alone = [
        ExtremalPerturbation(Patch(), areas=(0.05, 0.2), n_iter=20)(one, target)[1]
        for one, target in zip(x.split(1), (0, 1, 0), strict=True)
    ]
    torch.testing.assert_close(found, torch.cat(alone), rtol=1e-6, atol=1e-6)
    again = ExtremalPerturbation(Patch(), areas=(0.05, 0.2), n_iter=20)(x, [0, 1, 0])[1]
    assert torch.equal(found, again)


def test_where_nothing_is_lost_the_mask_is_flat() -> None:
    """A constant image is its own blur: no place is better, and equal values of the mask stay equal."""
    x = torch.full((2, 2, HEIGHT, WIDTH), 0.3).double()
    x[1] = images()[1]
    _, found = ExtremalPerturbation(Patch(), areas=AREA)(x, 0)
    torch.testing.assert_close(found[0], found[0].mean().expand_as(found[0]), rtol=0, atol=1e-6)
    assert abs(found[0].mean() - AREA) < 0.02
    assert found[1].max() > 0.9


def test_the_error_of_an_area_is_that_of_the_sorted_values() -> None:
    mask = torch.rand(4, 1, 5, 8, generator=torch.Generator().manual_seed(0)).double()
    reference = torch.cat([torch.zeros(30), torch.ones(10)]).double()
    expected = (mask.flatten(1).sort(1).values - reference).square().mean(1)
    torch.testing.assert_close(measure_area_error(mask, 0.25), expected)
    assert measure_area_error(reference[torch.randperm(40)][None], 0.25) == 0
    assert measure_area_error(torch.full((1, 40), 0.25).double(), 0.25) == 0  # equal values share their part


@pytest.mark.parametrize(
    ("shape", "given"),
    [((2, 30), {}), ((1, 12, 5), {"cells": (6, 5)}), ((2, 4, 5, 6), {}), ((1, 1, 9), {"cells": 1, "areas": 0.5})],
    ids=["series", "one channel", "volume", "one side"],
)
def test_series_and_volumes_have_masks_too(shape: tuple[int, ...], given: dict[str, Any]) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 5), nn.ReLU(inplace=True), nn.Linear(5, 2)).eval()
    x = torch.randn(2, *shape)
    before = x.clone()
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        _, found = ExtremalPerturbation(net.to(dtype), n_iter=10, **given)(x.to(dtype), 1)
        assert found.shape == (2, 1, *shape[1:])
        assert found.isfinite().all()
        assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"areas": 0.0}, "expected numbers between 0 and 1"),
        ({"areas": (0.1, 1.0)}, "expected numbers between 0 and 1"),
        ({"areas": ()}, "expected numbers between 0 and 1"),
        ({"sigma": 0}, "expected a positive number"),
        ({"cells": 0}, "expected positive numbers"),
        ({"n_iter": 0}, "n_iter is 0"),
    ],
)
def test_wrong_numbers_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ExtremalPerturbation(Patch(), **given)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.rand(3, 5), "features of rows have none"),
        (torch.ones(3, 5).long(), "floating point"),
        (torch.rand(1, 2, 3, 3, 3, 3), "1 to 3 dimensions after the channels, got 4"),
    ],
)
def test_other_inputs_are_refused(x: Tensor, message: str) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(int(x[0].numel()), 2))
    with pytest.raises(InputError, match=message):
        ExtremalPerturbation(net)(x, 0)
