"""Operations that run as the steps that they consist of."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import AttnLRP, EpsilonPlus
from whyset.errors import InputError

ENDS = torch.tensor([3, 3, 8], dtype=torch.int32)


class Experts(nn.Module):
    """A mixture of experts whose rows are sorted by expert; the second one has none."""

    def __init__(self, multiply):
        super().__init__()
        torch.manual_seed(0)
        self.multiply, self.first = multiply, nn.Linear(16, 16)
        self.up, self.down = (nn.Parameter(torch.randn(3, 16, 16) / 4) for _ in range(2))

    def forward(self, x):
        return self.multiply(F.silu(self.multiply(self.first(x), self.up)), self.down)


def one_by_one(x, weights):
    start, parts = 0, []
    for end, weight in zip(ENDS.tolist(), weights, strict=True):
        parts.append(x[start:end] @ weight)
        start = end
    return torch.cat(parts)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("composite", [AttnLRP(), EpsilonPlus()], ids=["AttnLRP", "EpsilonPlus"])
def test_experts_by_groups_are_experts_one_by_one(composite):
    x = torch.randn(8, 16, generator=torch.manual_seed(1))
    maps = []
    for multiply in (
        one_by_one,
        lambda x, w: F.grouped_mm(x, w, offs=ENDS),
        lambda x, w: torch._grouped_mm(x, w, ENDS),
    ):
        attribute = Gradient(Experts(multiply).eval(), composite)
        with attribute.ledger() as ledger:
            _, relevance = attribute(x, 2)
        ledger.assert_accounted()
        maps.append(relevance)
    torch.testing.assert_close(maps[1], maps[0], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(maps[2], maps[0], rtol=1e-4, atol=1e-6)


def test_other_groups_are_refused_with_the_remedy():
    model = Experts(lambda x, w: F.grouped_mm(x.mT, x, offs=torch.tensor([8], dtype=torch.int32))[0])
    with pytest.raises(InputError, match=r"rows \(n, in\) and matrices .* one by one"):
        Gradient(model.eval(), AttnLRP())(torch.randn(8, 16), 2)
