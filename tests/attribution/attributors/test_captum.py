"""Captum's methods give here what they give there."""

import sys

import pytest
import torch
from torch import nn

from whyset.attribution import Captum, Contrast, Gradient
from whyset.errors import InputError, MissingExtraError

attr = pytest.importorskip("captum.attr")


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.relu, self.last = nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Linear(36, 4)
        self.double().eval()

    def forward(self, x):
        return self.last(self.relu(self.conv(x)).flatten(1))


def images():
    torch.manual_seed(1)
    return torch.randn(3, 2, 5, 6, dtype=torch.float64)


METHODS = {
    "IntegratedGradients": {"n_steps": 7},
    "Saliency": {"abs": False},
    "InputXGradient": {},
    "DeepLift": {},
    "LRP": {},
    "Occlusion": {"sliding_window_shapes": (2, 3, 2)},
    "GuidedBackprop": {},
}


@pytest.mark.parametrize("target", [2, torch.tensor([0, 3, 1]), None], ids=["index", "per sample", "largest"])
@pytest.mark.parametrize("name", METHODS)
def test_a_class_index_is_captums_own_call(name, target):
    model, x = Network(), images()
    output, attribution = Captum(model, name, **METHODS[name])(x, target)
    index = model(x).argmax(1) if target is None else target
    expected = getattr(attr, name)(Network()).attribute(images(), target=index, **METHODS[name])
    torch.testing.assert_close(attribution, expected.detach())
    torch.testing.assert_close(output, model(x))
    assert not attribution.requires_grad


@pytest.mark.parametrize("name", ["IntegratedGradients", "Saliency", "DeepLift", "Occlusion"])
def test_any_other_target_is_the_sum_of_the_outputs_it_weighs(name):
    model, x = Network(), images()
    attribute = Captum(model, name, **METHODS[name])
    contrast = attribute(x, Contrast(1, 3))[1]
    torch.testing.assert_close(contrast, attribute(x, 1)[1] - attribute(x, 3)[1])


def test_a_class_and_a_callable_are_methods_too():
    model, x = Network(), images()
    torch.testing.assert_close(Captum(model, attr.Saliency, abs=False)(x, 1)[1], Gradient(model)(x, 1)[1])
    _, attribution = Captum(model, lambda f: attr.LayerGradCam(f, model.conv))(x, 1)
    torch.testing.assert_close(attribution, attr.LayerGradCam(model, model.conv).attribute(x, target=1).detach())


def test_wrong_methods_are_told():
    with pytest.raises(InputError, match=r"no attribution method 'Lucky'; it has .*DeepLift"):
        Captum(Network(), "Lucky")
    with pytest.raises(InputError, match="pass a callable that makes it"):
        Captum(Network(), "LayerGradCam")(images(), 1)
    with pytest.raises(InputError, match="return_convergence_delta"):
        Captum(Network(), "IntegratedGradients", return_convergence_delta=True)(images(), 1)
    with pytest.raises(InputError, match="out of range"):
        Captum(Network(), "Saliency")(images(), 9)


def test_without_captum_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(MissingExtraError, match=r"whyset\[captum\]"):
        Captum(Network(), "Saliency")
