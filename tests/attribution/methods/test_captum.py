"""Every attribution class of captum gives in a method what it gives alone, or is refused with the reason."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from whyset.attribution import Contrast
from whyset.attribution.methods import CaptumMethod
from whyset.attribution.methods.captum_attributor import make_patches
from whyset.errors import InputError

attr = pytest.importorskip("captum.attr")

TARGET = torch.tensor([0, 3, 1])
BASELINES = torch.rand(2, 2, 4, 6, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.relu, self.last = nn.Conv2d(2, 3, 3, stride=2), nn.ReLU(), nn.Linear(6, 4)
        self.double().eval()

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.last(self.relu(self.conv(x)).flatten(1))
        return scores


def images() -> Tensor:
    return torch.rand(3, 2, 4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


WHOLE: dict[str, Mapping[str, Any]] = {
    "IntegratedGradients": {"n_steps": 7},
    "Saliency": {"abs": False},
    "InputXGradient": {},
    "DeepLift": {"baselines": 0.3},
    "LRP": {},
    "GuidedBackprop": {},
    "Deconvolution": {},
    "FeatureAblation": {"baselines": 0.5},
    "Occlusion": {"sliding_window_shapes": (2, 2, 3), "strides": (2, 1, 2)},
    "DeepLiftShap": {"baselines": BASELINES},
}
LAYERS: dict[str, Mapping[str, Any]] = {
    "LayerGradCam": {},
    "LayerConductance": {"n_steps": 5},
    "LayerGradientXActivation": {},
    "LayerDeepLift": {},
    "LayerDeepLiftShap": {"baselines": BASELINES},
    "LayerIntegratedGradients": {"n_steps": 5},
    "InternalInfluence": {"n_steps": 5},
    "LayerLRP": {},
    "LayerFeatureAblation": {},
    "LayerGradientShap": {"baselines": BASELINES},
}
OF_LAYER_SHAPED_LIKE_INPUT: dict[str, Mapping[str, Any]] = {
    "GuidedGradCam": {},
    "NeuronConductance": {"neuron_selector": 2, "n_steps": 5},
}
DRAWING: dict[str, Mapping[str, Any]] = {
    "GradientShap": {"baselines": BASELINES, "n_samples": 3, "stdevs": 0.1},
    "ShapleyValueSampling": {"n_samples": 4},
    "KernelShap": {"n_samples": 30},
    "Lime": {"n_samples": 30},
}
EXACT_SHAPLEY = {"ShapleyValues": {}}
REFUSED = {
    "Attribution": "does not explain an output",
    "GradientAttribution": "does not explain an output",
    "PerturbationAttribution": "does not explain an output",
    "LayerAttribution": "does not explain an output",
    "NeuronAttribution": "does not explain an output",
    "LayerActivation": "does not explain an output",
    "NeuronDeconvolution": "does not explain an output",
    "NeuronDeepLift": "does not explain an output",
    "NeuronDeepLiftShap": "does not explain an output",
    "NeuronFeatureAblation": "does not explain an output",
    "NeuronGradient": "does not explain an output",
    "NeuronGradientShap": "does not explain an output",
    "NeuronGuidedBackprop": "does not explain an output",
    "NeuronIntegratedGradients": "does not explain an output",
    "NoiseTunnel": "made from another method",
    "DataLoaderAttribution": "made from another method",
    "LLMAttribution": "made from another method",
    "LLMGradientAttribution": "made from another method",
    "RemoteLLMAttribution": "made from another method",
    "LimeBase": "needs interpretable_model and similarity_func and perturb_func",
    "FeaturePermutation": "exchanges values between the samples of a batch",
    "LayerFeaturePermutation": "exchanges values between the samples of a batch",
}


def test_every_class_of_captum_is_explained_or_refused() -> None:
    classes = {
        name
        for name, value in vars(attr).items()
        if isinstance(value, type) and issubclass(value, attr.Attribution) and not name.startswith("_")
    }
    listed = (WHOLE, LAYERS, OF_LAYER_SHAPED_LIKE_INPUT, DRAWING, EXACT_SHAPLEY, REFUSED)
    assert classes == {name for names in listed for name in names}


@pytest.mark.parametrize("name", WHOLE)
def test_a_method_gives_captums_own_map(name: str) -> None:
    output, found = CaptumMethod(name, WHOLE[name]).bind(Net())(images(), TARGET)
    expected = getattr(attr, name)(Net()).attribute(images(), target=TARGET, **WHOLE[name])
    torch.testing.assert_close(found, expected.detach())
    torch.testing.assert_close(output, Net()(images()))


@pytest.mark.parametrize("mode", [None, "bilinear"])
@pytest.mark.parametrize("name", LAYERS)
def test_the_map_of_a_layer_is_summed_and_enlarged_by_captums_function(name: str, mode: str | None) -> None:
    if name == "LayerGradientShap" and mode is not None:
        pytest.skip("its random numbers are compared once")
    net = Net()
    torch.manual_seed(3)
    np.random.seed(3)
    found = CaptumMethod(name, LAYERS[name], layer="conv", interpolate_mode=mode).bind(net)(images(), TARGET)[1]
    torch.manual_seed(3)
    np.random.seed(3)
    expected = []
    parts = zip(images().split(1), TARGET.split(1), strict=True) if "Shap" in name else [(images(), TARGET)]
    for x, target in parts:
        of_layer = getattr(attr, name)(net, net.conv).attribute(x, target=target, **LAYERS[name]).detach()
        summed = of_layer.sum(1, keepdim=True)
        expected.append(attr.LayerAttribution.interpolate(summed, (4, 6), interpolate_mode=mode or "nearest"))
    torch.testing.assert_close(found, torch.cat(expected))
    assert found.shape == (3, 1, 4, 6)


@pytest.mark.parametrize("name", OF_LAYER_SHAPED_LIKE_INPUT)
def test_a_method_at_a_layer_may_have_the_map_of_the_input(name: str) -> None:
    net, given = Net(), OF_LAYER_SHAPED_LIKE_INPUT[name]
    layer = "last" if name == "NeuronConductance" else "conv"
    found = CaptumMethod(name, given, layer=layer).bind(net)(images(), TARGET)[1]
    expected = getattr(attr, name)(net, net.get_submodule(layer)).attribute(images(), target=TARGET, **given)
    torch.testing.assert_close(found, expected.detach())


@pytest.mark.parametrize("name", DRAWING)
def test_random_numbers_are_drawn_as_captum_draws_them(name: str) -> None:
    patch = None if name == "GradientShap" else 2
    mask = {} if patch is None else {"feature_mask": make_patches(images(), 2)}
    torch.manual_seed(5)
    np.random.seed(5)
    found = CaptumMethod(name, DRAWING[name], patch=patch).bind(Net())(images(), TARGET)[1]
    torch.manual_seed(5)
    np.random.seed(5)
    whole = name == "ShapleyValueSampling"
    parts = [(images(), TARGET)] if whole else zip(images().split(1), TARGET.split(1), strict=True)
    method = getattr(attr, name)(Net())
    expected = [method.attribute(x, target=target, **mask, **DRAWING[name]).detach() for x, target in parts]
    torch.testing.assert_close(found, torch.cat(expected))


def test_shapley_values_of_patches_sum_to_the_change_of_the_output() -> None:
    output, found = CaptumMethod("ShapleyValues", patch=3).bind(Net())(images(), TARGET)
    change = (output - Net()(torch.zeros_like(images()))).gather(1, TARGET[:, None])[:, 0]
    per_patch = torch.stack([found[:, 0, 0, 0], found[:, 0, 0, 3], found[:, 0, 3, 0], found[:, 0, 3, 3]])
    torch.testing.assert_close(per_patch.sum(0), change.float())


@pytest.mark.parametrize("shape", [(5, 7), (5, 2, 7), (5, 2, 7, 4), (5, 1, 3, 4, 5)])
def test_patches_are_blocks_that_channels_share(shape: tuple[int, ...]) -> None:
    mask = make_patches(torch.zeros(shape), 2)[0]
    sides = shape[1:] if len(shape) == 2 else shape[2:]
    plane = mask if len(shape) == 2 else mask[0]
    assert mask.shape == shape[1:]
    assert all(torch.equal(channel, plane) for channel in (mask[None] if len(shape) == 2 else mask))
    places = torch.cartesian_prod(*(torch.arange(side) for side in sides)).view(-1, len(sides))
    numbers: dict[int, tuple[int, ...]] = {}
    for place in places:
        block = tuple((place // 2).tolist())
        assert numbers.setdefault(int(plane[tuple(place)]), block) == block
    assert len(set(numbers.values())) == len(numbers)
    assert sorted(numbers) == list(range(len(numbers)))


@pytest.mark.parametrize(
    ("name", "given"),
    [("IntegratedGradients", {"n_steps": 40}), ("GradientShap", {**DRAWING["GradientShap"], "n_samples": 24}),
     ("DeepLiftShap", {"baselines": torch.rand(16, 2, 4, 6)}), ("LayerConductance", {"n_steps": 40}),
     ("KernelShap", {"n_samples": 20}), ("FeatureAblation", {}), ("DeepLift", {})],
)  # fmt: skip
def test_memory_does_not_grow_with_steps_and_copies(name: str, given: Mapping[str, Any]) -> None:
    """DeepLift runs inputs and baselines together; nothing runs more than two batches or one sample's copies."""
    net, largest = Net(), [0]
    net.register_forward_pre_hook(lambda _, args: largest.append(len(args[0])))
    layer = "conv" if name.startswith("Layer") else None
    x = torch.rand(12, 2, 4, 6, dtype=torch.float64)
    CaptumMethod(name, given, layer=layer).bind(net)(x, torch.arange(12) % 4)
    assert max(largest) <= max(2 * 12, 2 * 16)


def test_other_targets_are_weighted_sums_of_outputs() -> None:
    attribute = CaptumMethod("InputXGradient").bind(Net())
    contrast = attribute(images(), Contrast(1, 3))[1]
    torch.testing.assert_close(contrast, attribute(images(), 1)[1] - attribute(images(), 3)[1])
    with pytest.raises(InputError, match="class indices only"):
        CaptumMethod("GradientShap", DRAWING["GradientShap"]).bind(Net())(images(), Contrast(1, 3))


@pytest.mark.parametrize("name", REFUSED)
def test_a_class_that_does_not_explain_outputs_is_refused_when_the_method_is_made(name: str) -> None:
    with pytest.raises(InputError, match=REFUSED[name]):
        CaptumMethod(name)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "Lucky"}, "no attribution method 'Lucky'"),
        ({"method": "DeepLift", "arguments": {"steps": 3}}, "has no argument 'steps' that a run can set; it has base"),
        ({"method": "DeepLift", "arguments": {"target": 3}}, "has no argument 'target'"),
        ({"method": "DeepLift", "arguments": {"return_convergence_delta": True}}, "has no argument 'return_conv"),
        ({"method": "DeepLift", "arguments": {"custom_attribution_func": max}}, "which a run cannot store"),
        ({"method": "DeepLift", "arguments": [3]}, "expected a mapping"),
        ({"method": "DeepLift", "layer": "conv"}, "takes no layer"),
        ({"method": "DeepLift", "patch": 3}, "takes no patch"),
        ({"method": "Occlusion"}, "needs sliding_window_shapes"),
        ({"method": "LayerGradCam"}, "needs a layer"),
        ({"method": "KernelShap", "patch": 0}, "at least 1"),
        ({"method": "KernelShap", "patch": 2, "arguments": {"feature_mask": [[[1]]]}}, "takes no patch"),
        ({"method": 3}, "expected a text"),
    ],
)  # fmt: skip
def test_a_mistake_is_an_error_when_the_method_is_made(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CaptumMethod(**given)


def test_layers_that_do_not_exist_or_do_not_fit_are_named() -> None:
    with pytest.raises(InputError, match="no module named 'conv9'"):
        CaptumMethod("LayerGradCam", layer="conv9").bind(Net())
    with pytest.raises(InputError, match="expected a layer with channels"):
        CaptumMethod("LayerGradientXActivation", layer="last").bind(Net())(images(), TARGET)
