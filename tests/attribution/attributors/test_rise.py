"""RISE in closed form: conditional means over all masks, and the expectation for linear models."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from whyset.attribution import RISE
from whyset.attribution.attributors.cells import CellGrid
from whyset.errors import InputError


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class EveryMask(RISE):
    """RISE with each of the 2^cells masks once, weighted by its probability."""

    def _masks(self, grid):
        self.n_masks = 2**grid.size
        for bits in product((0.0, 1.0), repeat=grid.size):
            yield grid.repeat(torch.tensor([bits]))


@pytest.mark.parametrize("shape", [(5,), (2, 4), (3, 2, 3)], ids=["row", "series", "image"])
def test_over_all_masks_it_is_the_conditional_mean_of_the_output(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    size = int(np.prod(shape))
    net = nn.Sequential(nn.Flatten(), nn.Linear(size, 6), nn.Tanh(), nn.Linear(6, 2)).double()
    x, sides = draw(2, *shape), shape if len(shape) == 1 else shape[1:]
    _, found = EveryMask(net, fill_fn=lambda x: torch.full_like(x, 0.2))(x, 1)
    found = found.reshape(2, -1)
    outputs, kept = [], []
    for bits in product((False, True), repeat=int(np.prod(sides))):
        keep = torch.tensor(bits).view(sides)
        outputs.append(net(torch.where(keep, x, 0.2))[:, 1])
        kept.append(bits)
    outputs, kept = torch.stack(outputs), torch.tensor(kept)
    for element in range(kept.shape[1]):
        torch.testing.assert_close(found[:, element], outputs[kept[:, element]].mean(0))


def covariance(side: int, count: int) -> np.ndarray:
    """Return Σ over cells of the products of weights (side, side, shifts): two elements share cells."""
    many = 1 if side == count else -(-side // count)
    larger = side if many == 1 else (count + 1) * many
    places = (np.arange(larger) + 0.5) * count / larger - 0.5
    weights = np.stack([np.interp(places, range(count), np.eye(count)[cell]) for cell in range(count)], 1)
    parts = [weights[shift : shift + side] for shift in range(many)]
    return np.stack([part @ part.T for part in parts]).mean(0)


@pytest.mark.parametrize(
    ("shape", "cells"), [((1, 4, 9), (2, 3)), ((2, 11), 4), ((6,), None)], ids=["image", "series", "row"]
)
def test_the_mean_for_a_linear_model_is_the_known_one_within_its_standard_error(
    shape: tuple[int, ...], cells: int | tuple[int, ...] | None
) -> None:
    """E[f m] / E[m] = Σ wx (p² + p (1 − p) Σ cc′) / p, as a mask is Σ c over cells that are kept with probability p."""
    p, weight, x = 0.3, draw(*shape, seed=1), draw(1, *shape)

    class Linear(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x * weight).flatten(1).sum(1, keepdim=True)

    sides = shape if len(shape) == 1 else shape[1:]
    grid = CellGrid.fit(x, cells, "RISE")
    shared = np.ones((1, 1))
    for side, count in zip(sides, grid.counts, strict=True):
        shared = np.kron(shared, covariance(side, count))
    parts = (weight * x[0]).numpy()
    per_place = parts.ravel() if len(shape) == 1 else parts.sum(0).ravel()
    expected = (p**2 + p * (1 - p) * shared) @ per_place / p

    counts, errors = (100, 1600), []
    for n_masks in counts:
        repeats = np.stack(
            [RISE(Linear(), n_masks=n_masks, cells=cells, p=p, seed=seed)(x, 0)[1].numpy().ravel() for seed in range(4)]
        )
        errors.append(np.sqrt(((repeats - expected) ** 2).mean()))
    alone = RISE(Linear(), n_masks=1600, cells=cells, p=p)
    masks = torch.cat(list(alone._masks(grid))).reshape(1600, -1).double().numpy()
    deviations = (masks @ per_place)[:, None] * masks - expected * masks
    standard = deviations.std(0) / p / np.sqrt(1600)
    found = alone(x, 0)[1].numpy().ravel()
    assert (np.abs(found - expected) < 5 * standard).all()
    assert 2 < errors[0] / errors[1] < 8  # the root of 16, from 4 runs


def test_masks_without_a_shift_are_those_of_the_grid() -> None:
    grid = CellGrid.fit(torch.zeros(1, 1, 8, 12), (2, 3), "RISE")
    fixed, shifted = (
        torch.cat(list(RISE(nn.Identity(), n_masks=300, cells=(2, 3), shift=shift)._masks(grid)))
        for shift in (False, True)
    )
    assert len(fixed.unique(dim=0)) <= 2**6
    assert len(shifted.unique(dim=0)) > 2**6
    assert fixed.min() >= 0
    assert shifted.max() <= 1


def test_too_few_masks_and_other_probabilities_are_refused() -> None:
    with pytest.raises(InputError, match=r"n_masks=2, p=0.01\): an element is covered by every mask: give more masks"):
        RISE(nn.Linear(6, 2), n_masks=2, p=0.01)(torch.rand(3, 6), 0)
    for p in (0.0, 1.0, -1, float("nan")):
        with pytest.raises(InputError, match="expected a probability between 0 and 1"):
            RISE(nn.Linear(6, 2), p=p)
