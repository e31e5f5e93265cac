"""The Hilbert-Schmidt independence criterion by its definition, and in closed form over all masks."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from whyset.attribution import HSIC
from whyset.attribution.attributors.hsic import measure_dependence


def by_definition(kept: np.ndarray, outputs: np.ndarray) -> float:
    """Σ K L / n² + Σ K Σ L / n⁴ − 2 Σ K L′ / n³, with loops over pairs and triples of masks."""
    n, spread = len(outputs), outputs.std()

    def same(a: int, b: int) -> float:
        return float(kept[a] == kept[b])

    def near(a: int, b: int) -> float:
        return float(np.exp(-((outputs[a] - outputs[b]) ** 2) / 2 / spread**2))

    every = range(n)
    joint = sum(same(a, b) * near(a, b) for a in every for b in every)
    apart = sum(same(a, b) for a in every for b in every) * sum(near(a, b) for a in every for b in every)
    cross = sum(same(a, b) * near(a, c) for a in every for b in every for c in every)
    return joint / n**2 + apart / n**4 - 2 * cross / n**3


def test_it_is_the_criterion_by_definition():
    rng = np.random.default_rng(0)
    masks, outputs = rng.integers(0, 2, (13, 4)), rng.normal(size=13)
    outputs += masks[:, 2]
    masks[:, 3] = 1
    found = measure_dependence(torch.from_numpy(masks).double(), torch.from_numpy(outputs))
    expected = [by_definition(column, outputs) for column in masks.T]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-15)


def test_over_all_masks_it_is_zero_for_cells_that_do_not_matter_and_known_for_the_one_that_does():
    """L is 1 or exp(−2) where the output is one bit, whose standard deviation is ½."""
    masks = torch.tensor(list(product((0.0, 1.0), repeat=4)), dtype=torch.float64)
    found = measure_dependence(masks, 3 + 5 * masks[:, 1])
    expected = torch.tensor([0, (1 - np.exp(-2)) / 4, 0, 0])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15)
    assert (measure_dependence(masks, torch.full((16,), 0.1).double()) == 0).all()


def test_it_does_not_depend_on_the_scale_of_the_output():
    masks = (torch.rand(50, 3) < 0.5).double()
    outputs = torch.randn(50).double() + masks[:, 0]
    torch.testing.assert_close(measure_dependence(masks, outputs), measure_dependence(masks, 1e6 * outputs - 9))


@pytest.mark.parametrize("shape", [(6,), (2, 6), (1, 6, 4)])
def test_a_map_has_the_value_of_each_cell(shape):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 5), nn.Tanh(), nn.Linear(5, 2)).double()
    x = torch.randn(2, *shape).double()
    cells = 3 if len(shape) < 3 else (3, 2)
    _, found = HSIC(net, n_masks=11, cells=cells, seed=4)(x, 1)
    generator = torch.Generator().manual_seed(4)
    kept = (torch.rand(11, 3 if len(shape) < 3 else 6, generator=generator) < 0.5).numpy()
    for sample in range(2):
        outputs = []
        for mask in kept:
            blocks = (
                mask.reshape(3, -1).repeat(2, 0) if len(shape) < 3 else mask.reshape(3, 2).repeat(2, 0).repeat(2, 1)
            )
            outputs.append(net(x[sample : sample + 1] * torch.from_numpy(blocks.reshape(shape[1:] or shape)))[0, 1])
        expected = [by_definition(column, torch.stack(outputs).detach().numpy()) for column in kept.T]
        whole = np.array(expected).reshape(3, -1).repeat(2, 0)
        whole = whole.repeat(2, 1) if len(shape) == 3 else whole[:, 0]
        np.testing.assert_allclose(found[sample].reshape(whole.shape), whole, rtol=1e-10, atol=1e-15)


def test_cells_that_matter_are_above_those_that_do_not():
    weight = torch.zeros(1, 6, 8).double()
    weight[:, 2:4, 4:6] = 1

    class Patch(nn.Module):
        def forward(self, x):
            return (x * weight).flatten(1).sum(1, keepdim=True)

    x = 1 + torch.rand(3, 1, 6, 8, generator=torch.Generator().manual_seed(0)).double()
    _, found = HSIC(Patch(), n_masks=200, cells=(3, 4))(x, 0)
    assert (found[:, :, 2:4, 4:6] > 10 * found.masked_fill(weight.bool(), 0).amax()).all()
