"""In-place calls give what the same model written without them gives, and do to the caller's tensors what torch
does.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlus, EpsilonPlusFlat


class Net(nn.Module):
    """Two convolutions with whatever stands between them."""

    def __init__(self, between):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.norm.running_mean.normal_(0, 0.1)
        self.norm.running_var.uniform_(0.5, 2)
        self.second, self.last = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 3)
        self.between = between
        self.double().eval()

    def forward(self, x):
        h = self.between(self, self.norm(self.first(x)))
        return self.last(self.second(h).relu().mean((2, 3)))


def ignored_relu(net, h):
    F.relu(h, inplace=True)
    return h


def ignored_gelu(net, h):
    torch.nn.functional.silu(h, inplace=True)
    return h


def add_to_other_name(net, h):
    same = h
    h += h.detach() * 0 + 1
    h.relu_()
    return same


def scaled_by_itself(net, h):
    h.mul_(h)
    return h


def zeroed_channel(net, h):
    h[:, 0] = 0
    return h


def zeroed_channel_plainly(net, h):
    keep = torch.ones(1, 4, 1, 1, dtype=h.dtype)
    keep[:, 0] = 0
    return h * keep


def written_through_a_view(net, h):
    view = h[:, 1]
    view.zero_()
    h[:, 2].relu_()
    return h


def written_plainly(net, h):
    return torch.stack([h[:, 0], torch.zeros_like(h[:, 1]), h[:, 2].relu(), h[:, 3]], 1)


def read_through_a_view(net, h):
    view = h[:, :, 1:]
    h.relu_()
    return torch.cat([h[:, :, :1], view], 2)


def into_a_buffer(net, h):
    buffer = torch.zeros_like(h)
    buffer[:, :3] = h[:, :3]
    buffer[:, 3:] += h[:, 3:]
    return buffer.relu_()


def residual(net, h):
    shortcut = h
    out = F.relu(net.second(h))
    out += shortcut
    return F.relu(out)


def residual_plainly(net, h):
    return F.relu(torch.add(F.relu(net.second(h)), h))


PAIRS = {
    "relu, return value ignored": (ignored_relu, lambda net, h: torch.relu(h)),
    "silu, return value ignored": (ignored_gelu, lambda net, h: F.silu(h)),
    "another name for the target": (add_to_other_name, lambda net, h: (h + torch.ones_like(h)).relu()),
    "the target as its own argument": (scaled_by_itself, lambda net, h: h * h),
    "item assignment": (zeroed_channel, zeroed_channel_plainly),
    "written through live views": (written_through_a_view, written_plainly),
    "read through a live view": (read_through_a_view, lambda net, h: h.relu()),
    "into a buffer": (into_a_buffer, lambda net, h: h.relu()),
    "residual": (residual, residual_plainly),
}


@pytest.mark.parametrize("composite", [EpsilonPlus(), EpsilonPlusFlat()], ids=["plus", "flat"])
@pytest.mark.parametrize("name", PAIRS)
def test_in_place_is_out_of_place(name, composite):
    written, plain = (Net(between) for between in PAIRS[name])
    x = torch.randn(2, 2, 5, 6, dtype=torch.float64)
    output, relevance = Gradient(written, composite)(x, 1)
    expected_output, expected = Gradient(plain, composite)(x, 1)
    torch.testing.assert_close(output, expected_output)
    torch.testing.assert_close(relevance, expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(output, written(x))


@pytest.mark.parametrize("centered", [True, False])
def test_a_model_that_writes_into_its_input_leaves_the_callers_tensor_alone(centered):
    class Centers(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2).double()

        def forward(self, x):
            if centered:
                x -= 0.5
            x[:, 0] = 0
            return self.layer(x)

    x = torch.randn(2, 3, dtype=torch.float64)
    before = x.clone()
    _, relevance = Gradient(Centers().eval(), EpsilonPlus())(x, 0)
    assert torch.equal(x, before)
    assert (relevance[:, 0] == 0).all()
    assert (relevance[:, 1:] != 0).all()


def test_a_relu_behind_a_rule_overwrites_what_nothing_else_needs():
    net = Net(lambda net, h: h.relu_())
    addresses = []
    net.norm.register_forward_hook(lambda _, __, output: addresses.append(output.data_ptr()))
    net.second.register_forward_pre_hook(lambda _, args: addresses.append(args[0].data_ptr()))
    Gradient(net, EpsilonPlus())(torch.randn(2, 2, 5, 6, dtype=torch.float64), 1)
    assert addresses[0] == addresses[1]
