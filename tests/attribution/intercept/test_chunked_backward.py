"""A backward step done in parts of the batch gives what it gives at once."""

import pytest
import torch

from whyset.attribution.intercept.chunked_backward import by_parts


@pytest.mark.parametrize("elements", [1, 7, 12, 25, 1000])
def test_parts_give_what_the_whole_gives(elements):
    sizes = []

    def edge(c, y, x, twin):
        sizes.append(len(y))
        return None, (c * y).sum((1, 2), keepdim=True) * x + twin

    torch.manual_seed(0)
    c, y, x, twin = torch.randn(5, 2, 3), torch.randn(5, 2, 3), torch.randn(5, 4, 1), torch.randn(5, 4, 1)
    with torch.no_grad():
        nothing, parted = by_parts(edge, elements)(c, y, x, twin)
    assert nothing is None
    assert sizes == {1: [1] * 5, 7: [1] * 5, 12: [2, 2, 1], 25: [4, 1], 1000: [5]}[elements]
    torch.testing.assert_close(parted, edge(c, y, x, twin)[1])


def test_a_recorded_graph_takes_the_whole_batch_at_once():
    sizes = []
    with torch.enable_grad():
        by_parts(lambda c, y, x: (sizes.append(len(y)) or x,), 1)(torch.ones(3, 2), torch.ones(3, 2), torch.ones(3, 2))
    assert sizes == [3]
