"""Sobol indices in closed form (additive functions, Ishigami's function) and by SciPy."""

import numpy as np
import pytest
import torch
from scipy.stats import sobol_indices
from torch import Tensor, nn

from whyset.attribution import Sobol
from whyset.attribution.attributors.cells import CellGrid
from whyset.errors import InputError


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x).unsqueeze(1)


def test_ishigamis_function_has_its_indices():
    """f = sin a + 7 sin² b + 0.1 c⁴ sin a on [−π, π]³ (Ishigami 1990): masks of a row are uniform in [0, 1]."""
    x, start = torch.full((2, 3), torch.pi).double(), -torch.pi

    def ishigami(x):
        a, b, c = x.T
        return a.sin() + 7 * b.sin().square() + 0.1 * c**4 * a.sin()

    _, found = Sobol(Function(ishigami), n_masks=2048, fill_fn=lambda x: torch.full_like(x, start))(x, 0)
    part_a, part_b = 0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2, 7**2 / 8
    both = 0.1**2 * np.pi**8 * (1 / 18 - 1 / 50)
    variance = part_a + part_b + both
    expected = np.array([part_a + both, part_b, both]) / variance
    np.testing.assert_allclose(found, np.stack([expected, expected]), atol=0.005)


def test_indices_of_an_additive_function_are_shares_of_its_variance():
    """For f = Σ wx over cells, the index of a cell is the square of its sum, relative to all."""
    torch.manual_seed(0)
    weight, x = torch.randn(2, 6, 8).double(), torch.randn(3, 2, 6, 8).double()
    model = Function(lambda x: (x * weight).flatten(1).sum(1))
    _, found = Sobol(model, n_masks=512, cells=(2, 4))(x, 0)
    sums = (x * weight).sum(1).unfold(1, 3, 3).unfold(2, 2, 2).sum((3, 4))
    expected = sums.square() / sums.square().sum((1, 2), keepdim=True)
    spread = expected.repeat_interleave(3, 1).repeat_interleave(2, 2)
    torch.testing.assert_close(found[:, 0], spread, atol=0.01, rtol=0)


@pytest.mark.parametrize("shape", [(4,), (2, 5), (1, 4, 3)])
def test_indices_are_those_of_scipy_for_the_same_masks(shape):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 5), nn.Tanh(), nn.Linear(5, 2)).double()
    x = torch.randn(3, *shape).double()
    attribute = Sobol(net, n_masks=8, seed=5)
    grid = CellGrid.fit(x, None, "Sobol")
    first, second = attribute._draw(grid)

    def values(masks):
        """Outputs (samples, masks) of plain products."""
        return torch.stack([net(x * grid.repeat(mask))[:, 1] for mask in masks], 1).detach().numpy()

    exchanged = []
    for cell in range(grid.size):
        own = first.clone()
        own[:, cell] = second[:, cell]
        exchanged.append(values(own))
    given = {"f_A": values(first), "f_B": values(second), "f_AB": np.stack(exchanged)}
    expected = sobol_indices(func=given, n=8).total_order
    _, found = attribute(x, 1)
    shown = grid.repeat(torch.from_numpy(expected)).view_as(found)
    torch.testing.assert_close(found, shown, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Sobol(nn.Linear(3, 2), n_masks=12), "expected a power of 2"),
        (
            lambda: Sobol(nn.Linear(20000, 2), n_masks=2)(torch.rand(1, 20000), 0),
            "20000 cells are more than a Sobol sequence has dimensions for, 10600: give cells=",
        ),
    ],
)
def test_masks_that_a_sequence_does_not_have_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
