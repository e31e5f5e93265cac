"""TCAV: gradients against finite differences, known shares, and few false positives."""

import numpy as np
import pytest
import torch
from torch import nn

from whyset.errors import InputError
from whyset.findings.views import ChannelView
from whyset.fixing.tcav import measure_gradients, measure_tcav


class Twice(nn.Module):
    """A layer that runs twice."""

    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x):
        return self.head(torch.tanh(self.layer(torch.tanh(self.layer(x)))))


@pytest.mark.parametrize("kind", ["spatial", "inplace", "twice"])
def test_gradients_are_those_of_a_shift_of_the_layer(kind):
    torch.manual_seed(0)
    if kind == "twice":
        model, layer, x, channels = Twice(), "layer", torch.rand(4, 3), 3
    else:
        activation = nn.ReLU(inplace=kind == "inplace")
        layers = [nn.Conv2d(2, 5, 3), activation, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3)]
        model, layer, x, channels = nn.Sequential(*layers), "0", torch.rand(4, 2, 6, 7), 5
    model = model.double().eval().requires_grad_(False)
    x = x.double()
    found = measure_gradients(model, ChannelView(layer, 1, "mean"), 1, x.split(3))
    assert found.shape == (4, channels)
    step = 1e-6
    for channel in range(channels):
        values = []
        for sign in (1, -1):
            shift = torch.zeros(channels, dtype=torch.double)
            shift[channel] = sign * step
            shaped = shift.view(1, -1, *[1] * (x.dim() - 2))
            hook = model.get_submodule(layer).register_forward_hook(lambda _, __, y, by=shaped: y + by)
            values.append(model(x)[:, 1])
            hook.remove()
        np.testing.assert_allclose(found[:, channel], ((values[0] - values[1]) / (2 * step)).numpy(), atol=1e-8)


def test_a_concept_that_the_class_depends_on_has_a_significant_share_of_1():
    random = np.random.default_rng(0)
    own, others = random.normal(size=(40, 20)), random.normal(size=(60, 20))
    own[:, 0] += 6
    gradients = random.normal(size=(80, 20))
    gradients[:, 0] += 20
    found = measure_tcav(gradients, own, others, n_random=199)
    assert found.share.value == 1.0
    assert found.n_random == 199
    # the gradients agree, so random vectors have extreme shares as well, which the score takes into account
    assert found.p_value > 0.05
    varied = random.normal(size=(400, 20))
    varied[:, 0] += 1.5
    assert measure_tcav(varied, own, others, n_random=199).p_value == pytest.approx(2 / 200)


def test_a_division_without_a_concept_is_significant_as_often_as_by_chance():
    random = np.random.default_rng(1)
    significant = []
    for seed in range(200):
        x, gradients = random.normal(size=(40, 6)), random.normal(size=(30, 6)) + random.normal(size=6)
        found = measure_tcav(gradients, x[:15], x[15:], n_random=79, seed=seed)
        significant.append(found.p_value <= 0.05)
    assert sum(significant) <= 18  # of 200 at 5 %; more have a probability below 1 %


def test_what_cannot_be_measured_is_refused():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2)).eval()
    with pytest.raises(InputError, match="nothing"):
        measure_gradients(model, ChannelView("nothing", 1, "mean"), 0, [torch.rand(2, 3)])
    with pytest.raises(InputError, match=r"expected \(samples, 4\)"):
        measure_tcav(np.ones((2, 3)), np.ones((3, 4)), np.zeros((3, 4)))


def test_a_layer_without_influence_is_refused():
    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x):
            self.unused(x)
            return self.used(x)

    with pytest.raises(InputError, match="does not depend on layer 'unused'"):
        measure_gradients(Unused(), ChannelView("unused", 1, "mean"), 0, [torch.rand(2, 3)])
