"""Batch norm merges into the layer in front of it, on the fly: exactly what a hand-merged layer gives."""

import pytest
import torch
from torch import nn

from whyset.attribution import Gradient, OutputWeights
from whyset.attribution.composites import COMPOSITES, EpsilonGammaBox, EpsilonPlusFlat
from whyset.attribution.intercept.layers import WeightCache


def random_statistics(norm):
    norm.running_mean.normal_(0, 0.3)
    norm.running_var.uniform_(0.5, 2)
    nn.init.normal_(norm.weight)  # negative gains swap W⁺ and W⁻
    nn.init.normal_(norm.bias)
    return norm


def merge(layer, norm, out_dim):
    merged = type(layer)(*_arguments(layer)).double()
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    shape = [1] * layer.weight.dim()
    shape[out_dim] = -1
    merged.weight.data = layer.weight.data * scale.data.view(shape)
    merged.bias.data = (layer.bias - norm.running_mean).data * scale.data + norm.bias.data
    return merged


def _arguments(layer):
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    return layer.in_channels, layer.out_channels, layer.kernel_size


CASES = {
    "linear": (lambda: nn.Linear(6, 4), nn.BatchNorm1d, (6,), 0),
    "conv2d": (lambda: nn.Conv2d(3, 4, (3, 2)), nn.BatchNorm2d, (3, 6, 5), 0),
    "conv_transpose1d": (lambda: nn.ConvTranspose1d(3, 4, (3,)), nn.BatchNorm1d, (3, 5), 1),
}


@pytest.mark.parametrize("composite_name", sorted(COMPOSITES))
@pytest.mark.parametrize("case", CASES)
def test_merging_on_the_fly_is_merging_by_hand(case, composite_name):
    torch.manual_seed(0)
    build, norm_class, shape, out_dim = CASES[case]
    layer = build().double()
    norm = random_statistics(norm_class(4)).double().eval()
    state = {name: value.clone() for name, value in norm.state_dict().items()}
    x = torch.randn(3, *shape).double()
    kind = COMPOSITES[composite_name]
    composite = kind(-3.0, 3.0) if composite_name.endswith("_box") else kind()
    with torch.no_grad():
        c = torch.randn_like(layer(x))
    fused = Gradient(nn.Sequential(layer, norm).eval(), composite)(x, OutputWeights(c))
    by_hand = Gradient(merge(layer, norm, out_dim), composite)(x, OutputWeights(c))
    torch.testing.assert_close(fused, by_hand, rtol=1e-9, atol=1e-11)
    assert all(torch.equal(value, state[name]) for name, value in norm.state_dict().items())


def test_the_same_layer_before_two_norms():
    torch.manual_seed(0)

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.a, self.b = (
                nn.Conv1d(2, 4, 3),
                random_statistics(nn.BatchNorm1d(4)),
                random_statistics(nn.BatchNorm1d(4)),
            )

        def forward(self, x):
            h = self.layer(x)
            return (self.a(h) + 2 * self.b(h)).sum(2)

    model, x = Two().double().eval(), torch.randn(2, 2, 6).double()
    composite = COMPOSITES["epsilon_plus"]()
    with Gradient(model, composite) as attribute:  # one cache for both merged weights
        _, both = attribute(x, 0)
        _, again = attribute(x, 0)
    parts = [Gradient(merge(model.layer, norm, 0), composite)(x, _first_channel)[1] for norm in (model.a, model.b)]
    torch.testing.assert_close(both, parts[0] + 2 * parts[1], rtol=1e-9, atol=1e-11)
    assert torch.equal(both, again)


def _first_channel(out):
    """Relevance that starts as the outputs of the first channel."""
    relevance = torch.zeros_like(out)
    relevance[:, 0] = out[:, 0]
    return relevance


@pytest.mark.parametrize("trained", [True, False], ids=["with gradients", "without"])
def test_derived_weights_are_made_once_per_context(trained, monkeypatch):
    made = []
    derive = WeightCache.derive

    def counting(self, name, sources, compute):
        return derive(self, name, sources, lambda: (made.append(name), compute())[1])

    monkeypatch.setattr(WeightCache, "derive", counting)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(2, 4, 3), random_statistics(nn.BatchNorm1d(4)), nn.ReLU(), nn.Conv1d(4, 3, 3))
    model.double().eval().requires_grad_(trained)
    with Gradient(model, COMPOSITES["epsilon_alpha2_beta1_flat"]()) as attribute:
        for _ in range(3):
            attribute(torch.randn(2, 2, 8).double(), lambda output: output)
        assert len(made) == len(set(made)) == 2  # W⁺ and W⁻ of the second layer; Flat needs no weights
    attribute(torch.randn(2, 2, 8).double(), lambda output: output)
    assert len(made) == 4  # without a context they are made for each call


def test_weights_changed_between_calls_are_not_read_from_the_cache():
    layer = nn.Conv1d(1, 2, 2).double()
    x = torch.randn(1, 1, 5).double()
    with torch.no_grad():
        c = torch.ones_like(layer(x))
    with Gradient(layer, COMPOSITES["epsilon_plus"]()) as attribute:
        _, before = attribute(x, OutputWeights(c))
        with torch.no_grad():
            layer.weight.neg_()
        _, after = attribute(x, OutputWeights(c))
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, Gradient(layer, COMPOSITES["epsilon_plus"]())(x, OutputWeights(c))[1])


def test_parameters_given_other_memory_between_calls_are_not_read_from_the_cache():
    layer, composite = nn.Conv1d(1, 2, 2).double(), COMPOSITES["epsilon_plus"]()
    x = torch.rand(1, 1, 5).double()
    with Gradient(layer, composite) as attribute:
        attribute(x, lambda output: output)
        layer.weight.data = -layer.weight.data  # as module.to(...) does it: no version counter moves
        _, after = attribute(x, lambda output: output)
    torch.testing.assert_close(after, Gradient(layer, composite)(x, lambda output: output)[1])


def test_weights_made_anew_in_every_call_do_not_pile_up():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv1d(1, 2, 2)), nn.ReLU(), nn.Conv1d(2, 1, 2))
    model = model.eval().requires_grad_(False)
    with Gradient(model, COMPOSITES["epsilon_plus"]()) as attribute:
        for _ in range(3):
            attribute(torch.rand(1, 1, 5), lambda output: output)
        assert len(attribute._cache.entries) == 1  # that of the second convolution


@pytest.mark.parametrize("composite", [EpsilonPlusFlat(), EpsilonGammaBox(low=-3.0, high=3.0)], ids=["flat", "box"])
@pytest.mark.parametrize("batch", [1, 2])
def test_a_batch_norm_of_the_input_passes_on_relevance_that_its_rule_states_at_the_input(composite, batch):
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(3).double()
    rest = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 5)).double().eval()
    x = torch.randn(batch, 3, 6, 5, dtype=torch.float64)
    norm(torch.randn(8, 3, 6, 5, dtype=torch.float64) * 2 + 1)
    _, relevance = Gradient(nn.Sequential(norm.eval(), *rest), composite)(x, 0)
    _, expected = Gradient(rest, composite)(norm(x).detach(), 0)
    torch.testing.assert_close(relevance, expected, rtol=1e-10, atol=1e-12)
