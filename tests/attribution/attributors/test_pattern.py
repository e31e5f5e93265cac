"""Patterns and what they explain: closed forms in NumPy, the toy example of the paper, and equivalent programs."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.attributors.pattern import PatternAttributor, fit_patterns
from whyset.attribution.composites.pattern import PatternAttribution, PatternNet
from whyset.attribution.patterns import ESTIMATORS, Patterns
from whyset.errors import InputError


def dense_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)).double().eval()


def data(*shape, count=4):
    generator = torch.Generator().manual_seed(1)
    mixing = torch.randn(shape[-1], shape[-1], generator=generator, dtype=torch.float64)
    return [torch.randn(20 + i, *shape, generator=generator, dtype=torch.float64) @ mixing + 0.3 for i in range(count)]


def pattern_of(x, w, b, estimator):
    """Equations 4 and 8 of the paper, neuron by neuron, for rows x (samples, inputs)."""
    found = np.zeros_like(w)
    for i, (row, shift) in enumerate(zip(w, b, strict=True)):
        y = x @ row
        if estimator == "linear":
            found[i] = np.cov(x.T, y)[-1, :-1] / np.var(y, ddof=1)
            continue
        active = y + shift > 0
        mean = y[active].mean() if estimator == "active" else y.mean()
        numerator = (x[active] * y[active, None]).mean(0) - x[active].mean(0) * mean
        found[i] = numerator / (row @ numerator)
    return found


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("signal", [False, True])
def test_a_dense_net_is_explained_as_numpy_does(estimator, signal):
    model, batches = dense_net(), data(6)
    x = torch.cat(batches).numpy()
    (w1, b1), (w2, b2) = (
        (layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in (model[0], model[2])
    )
    hidden = x @ w1.T + b1
    a1, a2 = pattern_of(x, w1, b1, estimator), pattern_of(np.maximum(hidden, 0), w2, b2, "linear")
    patterns = fit_patterns(model, batches, estimator=estimator)
    for index, expected in zip(sorted(patterns.by_index), (a1, a2), strict=True):
        np.testing.assert_allclose(patterns.by_index[index].weight.numpy(), expected, rtol=1e-10, atol=1e-12)
    v1, v2 = (a1, a2) if signal else (w1 * a1, w2 * a2)
    output = np.maximum(hidden, 0) @ w2.T + b2
    start = np.zeros_like(output)
    start[:, 1] = output[:, 1]
    expected = ((start @ v2) * (hidden > 0)) @ v1
    got = PatternAttributor(model, patterns, signal=signal)(torch.from_numpy(x), 1)
    np.testing.assert_allclose(got[0].numpy(), output, rtol=1e-12)
    np.testing.assert_allclose(got[1].numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_toy_example_of_the_paper_gives_the_signal_and_not_the_filter(estimator):
    """x = y (1, 0) + ε (1, 1): the only filter that reads y is (1, −1), and the signal is in the direction (1, 0)."""
    model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.ReLU()).double()
    model[0].weight.data[:] = torch.tensor([[1.0, -1.0]])
    generator = torch.Generator().manual_seed(0)
    y, noise = torch.randn(2, 500, 1, generator=generator, dtype=torch.float64)
    noise -= y * (noise * y).mean() / (y * y).mean()
    if estimator != "linear":  # noise without correlation in the regime of active neurons, as in the model of the data
        y, noise = torch.cat([y, y]), torch.cat([noise, -noise])
    y, noise = y - y.mean(), noise - noise.mean()
    noise -= y * (noise * y).mean() / (y * y).mean()
    x = y * torch.tensor([1.0, 0.0]).double() + noise
    patterns = fit_patterns(model, x.split(77), estimator=estimator)
    np.testing.assert_allclose(next(iter(patterns.by_index.values())).weight.numpy(), [[1, 0]], atol=1e-12)
    expected = y.clamp(min=0) * torch.tensor([1.0, 0.0]).double()
    for is_signal in (True, False):
        _, found = PatternAttributor(model, patterns, signal=is_signal)(x, 0)
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


CONVOLUTIONS = {
    "plain": nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0)),
    "groups": nn.Conv2d(4, 6, 3, groups=2, dilation=2, padding=2),
    "no bias": nn.Conv2d(3, 3, 3, groups=3, bias=False),
}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_has_the_patterns_of_its_patches(name, estimator):
    torch.manual_seed(3)
    layer = CONVOLUTIONS[name].double()
    nn.init.normal_(layer.weight)
    x = torch.randn(5, layer.in_channels, 6, 7, dtype=torch.float64) + 0.2
    patches = F.unfold(x, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
    patches = patches.unflatten(1, (layer.groups, -1)).permute(1, 0, 3, 2).flatten(1, 2).numpy()
    weights = layer.weight.detach().flatten(1).numpy()
    biases = np.zeros(len(weights)) if layer.bias is None else layer.bias.detach().numpy()
    each = len(weights) // layer.groups
    expected = np.concatenate(
        [
            pattern_of(patches[g], weights[g * each : (g + 1) * each], biases[g * each : (g + 1) * each], estimator)
            for g in range(layer.groups)
        ]
    )
    model = nn.Sequential(layer, nn.ReLU())
    (pattern,) = fit_patterns(model, [x[:2], x[2:]], estimator=estimator).by_index.values()
    np.testing.assert_allclose(pattern.weight.flatten(1).numpy(), expected, rtol=1e-9, atol=1e-11)


class Functional(nn.Module):
    """The program of `modules` with functions in place of modules."""

    def __init__(self, modules):
        super().__init__()
        self.conv, self.norm, self.head = modules[0], modules[1], modules[4]

    def forward(self, x):
        y = F.conv2d(x, self.conv.weight, self.conv.bias, padding=1)
        y = F.batch_norm(y, self.norm.running_mean, self.norm.running_var, self.norm.weight, self.norm.bias)
        return F.linear(F.relu_(y).flatten(1), self.head.weight, self.head.bias)


def conv_net():
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4)
    nn.init.uniform_(norm.running_mean)
    nn.init.uniform_(norm.running_var, 0.5, 2)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), norm, nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4 * 30, 3)
    )
    return model.double().eval()


def merge(model):
    merged = nn.utils.fusion.fuse_conv_bn_eval(model[0], model[1])
    return nn.Sequential(merged, nn.ReLU(), nn.Flatten(), model[4]).eval()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("program", [Functional, merge], ids=["functions", "merged batch norm"])
def test_equivalent_programs_have_the_same_explanation(program, estimator):
    model, batches = conv_net(), data(2, 5, 6)
    x = batches[0][:1]
    explanations = [
        PatternAttributor(one, fit_patterns(one, batches, estimator=estimator))(x, 2)[1]
        for one in (model, program(model))
    ]
    torch.testing.assert_close(*explanations, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_weight_times_pattern_is_one_for_every_neuron(estimator):
    model = conv_net()
    for pattern in fit_patterns(model, data(2, 5, 6), estimator=estimator).by_index.values():
        weight = merge(model)[0].weight if pattern.operation == "conv2d" else model[4].weight
        products = (weight * pattern.weight).flatten(1).sum(1)
        torch.testing.assert_close(products, torch.ones_like(products), rtol=1e-9, atol=0)


def test_all_estimators_agree_where_every_neuron_is_active():
    model = dense_net()[:2]
    model[0].bias.data += 1000
    found = [next(iter(fit_patterns(model, data(6), estimator=one).by_index.values())).weight for one in ESTIMATORS]
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=1e-9, atol=1e-12)


def test_neurons_that_never_vary_have_no_pattern():
    model = dense_net()
    model[0].bias.data[2] = -1000  # never active
    model[0].weight.data[3] = 0  # constant
    (first, second) = fit_patterns(model, data(6)).by_index.values()
    assert not first.weight[2:4].any()
    assert first.weight[[0, 1, 4]].all()
    assert second.weight.isfinite().all()


def test_batches_may_be_cut_anywhere_and_constants_explain_nothing():
    model, batches = dense_net(), data(6)
    together = fit_patterns(model, [torch.cat(batches)])
    one_by_one = fit_patterns(model, torch.cat(batches).split(1))
    for a, b in zip(together.by_index.values(), one_by_one.by_index.values(), strict=True):
        torch.testing.assert_close(a.weight, b.weight, rtol=1e-9, atol=1e-12)
    (first, *_) = fit_patterns(model, [torch.full((9, 6), 0.1, dtype=torch.float64)]).by_index.values()
    assert not first.weight.any()


class Both(nn.Module):
    """The output of a layer is used with and without its ReLU, in one order or the other."""

    def __init__(self, relu_first):
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.relu_first = nn.Linear(6, 4), relu_first

    def forward(self, x):
        y = self.layer(x)
        return y.relu() + y if self.relu_first else y + y.relu()


@pytest.mark.parametrize("relu_first", [False, True])
def test_an_output_that_is_used_with_and_without_its_relu_counts_with_it(relu_first):
    x = torch.cat(data(6))
    model = Both(relu_first).double().eval()
    (pattern,) = fit_patterns(model, x.split(30)).by_index.values()
    expected = pattern_of(x.numpy(), *(p.detach().numpy() for p in model.layer.parameters()), "active")
    np.testing.assert_allclose(pattern.weight.numpy(), expected, rtol=1e-10, atol=1e-12)


def test_the_last_layer_has_no_regime_of_active_neurons():
    """A class whose logit is never positive has a pattern, too."""
    model = dense_net()
    model[2].bias.data[1] = -1000
    x = data(6)[0]
    attribution = PatternAttributor(model, fit_patterns(model, data(6)))(x, 1)[1]
    assert attribution.any()
    last = [list(fit_patterns(model, data(6), estimator=one).by_index.values())[1].weight for one in ESTIMATORS]
    for other in last[1:]:
        torch.testing.assert_close(other, last[0], rtol=1e-9, atol=1e-12)


class Twice(nn.Module):
    """One layer is used twice, and the first use has another input."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(6, 6)

    def forward(self, x):
        return self.layer(self.layer(x).relu())


def test_each_use_of_a_layer_has_its_own_pattern():
    model = Twice().double().eval()
    first, second = fit_patterns(model, data(6)).by_index.values()
    assert (first.path, second.path) == ("layer", "layer")
    assert not torch.allclose(first.weight, second.weight)


def test_patterns_of_single_precision_are_close_and_keep_the_type():
    model, batches = conv_net(), data(2, 5, 6)
    exact = fit_patterns(model, batches)
    rounded = fit_patterns(model.float(), [batch.float() for batch in batches])
    for a, b in zip(exact.by_index.values(), rounded.by_index.values(), strict=True):
        assert b.weight.dtype == torch.float32
        torch.testing.assert_close(a.weight.float(), b.weight, rtol=1e-3, atol=1e-4)


def test_several_targets_and_relevance_at_the_output():
    model = dense_net()
    attribute, x = PatternAttributor(model, fit_patterns(model, data(6))), data(6)[0]
    output, both = attribute(x, targets=[0, 2])
    torch.testing.assert_close(both, torch.stack([attribute(x, 0)[1], attribute(x, 2)[1]]))
    start = torch.zeros_like(output)
    start[:, 2] = output[:, 2]
    torch.testing.assert_close(attribute(x, start)[1], both[1])


def test_the_composite_explains_a_unit_of_output():
    model = dense_net()
    patterns, x = fit_patterns(model, data(6)), data(6)[0]
    for composite, signal in ((PatternNet(patterns), True), (PatternAttribution(patterns), False)):
        output, started = PatternAttributor(model, patterns, signal=signal)(x, 1)
        torch.testing.assert_close(Gradient(model, composite)(x, 1)[1] * output[:, 1:2], started)


def test_the_plan_names_the_operations_with_patterns():
    model, batches = conv_net(), data(2, 5, 6)
    plan = PatternNet(fit_patterns(model, batches)).plan(model, batches[0])
    assert [repr(step.rule) for step in plan.steps if step.rule] == 2 * ["PatternRule(weighted=False)"]


def test_patterns_are_written_and_read():
    patterns = fit_patterns(conv_net(), data(2, 5, 6))
    again = Patterns.from_bytes(patterns.to_bytes(), "x.npz")
    assert again == patterns
    assert hash(again) == hash(patterns)
    assert again.to_bytes() == patterns.to_bytes()
    assert again != fit_patterns(conv_net(), data(2, 5, 6), estimator="linear")
    for damaged in (b"", patterns.to_bytes()[:200]):
        with pytest.raises(InputError, match=r"x.npz: expected patterns"):
            Patterns.from_bytes(damaged, "x.npz")


class Changing(nn.Module):
    """Runs another layer for an input of another length."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(6, 3), nn.Linear(6, 3)

    def forward(self, x):
        return (self.one if len(x) > 5 else self.other)(x)


MISTAKES = {
    "no data": (lambda: fit_patterns(dense_net(), []), "at least one batch"),
    "an estimator": (lambda: fit_patterns(dense_net(), data(6), estimator="mean"), "expected one of 'active'"),
    "ids": (lambda: fit_patterns(dense_net(), [torch.arange(6)[None]]), "floating point"),
    "a transposed convolution": (
        lambda: fit_patterns(nn.ConvTranspose1d(2, 3, 2), [torch.rand(1, 2, 4)]),
        "not for transposed ones",
    ),
    "a model that changes": (
        lambda: fit_patterns(Changing(), [torch.rand(3, 6), torch.rand(9, 6)]),
        "runs the same operations",
    ),
    "patterns that are something else": (lambda: PatternNet("patterns"), "expected patterns, which fit_patterns"),
    "patterns of another model": (
        lambda: PatternAttributor(conv_net(), fit_patterns(dense_net(), data(6)))(data(2, 5, 6)[0], 0),
        "fit them for this model",
    ),
    "patterns of another width": (
        lambda: PatternAttributor(nn.Linear(5, 2), fit_patterns(nn.Linear(4, 2), [torch.rand(9, 4)]))(
            torch.rand(2, 5), 0
        ),
        "does not fit a weight of shape",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_an_error_that_names_the_remedy(case):
    act, message = MISTAKES[case]
    with pytest.raises(InputError, match=message):
        act()
