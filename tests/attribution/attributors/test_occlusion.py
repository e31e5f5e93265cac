"""Occlusion of tables, series, tokens and small images, compared with captum's."""

import pytest
import torch
from torch import nn

from whyset.attribution import Occlusion
from whyset.errors import InputError

attr = pytest.importorskip("captum.attr")


def network(shape: tuple[int, ...]) -> nn.Module:
    torch.manual_seed(0)
    size = int(torch.Size(shape).numel())
    return nn.Sequential(nn.Flatten(), nn.Linear(size, 7), nn.Tanh(), nn.Linear(7, 3)).double().eval()


def inputs(shape: tuple[int, ...]) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(4, *shape, dtype=torch.float64)


CASES = {
    "table": ((5,), {}, (1,), None),
    "one feature": ((1,), {}, (1,), None),
    "table, wider than the window of images": ((30,), {}, (1,), None),
    "table by pairs": ((6,), {"window": 2}, (2,), (2,)),
    "table by overlapping pairs": ((6,), {"window": 2, "stride": 1}, (2,), (1,)),
    "series": ((2, 24), {}, (2, 8), (2, 8)),
    "series by steps": ((2, 5), {"window": 1}, (2, 1), None),
    "short series": ((2, 6), {}, (2, 3), (2, 3)),
    "large windows": ((1, 24, 20), {"window": 12}, (1, 12, 12), (1, 8, 8)),
    "one step": ((3, 1), {}, (3, 1), None),
    "small images": ((1, 8, 8), {}, (1, 4, 4), (1, 4, 4)),
    "images": ((2, 16, 24), {}, (2, 8, 8), (2, 8, 8)),
    "flat images": ((1, 2, 16), {}, (1, 2, 8), (1, 2, 8)),
}


@pytest.mark.parametrize("target", [1, [0, 2, 1, 0]], ids=["one class", "per sample"])
@pytest.mark.parametrize("name", CASES)
def test_occlusion_is_captums(name, target):
    shape, settings, window, strides = CASES[name]
    model, x = network(shape), inputs(shape)
    _, attribution = Occlusion(model, **settings)(x, target)
    expected = attr.Occlusion(model).attribute(x, window, strides, target=target)
    torch.testing.assert_close(attribution.float(), expected.float())  # captum adds in single precision


@pytest.mark.parametrize("shape", [(5,), (30,), (2, 6), (1, 8, 8), (3, 5, 4)])
def test_by_default_no_map_is_constant(shape):
    _, attribution = Occlusion(network(shape))(inputs(shape), 0)
    flat = attribution.flatten(1)
    assert (flat.amax(1) > flat.amin(1)).all()


def test_each_token_is_covered_by_itself():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(20, 3)).eval()
    ids = torch.tensor([[1, 2, 3, 4, 5], [8, 0, 7, 6, 1]])
    output, attribution = Occlusion(model)(ids, 2)
    for place in range(5):
        covered = ids.clone()
        covered[:, place] = 0
        torch.testing.assert_close(attribution[:, place], (output - model(covered))[:, 2])
    assert attribution.is_floating_point()


def test_the_stride_is_the_window_unless_it_is_given():
    x = inputs((2, 12))
    one, other = (
        Occlusion(network((2, 12)), **settings)(x, 0)[1] for settings in ({"window": 3}, {"window": 3, "stride": 3})
    )
    assert torch.equal(one, other)
    with pytest.raises(InputError, match=r"expects inputs \(n, channels, \.\.\.\) or \(n, features\), got \(4,\)"):
        Occlusion(network((1,)))(inputs(()), 0)
