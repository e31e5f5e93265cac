"""Class activation maps in closed form, by captum and by plain loops, on networks whose sides differ."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyset.attribution import (
    AblationCAM,
    Contrast,
    FastCAM,
    GradCAM,
    GradCAMPlusPlus,
    GuidedGradCAM,
    HiResCAM,
    LayerCAM,
    ScoreCAM,
)
from whyset.attribution.attributors.cam import PositionGrid
from whyset.attribution.attributors.logit_model import LogitModel
from whyset.errors import InputError, UnseenOperationError

TARGETS = torch.tensor([1, 3, 0])


def pooled(*, seed: int = 0) -> nn.Sequential:
    """Its maps are as large as the input, so that nothing is interpolated."""
    torch.manual_seed(seed)
    layers = [nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4)]
    return nn.Sequential(*layers).double().eval()


def flat() -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 42, 4)]
    return nn.Sequential(*layers).double().eval()


def strided() -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 5, 3, stride=2), nn.ReLU(), nn.Conv2d(5, 7, 2), nn.ReLU(), nn.Flatten(), nn.Linear(140, 4)]
    return nn.Sequential(*layers).double().eval()


def images(height: int = 6, width: int = 7) -> Tensor:
    return torch.randn(3, 3, height, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


LARGE = {"height": 12, "width": 14}
EVERY = [GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM, AblationCAM, FastCAM, GuidedGradCAM]
WITH_WEIGHTS = [GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM, AblationCAM]


# Closed forms


def test_grad_cam_before_a_pool_and_a_linear_layer_is_cam() -> None:
    """CAM (Zhou 2016) is Σ_k W_ck A_k; the mean over 42 positions divides the gradient."""
    model, x = pooled(), images()
    output, found = GradCAM(model, relu_attributions=False)(x, TARGETS)
    expected = torch.einsum("nk,nkhw->nhw", model[4].weight[TARGETS], model[1](model[0](x))) / 42
    torch.testing.assert_close(found[:, 0], expected.detach())
    torch.testing.assert_close(output, model(x).detach())
    torch.testing.assert_close(GradCAM(model)(x, TARGETS)[1], found.relu())
    torch.testing.assert_close(HiResCAM(model, relu_attributions=False)(x, TARGETS)[1], found)


def test_hires_cam_before_a_linear_layer_sums_to_the_output_without_bias() -> None:
    model, x = flat(), images()
    output, found = HiResCAM(model, relu_attributions=False)(x, TARGETS)
    without_bias = output - model[3].bias.detach()
    torch.testing.assert_close(found.sum((1, 2, 3)), without_bias[range(3), TARGETS])


def test_layer_cam_before_a_linear_layer_has_its_positive_weights() -> None:
    model, x = flat(), images()
    weights = model[3].weight[TARGETS].relu().view(3, 5, 6, 7)
    expected = (weights * model[1](model[0](x))).sum(1, keepdim=True).detach()
    torch.testing.assert_close(LayerCAM(model, relu_attributions=False)(x, TARGETS)[1], expected)


@pytest.mark.parametrize("scale", [1.0, 1e-9])
def test_grad_cam_plus_plus_before_a_pool_and_a_linear_layer(scale: float) -> None:
    """The gradient is g = W_ck / 42 at all positions, so the weight of a channel is 42 ReLU(g) / (2 + g Σ A_k).

    Gradients of 1e-11, whose squares are smaller than any number that is added to a denominator, are no exception.
    """
    model, x = pooled(), images()
    model[4].weight.data *= scale
    active = model[1](model[0](x)).detach()
    gradient = model[4].weight[TARGETS].detach() / 42
    weights = 42 * gradient.relu() / (2 + gradient * active.sum((2, 3)))
    _, found = GradCAMPlusPlus(model)(x, TARGETS)
    torch.testing.assert_close(found[:, 0], torch.einsum("nk,nkhw->nhw", weights, active), atol=0, rtol=1e-9)


def test_ablation_cam_before_a_pool_and_a_linear_layer() -> None:
    """Without channel k the output loses W_ck times the mean of A_k."""
    model, x = pooled(), images()
    active = model[1](model[0](x)).detach()
    weights = model[4].weight[TARGETS].detach() * active.mean((2, 3))
    _, found = AblationCAM(model, relu_attributions=False)(x, TARGETS)
    torch.testing.assert_close(found[:, 0], torch.einsum("nk,nkhw->nhw", weights, active))


def test_score_cam_is_a_loop_over_masked_inputs() -> None:
    model, x = strided(), images(**LARGE)
    active = model[:4](x).detach()
    _, found = ScoreCAM(model)(x, TARGETS)
    for sample, target in enumerate(TARGETS):
        scores = []
        for channel in range(7):
            mask = F.interpolate(active[sample : sample + 1, channel : channel + 1], (12, 14), mode="bilinear")
            mask = mask - mask.min()
            mask = mask / mask.max() if mask.max() > 0 else mask
            scores.append(model(x[sample : sample + 1] * mask)[0, target].detach())
        weights = torch.stack(scores).softmax(0)
        expected = (weights[:, None, None] * active[sample]).sum(0).relu()
        expected = F.interpolate(expected[None, None], (12, 14), mode="bilinear")
        torch.testing.assert_close(found[sample : sample + 1], expected)


def smoe_by_numpy(active: np.ndarray) -> np.ndarray:
    """The SMOE scale of activations (channels, h, w) and its normal distribution function, written as in the paper."""
    active = np.maximum(active, 0) + 1e-7
    mean = active.mean(0)
    scale = mean * (np.log2(mean) - np.log2(active).mean(0))
    unit = (scale - scale.mean()) / scale.std(ddof=1)
    return np.vectorize(lambda one: 0.5 * (1 + math.erf(one / math.sqrt(2))))(unit)


def test_fast_cam_is_the_mean_of_the_scaled_statistic_of_its_layers() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 5, 3, padding=1), nn.GELU(), nn.Conv2d(5, 6, 1), nn.ReLU(), nn.Flatten(), nn.Linear(252, 4)
    )
    model, x = model.double().eval(), images()
    output, found = FastCAM(model, ["1", "3"])(x, TARGETS)
    for sample in range(3):
        parts = [smoe_by_numpy(model[:end](x)[sample].detach().numpy()) for end in (2, 4)]
        np.testing.assert_allclose(found[sample, 0].numpy(), np.mean(parts, 0), rtol=1e-9)
    torch.testing.assert_close(output, model(x).detach())


def test_fast_cam_is_the_same_for_all_classes_and_takes_the_last_layer_of_each_resolution() -> None:
    model, x = strided(), images(**LARGE)
    assert [layer.name for layer in FastCAM(model).find_layers(x)] == ["1", "3"]
    found = FastCAM(model)(x, 0)[1]
    torch.testing.assert_close(found, FastCAM(model, ["1", "3"])(x, 2)[1], rtol=0, atol=0)
    assert 0 <= float(found.min()) < float(found.max()) <= 1
    with pytest.raises(InputError, match="out of range"):
        FastCAM(model)(x, 4)


# Captum


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_grad_cam_is_that_of_captum(relu: bool, mode: str) -> None:
    attr = pytest.importorskip("captum.attr")
    model, x = strided(), images(**LARGE)
    expected = attr.LayerGradCam(model, model[3]).attribute(x, TARGETS, relu_attributions=relu).detach()
    name = "bilinear" if mode == "linear" else mode
    expected = attr.LayerAttribution.interpolate(expected, (12, 14), name)
    found = GradCAM(model, relu_attributions=relu, interpolate_mode=mode)(x, TARGETS)[1]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_guided_grad_cam_is_that_of_captum(mode: str) -> None:
    attr = pytest.importorskip("captum.attr")
    model, x = strided(), images(**LARGE)
    name = "bilinear" if mode == "linear" else mode
    reference = strided()
    expected = attr.GuidedGradCam(reference, reference[3]).attribute(x, TARGETS, interpolate_mode=name)
    output, found = GuidedGradCAM(model, interpolate_mode=mode)(x, TARGETS)
    torch.testing.assert_close(found, expected.detach())
    torch.testing.assert_close(output, model(x).detach())
    assert found.shape == x.shape


# Targets, batches and side effects


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind is not FastCAM])
def test_several_targets_are_the_maps_of_each(kind: type) -> None:
    model, x = strided(), images(**LARGE)
    found = kind(model)(x, targets=[0, TARGETS, None])[1]
    expected = [kind(model)(x, target)[1] for target in (0, TARGETS, model(x).argmax(1))]
    torch.testing.assert_close(found, torch.stack(expected))


@pytest.mark.parametrize("kind", [GradCAM, HiResCAM, AblationCAM])
def test_a_contrast_is_the_difference_of_the_signed_maps(kind: type) -> None:
    attribute, x = kind(strided(), relu_attributions=False), images(**LARGE)
    one, other = (attribute(x, target)[1] for target in (2, 1))
    torch.testing.assert_close(attribute(x, Contrast(2, 1))[1], one - other)


@pytest.mark.parametrize("kind", EVERY)
def test_a_map_does_not_depend_on_the_other_samples(kind: type) -> None:
    model, x = strided(), images(**LARGE)
    together = kind(model)(x, 1)[1]
    alone = torch.cat([kind(model)(one, 1)[1] for one in x.split(1)])
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize("kind", [ScoreCAM, AblationCAM])
def test_channels_are_evaluated_in_batches_of_a_bounded_size(kind: type) -> None:
    x, largest = images(**LARGE), {}
    expected = kind(strided())(x, 1)[1]
    for size in (1, 3, 8, 1000):
        model, sizes = strided(), []
        model.register_forward_hook(lambda _, given, __, sizes=sizes: sizes.append(len(given[0])))
        attribute = kind(model, internal_batch_size=size)
        torch.testing.assert_close(attribute(x, 1)[1], expected)
        largest[size] = max(sizes)
    assert largest == {1: 3, 3: 3, 8: 6, 1000: 21}  # 3 samples and 7 channels


@pytest.mark.parametrize("kind", EVERY)
def test_nothing_is_left_on_the_model_or_the_input(kind: type) -> None:
    model, x = strided(), images(**LARGE)
    model[1], model[3] = nn.ReLU(inplace=True), nn.ReLU(inplace=True)
    kept = x.clone()
    _, found = kind(model)(x, TARGETS)
    torch.testing.assert_close(found, kind(strided())(x, TARGETS)[1])  # a ReLU in place has the same map
    assert torch.equal(x, kept)
    assert not found.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("kind", EVERY)
def test_a_softmax_at_the_end_does_not_change_the_layer_of_its_logits(kind: type) -> None:
    model, x = strided(), images(**LARGE)
    ended = nn.Sequential(*model, nn.Softmax(1)).eval()
    for layer in (None, "3"):
        given = [layer] if kind is FastCAM and layer else layer
        torch.testing.assert_close(kind(LogitModel(ended), given)(x, 1)[1], kind(model, given)(x, 1)[1])


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_types_give_maps_of_their_type(kind: type, dtype: torch.dtype) -> None:
    model, x = strided().to(dtype), images(**LARGE).to(dtype)
    _, found = kind(model)(x, 1)
    assert found.dtype == dtype
    assert found.isfinite().all()


@pytest.mark.parametrize(("dims", "sides"), [(1, (30,)), (3, (6, 8, 10))])
@pytest.mark.parametrize("kind", EVERY)
def test_series_and_volumes_have_maps(kind: type, dims: int, sides: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    conv, pool = getattr(nn, f"Conv{dims}d"), getattr(nn, f"AdaptiveAvgPool{dims}d")
    model = nn.Sequential(conv(2, 4, 3), nn.ReLU(), conv(4, 6, 3), nn.ReLU(), pool(1), nn.Flatten(), nn.Linear(6, 3))
    x = torch.randn(2, 2, *sides)
    _, found = kind(model.eval())(x, 1)
    assert found.shape == (2, 2 if kind is GuidedGradCAM else 1, *sides)
    assert found.abs().sum() > 0


# Tokens


def test_the_class_token_is_not_ablated() -> None:
    """Its channels are the only ones with weights here, so ablating the channels of the others changes nothing."""
    grid = PositionGrid((2, 3), channels_last=True, tokens=True, prefix=1, suffix=1)
    value, factor = torch.rand(4, 8, 5), torch.rand(4, 5)
    changed = grid.multiply_maps(value, factor)
    assert torch.equal(changed[:, [0, 7]], value[:, [0, 7]])
    expected = grid.to_maps(value) * factor[:, :, None, None]
    torch.testing.assert_close(grid.to_maps(changed), expected)
    for last in (False, True):
        other = PositionGrid((2, 3), channels_last=last)
        value = torch.rand(4, 2, 3, 5) if last else torch.rand(4, 5, 2, 3)
        expected = other.to_maps(value) * factor[:, :, None, None]
        torch.testing.assert_close(other.to_maps(other.multiply_maps(value, factor)), expected)


# Mistakes


class Unused(nn.Module):
    """Its layer `side` has no influence on the output, and `twice` runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.main, self.side, self.twice = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        self.side(x)
        values: Tensor = self.twice(self.twice(self.main(x)))
        return values.mean((2, 3))


MISTAKES = [
    (lambda x: GradCAM(strided(), "layer4")(x), "has no module named 'layer4'.*PATH:OPERATION:NUMBER"),
    (lambda x: GradCAM(strided(), "")(x), "has no module named ''"),
    (lambda x: GradCAM(strided(), "9:relu:0")(x), "has no module named '9:relu:0'"),
    (lambda x: GradCAM(strided(), "5")(x), "positions of '5' are not known.*layers with positions are 0"),
    (lambda x: GradCAM(strided(), interpolate_mode="cubic")(x), "expected 'linear' or 'nearest'"),
    (lambda x: GradCAM(Unused().double(), "side")(x), "no position of 'side' influences the output"),
    (lambda x: GradCAM(Unused().double(), "twice")(x), "'twice' runs 2 times in one forward pass"),
    (lambda x: GradCAM(strided())(x.flatten(1)), r"need inputs with positions, \(n, channels, \*sides\), got"),
    (lambda x: GradCAM(strided())(x.long()), "expects a floating point input"),
    (lambda x: GradCAM(strided())(x, targets=[]), "expected a list of one or more targets"),
    (lambda x: GradCAM(strided())(x, 7), "out of range"),
    (lambda x: GradCAM(nn.Sequential(nn.Flatten(), nn.Linear(504, 4)).double())(x), "no layer with positions"),
    (lambda x: GradCAM(torch.jit.trace(strided(), x))(x), "TopLevelTracedModule"),
    (lambda x: ScoreCAM(torch.compile(strided(), backend="eager"), "_orig_mod.3")(x), "compiled"),
    (lambda x: ScoreCAM(strided(), internal_batch_size=0)(x), "expected a whole number of at least 1"),
    (lambda x: FastCAM(strided(), "3")(x), "expected a list of one or more names"),
    (lambda x: FastCAM(strided(), [])(x), "expected a list of one or more names"),
]


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_a_mistake_is_an_error_that_names_the_remedy(number: int) -> None:
    run, message = MISTAKES[number]
    with pytest.raises((InputError, UnseenOperationError), match=message):
        run(images(**LARGE))
