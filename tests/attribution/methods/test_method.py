"""What every attribution method promises: its attributor, its declared capabilities, and its stored form."""

import json
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from whyset.attribution import (
    HSIC,
    RISE,
    XRAI,
    AblationCAM,
    BlurIG,
    Captum,
    Conditional,
    Contrastive,
    ExtremalPerturbation,
    FastCAM,
    GradCAM,
    GradCAMPlusPlus,
    Gradient,
    GuidedGradCAM,
    GuidedIG,
    HiResCAM,
    InputTimesGradient,
    IntegratedGradients,
    LayerCAM,
    Occlusion,
    PatternAttributor,
    ScoreCAM,
    SmoothGrad,
    Sobol,
    fit_patterns,
)
from whyset.attribution.composites import EpsilonPlus, ExcitationBackprop, GuidedBackprop
from whyset.attribution.methods import (
    METHODS,
    BlurIGMethod,
    CAMMethod,
    CaptumMethod,
    ConditionalMethod,
    ContrastiveExcitationBackpropMethod,
    ContrastiveLRPMethod,
    ExtremalPerturbationMethod,
    FastCAMMethod,
    FittedMethod,
    FunctionMethod,
    GradientMethod,
    GuidedIGMethod,
    HSICMethod,
    InspectionMethod,
    IntegratedGradientsMethod,
    Method,
    OcclusionMethod,
    PatternAttributionMethod,
    PatternNetMethod,
    RISEMethod,
    SmoothGradMethod,
    SobolMethod,
    XRAIMethod,
    as_method,
)
from whyset.attribution.methods.method import FLOATING
from whyset.errors import InputError, WhysetError
from whyset.runner.methods import method_from_dict


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.head = nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Linear(3 * 24, 4)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.relu(self.conv(x)).flatten(1))
        return scores


@pytest.fixture
def net() -> Net:
    return make_net()


def images() -> Tensor:
    return torch.rand(3, 2, 4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def brightness(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """A method of the user."""
    return x * target[:, None, None, None]


def fill(value: float) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.full_like(x, value)


def make_net() -> Net:
    torch.manual_seed(0)
    return Net().double().eval()


INSTANCES: dict[str, Method] = {
    "gradient": GradientMethod(EpsilonPlus()),
    "input_times_gradient": METHODS["input_times_gradient"](),
    "smooth_grad": SmoothGradMethod(EpsilonPlus(), noise_level=0.2, n_iter=3, statistic="variance"),
    "integrated_gradients": IntegratedGradientsMethod(n_iter=7, baseline=0.25),
    "occlusion": OcclusionMethod(window=(2, 3), stride=2, fill=0.5),
    "guided_ig": GuidedIGMethod(n_iter=6, fraction=0.5, max_dist=0.1, baseline=0.25),
    "blur_ig": BlurIGMethod(max_sigma=2, n_iter=5, grad_step=0.1, sqrt=True),
    "xrai": XRAIMethod(n_iter=3, algorithm="fast", min_pixel_diff=2),
    "rise": RISEMethod(n_masks=40, cells=(2, 3), p=0.4, shift=False, fill=0.5, seed=3),
    "sobol": SobolMethod(n_masks=4, cells=(2, 3), fill=0.5, seed=3),
    "hsic": HSICMethod(n_masks=20, cells=(2, 3), fill=0.5, seed=3),
    "extremal_perturbation": ExtremalPerturbationMethod(areas=(0.25, 0.5), n_iter=4, cells=(2, 3), sigma=1),
    "conditional": ConditionalMethod({"conv": [0, 2], "relu": 1}, EpsilonPlus()),
    "grad_cam": METHODS["grad_cam"](relu_attributions=False),
    "grad_cam_plus_plus": METHODS["grad_cam_plus_plus"](interpolate_mode="nearest"),
    "hires_cam": METHODS["hires_cam"]("relu", relu_attributions=False),
    "layer_cam": METHODS["layer_cam"]("conv"),
    "score_cam": METHODS["score_cam"]("relu", internal_batch_size=7),
    "ablation_cam": METHODS["ablation_cam"]("relu", relu_attributions=False),
    "guided_grad_cam": METHODS["guided_grad_cam"]("conv", "nearest"),
    "fast_cam": METHODS["fast_cam"](("conv", "relu")),
    "pattern_net": PatternNetMethod(7).fit(make_net(), [images()]),
    "pattern_attribution": PatternAttributionMethod(7, "linear").fit(make_net(), [images()]),
    "contrastive_lrp": ContrastiveLRPMethod(EpsilonPlus(), "others", signed=True),
    "contrastive_excitation_backprop": ContrastiveExcitationBackpropMethod(signed=True),
    "inspection": InspectionMethod(EpsilonPlus(), "stft", n_fft=4, window="rectangular"),
    "captum": CaptumMethod("IntegratedGradients", {"n_steps": 6, "baselines": 0.25}),
    "function": FunctionMethod(brightness),
}

WITH_LAYERS = [name for name, method in INSTANCES.items() if isinstance(method, CAMMethod | FastCAMMethod)]
"""Methods whose maps have the positions of a layer, which tables do not have."""

UNCHECKED = (*WITH_LAYERS, "inspection")
"""Methods whose attributor does not depend on the modality, or which refuse inputs without positions in other words."""

EVALUATIONS = ("score_cam", "ablation_cam", "guided_grad_cam", "rise", "sobol", "hsic")
"""Methods that evaluate the model more than once for a batch, but not more often for several targets."""

ATTRIBUTORS: dict[str, Callable[[nn.Module], Any]] = {
    "gradient": lambda model: Gradient(model, EpsilonPlus()),
    "input_times_gradient": InputTimesGradient,
    "smooth_grad": lambda model: SmoothGrad(model, EpsilonPlus(), noise_level=0.2, n_iter=3, statistic="variance"),
    "integrated_gradients": lambda model: IntegratedGradients(
        model, n_iter=7, baseline_fn=lambda x: torch.full_like(x, 0.25)
    ),
    "occlusion": lambda model: Occlusion(model, window=(2, 3), stride=2, fill_fn=lambda x: torch.full_like(x, 0.5)),
    "guided_ig": lambda model: GuidedIG(model, n_iter=6, fraction=0.5, max_dist=0.1, baseline_fn=fill(0.25)),
    "blur_ig": lambda model: BlurIG(model, max_sigma=2.0, n_iter=5, grad_step=0.1, sqrt=True),
    "xrai": lambda model: XRAI(model, n_iter=3, algorithm="fast", min_pixel_diff=2),
    "rise": lambda model: RISE(model, n_masks=40, cells=(2, 3), p=0.4, shift=False, seed=3, fill_fn=fill(0.5)),
    "sobol": lambda model: Sobol(model, n_masks=4, cells=(2, 3), seed=3, fill_fn=fill(0.5)),
    "hsic": lambda model: HSIC(model, n_masks=20, cells=(2, 3), seed=3, fill_fn=fill(0.5)),
    "extremal_perturbation": lambda model: ExtremalPerturbation(
        model, areas=(0.25, 0.5), n_iter=4, cells=(2, 3), sigma=1.0
    ),
    "conditional": lambda model: Conditional(model, EpsilonPlus(), {"conv": [0, 2], "relu": 1}),
    "grad_cam": lambda model: GradCAM(model, "relu", relu_attributions=False),
    "grad_cam_plus_plus": lambda model: GradCAMPlusPlus(model, "relu", interpolate_mode="nearest"),
    "hires_cam": lambda model: HiResCAM(model, relu_attributions=False),
    "layer_cam": lambda model: LayerCAM(model, "conv"),
    "score_cam": lambda model: ScoreCAM(model),
    "ablation_cam": lambda model: AblationCAM(model, relu_attributions=False),
    "guided_grad_cam": lambda model: GuidedGradCAM(model, "conv", interpolate_mode="nearest"),
    "fast_cam": lambda model: FastCAM(model, ["conv", "relu"]),
    "pattern_net": lambda model: PatternAttributor(model, fit_patterns(model, [images()]), signal=True),
    "pattern_attribution": lambda model: PatternAttributor(model, fit_patterns(model, [images()], estimator="linear")),
    "contrastive_lrp": lambda model: Contrastive(model, EpsilonPlus(), signed=True),
    "contrastive_excitation_backprop": lambda model: Contrastive(
        model, ExcitationBackprop(zero_params="bias"), against="opposite", unit=True, signed=True
    ),
    "inspection": lambda model: Gradient(model, EpsilonPlus()),
    "captum": lambda model: Captum(model, "IntegratedGradients", n_steps=6, baselines=0.25),
    "function": lambda model: lambda x, target: (model(x), x * target[:, None, None, None]),
}


def test_every_method_of_the_table_is_tested_under_its_name() -> None:
    assert set(INSTANCES) == {*METHODS, "function"}
    assert all(INSTANCES[name].name == name and isinstance(INSTANCES[name], kind) for name, kind in METHODS.items())


@pytest.mark.parametrize("name", INSTANCES)
def test_binding_gives_the_attributor_with_the_same_parameters(name: str, net: Net) -> None:
    target = torch.tensor([0, 3, 1])
    output, found = INSTANCES[name].bind(net)(images(), target)
    expected = ATTRIBUTORS[name](net)(images(), target)
    torch.testing.assert_close(output, net(images()))
    torch.testing.assert_close(found, expected[1].to(found))


@pytest.mark.parametrize("name", INSTANCES)
def test_a_method_is_a_frozen_value_that_can_be_sent_to_a_worker(name: str) -> None:
    method = INSTANCES[name]
    assert pickle.loads(pickle.dumps(method)) == method == replace(method)
    if fields(method):
        with pytest.raises(FrozenInstanceError):
            setattr(method, fields(method)[0].name, None)


@pytest.mark.parametrize("name", METHODS)
def test_its_stored_form_is_json_and_gives_it_back(name: str) -> None:
    method = INSTANCES[name]
    if isinstance(method, FittedMethod):  # its statistics are in a file of the run, and their digest is stored
        assert method.is_fitted
        method = replace(method, **{"patterns": method.digest})
    form = json.loads(json.dumps(method.to_dict()))
    assert form["name"] == name
    assert method_from_dict(form, "runs/x") == method
    assert method_from_dict(form, "runs/x").to_dict() == method.to_dict()


# Declared capabilities


@pytest.mark.parametrize("name", INSTANCES)
def test_several_targets_share_the_forward_passes_where_it_is_declared(name: str, net: Net) -> None:
    passes: list[int] = []
    net.register_forward_hook(lambda *_: passes.append(1))
    attribute: Any = INSTANCES[name].bind(net)
    if not INSTANCES[name].several_targets:
        with pytest.raises((TypeError, InputError)):
            attribute(images(), targets=[0, 1])
        return
    alone = attribute(images(), 1)[1]
    torch.testing.assert_close(attribute(images(), targets=[0, 1])[1][1], alone)
    attribute(images(), targets=[0])  # finds what depends on the model only, as the layer of a class activation map
    counts = []
    for targets in ([0], [0, 1]):
        passes.clear()
        maps = attribute(images(), targets=targets)[1]
        counts.append(len(passes))
    assert maps.shape in [(2, 3, channels, 4, 6) for channels in (1, 2)]
    assert counts[0] == counts[1]
    assert counts[0] == 1 or name in EVALUATIONS


@pytest.mark.parametrize("name", [name for name, method in INSTANCES.items() if method.records_layers])
def test_layers_are_recorded_and_losses_accounted_where_it_is_declared(name: str, net: Net) -> None:
    attribute: Any = INSTANCES[name].bind(net)
    with attribute.record("conv") as record, attribute.ledger() as ledger:
        attribute(images(), 1)
    assert record["conv"].relevance.shape == (3, 3, 4, 6)
    assert ledger.rows
    assert INSTANCES[name].has_ledger


class Rounded(Net):
    """Its output carries no gradient."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).round(decimals=3).detach()


@pytest.mark.parametrize("name", [name for name in METHODS if name != "captum"])
def test_a_model_without_gradients_is_explained_exactly_where_it_is_declared(name: str) -> None:
    torch.manual_seed(0)
    attribute = INSTANCES[name].bind(Rounded().double().eval())
    if INSTANCES[name].needs_gradients:
        with pytest.raises((WhysetError, RuntimeError)):
            attribute(images(), 1)
    else:
        assert attribute(images(), 1)[1].abs().sum() > 0


class Texts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.head = nn.Embedding(9, 4), nn.ReLU(), nn.Linear(4, 4)

    def forward(self, ids: Tensor) -> Tensor:
        scores: Tensor = self.head(self.relu(self.conv(ids)).mean(1))
        return scores


@pytest.mark.parametrize("name", [name for name in INSTANCES if name not in WITH_LAYERS])
def test_other_methods_have_nothing_to_resolve(name: str, net: Net) -> None:
    assert INSTANCES[name].resolve(net, images()) == INSTANCES[name]


@pytest.mark.parametrize("name", WITH_LAYERS)
def test_the_layer_that_is_used_can_be_stored(name: str, net: Net) -> None:
    method: Any = METHODS[name]()
    found = method.resolve(net, images())
    assert found.resolve(net, images()) == found
    assert json.loads(json.dumps(found.to_dict())) == json.loads(json.dumps(METHODS[name]("relu").to_dict()))
    assert found.describe().endswith(" at relu")
    torch.testing.assert_close(found.bind(net)(images(), 1)[1], method.bind(net)(images(), 1)[1])


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("captum", "conditional")])
def test_texts_are_explained_exactly_where_it_is_declared(name: str) -> None:
    torch.manual_seed(0)
    method = OcclusionMethod() if name == "occlusion" else INSTANCES[name]
    attribute, ids = method.bind(Texts().double().eval()), torch.arange(6).view(2, 3)
    assert set(method.modalities) & set(FLOATING)
    if "text" in method.modalities:
        assert attribute(ids, 1)[1].shape[:2] == (2, 3)
    else:
        with pytest.raises(InputError, match=r"floating point|no module named"):
            method.bind(Texts().double().eval())(ids, 1)


@pytest.mark.parametrize(
    "name",
    [name for name, one in INSTANCES.items() if not set(FLOATING) <= {*one.modalities} and name not in UNCHECKED],
)
def test_inputs_without_neighbors_are_refused_where_it_is_declared(name: str) -> None:
    shapes = {"table": (3, 5), "series": (3, 2, 5)}
    for modality in {*shapes} - {*INSTANCES[name].modalities}:
        with pytest.raises(InputError, match="expects"):
            INSTANCES[name].bind(nn.Flatten())(torch.rand(shapes[modality]), 1)


@pytest.mark.parametrize("name", INSTANCES)
def test_seeds_are_taken_where_it_is_declared(name: str, net: Net) -> None:
    attribute: Any = INSTANCES[name].bind(net)
    if not INSTANCES[name].takes_seeds:
        with pytest.raises(TypeError):
            attribute(images(), torch.tensor([1, 1, 1]), seeds=[1, 2, 3])
        return
    one, other = (attribute(images(), 1, seeds=seeds)[1] for seeds in ([1, 2, 3], [1, 2, 4]))
    assert torch.equal(one[:2], other[:2])
    assert not torch.equal(one[2], other[2])


def test_only_relevance_by_rules_sums_to_the_output() -> None:
    assert [name for name, method in INSTANCES.items() if method.conserving] == ["gradient"]
    assert not GradientMethod().conserving


# Texts and mistakes


@pytest.mark.parametrize(
    ("method", "text"),
    [
        (GradientMethod(), "gradient"),
        (GradientMethod(EpsilonPlus()), "EpsilonPlus"),
        (METHODS["input_times_gradient"](), "input times gradient"),
        (SmoothGradMethod(n_iter=1), "SmoothGrad, 1 noisy copy, noise level 0.1"),
        (SmoothGradMethod("epsilon_plus", n_iter=2, statistic="square"),
         "SquareGrad of epsilon_plus, 2 noisy copies, noise level 0.1"),
        (IntegratedGradientsMethod(32), "integrated gradients, 32 steps"),
        (IntegratedGradientsMethod(1, -0.5), "integrated gradients, 1 step, baseline -0.5"),
        (OcclusionMethod(), "occlusion"),
        (OcclusionMethod((4, 8), fill=1.0), "occlusion, window (4, 8), fill 1.0"),
        (GuidedIGMethod(1, max_dist=1.0), "guided IG, 1 step, max_dist 1.0"),
        (BlurIGMethod(), "blur IG, 100 steps"),
        (XRAIMethod(algorithm="fast"), "XRAI, 100 steps, algorithm fast"),
        (RISEMethod(1, 4, seed=2), "RISE, 1 mask, cells 4, seed 2"),
        (SobolMethod(), "Sobol indices, 32 masks"),
        (HSICMethod(fill=-1), "HSIC, 1500 masks, fill -1.0"),
        (ExtremalPerturbationMethod(), "extremal perturbation, 100 steps"),
        (ConditionalMethod({"conv": 3}), "auto through conv: 3"),
        (METHODS["grad_cam"](), "Grad-CAM at the last layer with positions"),
        (METHODS["ablation_cam"]("conv", "nearest", False),
         "Ablation-CAM at conv, interpolated by nearest, with negative values"),
        (FastCAMMethod(), "FastCAM (the same for all classes) at the last layer of each resolution"),
        (FastCAMMethod(["conv", "relu"], "nearest"),
         "FastCAM (the same for all classes) at conv, relu, interpolated by nearest"),
        (PatternNetMethod(), "PatternNet, active estimator, fitted on up to 1,000 samples"),
        (PatternAttributionMethod(9, "linear"), "PatternAttribution, linear estimator, fitted on up to 9 samples"),
        (ContrastiveLRPMethod("auto", signed=True), "contrastive auto against all other classes, signed"),
        (ContrastiveLRPMethod(against="softmax"), "contrastive excitation_backprop against the softmax"),
        (ContrastiveExcitationBackpropMethod(), "contrastive excitation backprop"),
        (InspectionMethod(), "auto, and by frequency (DFT)"),
        (InspectionMethod("attn_lrp", "stft", 8, 2),
         "attn_lrp, and by frequency and time (STFT, hann windows of 8 positions every 2)"),
        (CaptumMethod("LayerGradCam", layer="conv"), "LayerGradCam of captum at conv"),
        (CaptumMethod("KernelShap", {"n_samples": 9}, patch=4), "KernelShap of captum, n_samples 9, patches of 4"),
    ],
)  # fmt: skip
def test_it_is_described_with_its_parameters(method: Method, text: str) -> None:
    assert method.describe() == text


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "an unknown name": (
        lambda: as_method("integrated_gradient"),
        r"did you mean integrated_gradients\?.*names are gradient",
    ),
    "a class": (lambda: as_method(OcclusionMethod), r"got the class OcclusionMethod: pass OcclusionMethod\(...\)"),
    "a name that needs more": (lambda: as_method("captum"), r"needs method: pass CaptumMethod\(method=\.\.\.\)"),
    "a number": (lambda: as_method(3), "expected a method, a name or a function"),
    "an attributor": (lambda: as_method(Gradient(Net())), "bound to a model"),
    "a model": (lambda: as_method(Net()), "bound to a model"),
    "another class": (lambda: as_method(Net), "expected a method, a name or a function"),
    "no steps": (lambda: IntegratedGradientsMethod(0), "expected at least 1"),
    "a text as steps": (lambda: IntegratedGradientsMethod("many"), "expected a whole number"),
    "negative noise": (lambda: SmoothGradMethod(noise_level=-1.0), "expected at least 0"),
    "a statistic": (lambda: SmoothGradMethod(statistic="median"), "expected one of 'mean', 'square', 'variance'"),
    "rules of SmoothGrad": (lambda: SmoothGradMethod("epsilon"), "unknown composite 'epsilon'"),
    "a class of rules": (lambda: GradientMethod(EpsilonPlus), "got the class EpsilonPlus"),
    "rules that are a number": (lambda: GradientMethod(7), "expected"),
    "an infinite baseline": (lambda: IntegratedGradientsMethod(3, float("inf")), "expected a finite number"),
    "noise of NaN": (lambda: SmoothGradMethod(noise_level=float("nan")), "expected a finite number"),
    "an infinite argument of captum": (lambda: CaptumMethod("DeepLift", {"baselines": float("-inf")}), "finite number"),
    "no masks": (lambda: RISEMethod(0), "n_masks is 0"),
    "a certain mask": (lambda: RISEMethod(p=1), "expected a probability"),
    "masks that are not a power": (lambda: SobolMethod(33), "expected a power of 2"),
    "cells that are a text": (lambda: HSICMethod(cells="4"), "expected a whole number"),
    "a whole area": (lambda: ExtremalPerturbationMethod((0.5, 1.0)), "expected numbers between 0 and 1"),
    "areas that are a text": (lambda: ExtremalPerturbationMethod("half"), "expected a number, or several"),
    "an algorithm of XRAI": (lambda: XRAIMethod(algorithm="slow"), "expected"),
    "a negative blur": (lambda: BlurIGMethod(max_sigma=-1.0), "expected positive numbers"),
    "a window of zero": (lambda: OcclusionMethod(window=0), "expected positive numbers"),
    "a window that is a text": (lambda: OcclusionMethod(window="4"), "expected a whole number"),
    "no input at once": (lambda: METHODS["score_cam"](internal_batch_size=0), "expected a whole number of at least 1"),
    "an unknown mode": (lambda: METHODS["grad_cam"](interpolate_mode="bilinear"), "expected 'linear' or 'nearest'"),
    "a layer that is a number": (lambda: METHODS["grad_cam"](4), "expected a text or None"),
    "a text in place of a switch": (lambda: METHODS["grad_cam"](relu_attributions="no"), "expected True or False"),
    "layers that are numbers": (lambda: FastCAMMethod((1, 2)), "expected names of layers"),
    "no layers": (lambda: FastCAMMethod(()), "expected names of layers"),
    "patterns on no samples": (lambda: PatternNetMethod(0), "expected a whole number of at least 1"),
    "an unknown estimator": (
        lambda: PatternNetMethod(estimator="mean"),
        "expected one of 'active', 'two_component', 'linear'",
    ),
    "patterns of another estimator": (
        lambda: replace(INSTANCES["pattern_net"], **{"estimator": "linear"}),
        "pass estimator='active'",
    ),
    "patterns that are numbers": (lambda: PatternNetMethod(patterns=3), "those that fit_patterns returns, got int"),
    "a method that is not fitted": (lambda: PatternNetMethod().bind(Net()), "fit them by method.fit"),
    "an unknown dual": (
        lambda: ContrastiveLRPMethod(against="rest"),
        "expected one of 'others', 'opposite', 'softmax'",
    ),
    "a contrast of a gradient": (lambda: ContrastiveLRPMethod("gradient"), "a contrast is one of relevance"),
    "a contrast of a changed gradient": (
        lambda: ContrastiveLRPMethod(GuidedBackprop()),
        "a contrast is one of relevance",
    ),
    "frequencies of a gradient": (lambda: InspectionMethod("gradient"), "is that of rules"),
    "an unknown transform": (lambda: InspectionMethod(transform="wavelet"), "expected 'dft' or 'stft'"),
    "frames with gaps": (lambda: InspectionMethod(transform="stft", n_fft=8, hop_length=9), "do not cover"),
    "several conditions": (lambda: ConditionalMethod([{"conv": 1}]), "one explanation for each sample and target"),
    "no condition": (lambda: ConditionalMethod({}), "expected one mapping of layers to channels"),
    "channels that are texts": (lambda: ConditionalMethod({"conv": ["a"]}), "expected a condition such as"),
    "conditions on a gradient": (lambda: ConditionalMethod({"conv": 1}, None), "conditions act on relevance"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_an_error_when_the_method_is_made(case: str) -> None:
    make, message = MISTAKES[case]
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"name": "os.system", "fields": {}}, "unknown method 'os.system'"),
        ({"name": "occlusion", "fields": {"area": 3}}, "unexpected keyword argument 'area'"),
        ({"name": "occlusion"}, "cannot be rebuilt"),
        ({"name": "integrated_gradients", "fields": {"n_iter": -4}}, "expected at least 1"),
        ({"name": "smooth_grad", "fields": {"composite": {"name": "Popen", "fields": {}}}}, "Popen is not a composite"),
        ({"name": "captum", "fields": {"method": "Popen"}}, "no attribution method 'Popen'"),
        ({"name": "occlusion", "fields": {"window": 3}}, "not stored whole"),
        (["occlusion"], "cannot be rebuilt"),
    ],
)
def test_a_stored_form_that_was_edited_is_refused(form: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        method_from_dict(form, "runs/x")


def test_numbers_of_numpy_are_stored_as_numbers() -> None:
    method = IntegratedGradientsMethod(np.int64(3), torch.tensor(1))
    assert json.dumps(method.to_dict()["fields"]) == '{"n_iter": 3, "baseline": 1.0}'
    assert json.dumps(OcclusionMethod(np.int32(3)).to_dict()["fields"]["window"]) == "3"
    assert json.dumps(ExtremalPerturbationMethod(np.float32(0.5)).to_dict()["fields"]["areas"]) == "0.5"
    assert json.dumps(ExtremalPerturbationMethod([np.float32(0.5)]).to_dict()["fields"]["areas"]) == "[0.5]"
    form = CaptumMethod("DeepLift", {"baselines": np.zeros((1, 2, 1, 1))}).to_dict()
    assert form["fields"]["arguments"] == {"baselines": [[[[0.0]], [[0.0]]]]}
