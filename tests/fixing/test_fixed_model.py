"""Fixed models: closed forms, the original unchanged, files, and explanations that are complete."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import whyset as ws
from whyset.attribution import Gradient
from whyset.attribution.composites import COMPOSITES
from whyset.attribution.ledger import Cause
from whyset.errors import InputError
from whyset.fixing.channel_suppression import ChannelSuppression
from whyset.fixing.fixed_model import LAYER_CHANGES, FixedModel, load_fix
from whyset.fixing.layer_change import ConceptDetector
from whyset.fixing.projection import Projection, make_projection
from whyset.fixing.restoration import Restoration

CHANNELS = 6


def make_net() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, CHANNELS, 3), nn.BatchNorm2d(CHANNELS), nn.ReLU(), nn.Conv2d(CHANNELS, 8, 3), nn.ReLU()]
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    net[-1].weight.data *= 9
    return net.double().eval().requires_grad_(False)


def make_detector(threshold: float = 1.0) -> ConceptDetector:
    torch.manual_seed(1)
    vector, center = torch.randn(2, CHANNELS).double()
    return ConceptDetector(vector, center, torch.tensor(1.0).double(), torch.tensor(threshold).double(), "max")


def make_changes() -> dict[str, Any]:
    torch.manual_seed(2)
    vector, reference = torch.randn(2, CHANNELS).double()
    chosen, matrix = torch.arange(CHANNELS) % 2 == 0, torch.randn(CHANNELS, CHANNELS).double()
    return {
        "projection": lambda **given: make_projection("2", 1, vector, reference, **given),
        "channel_suppression": lambda **given: ChannelSuppression("2", 1, chosen, reference, **given),
        "restoration": lambda **given: Restoration("2", 1, matrix, reference, **given),
    }


def draw(count: int = 12) -> Tensor:
    torch.manual_seed(3)
    return torch.randn(count, 3, 9, 11).double()


KINDS = pytest.mark.parametrize("kind", LAYER_CHANGES)
CONDITIONS = pytest.mark.parametrize("condition", ["all", "concept", "class", "both"])


def make(kind: str, condition: str = "all") -> tuple[nn.Module, FixedModel]:
    net = make_net()
    given: dict[str, Any] = {}
    if condition in ("concept", "both"):
        scores = _score(make_detector(), net[:3](draw()))
        given["detector"] = make_detector(float(scores.median()))
    if condition in ("class", "both"):
        given["label"] = int(net(draw()).argmax(1).mode().values)
    return net, FixedModel(net, [make_changes()[kind](**given)])


def _score(detector: ConceptDetector, h: Tensor) -> Tensor:
    return (h.amax((2, 3)) - detector.center) @ detector.vector


def test_each_kind_of_change_is_tested() -> None:
    assert set(make_changes()) == set(LAYER_CHANGES)


def test_a_projection_in_a_linear_network_has_a_closed_form() -> None:
    """f(x) = B A x, projected at A x: B (h − v vᵀ(h − z) / vᵀv)."""
    torch.manual_seed(0)
    first, second = nn.Linear(5, 4).double(), nn.Linear(4, 3).double()
    v, z = torch.randn(2, 4).double()
    fixed = FixedModel(nn.Sequential(first, second), [make_projection("0", 1, v, z)])
    x = torch.randn(7, 5).double()
    h = first(x)
    expected = second(h - ((h - z) @ v)[:, None] * v / (v @ v))
    torch.testing.assert_close(fixed(x), expected)
    along = nn.Sequential(first, nn.Linear(4, 1, bias=False)).double()
    along[1].weight.data = v[None]
    torch.testing.assert_close(FixedModel(along, [make_projection("0", 1, v, z)])(x), (z @ v).expand(7, 1))


def test_several_directions_are_projected_one_by_one() -> None:
    torch.manual_seed(0)
    basis = torch.linalg.qr(torch.randn(6, 3).double())[0].T
    z, h = torch.randn(6).double(), torch.randn(4, 6, 2).double()
    change = Projection("0", 1, basis, basis, z)
    expected = h - ((h.movedim(1, -1) - z) @ basis.T @ basis).movedim(-1, 1)
    torch.testing.assert_close(change(h), expected)
    torch.testing.assert_close(change(change(h)), change(h))  # a projection


@KINDS
@CONDITIONS
def test_only_the_samples_of_the_condition_change(kind: str, condition: str) -> None:
    net, fixed = make(kind, condition)
    x = draw()
    (change,) = fixed.changes
    chosen = torch.ones(len(x), dtype=torch.bool)
    if change.detector is not None:
        chosen &= _score(change.detector, net[:3](x)) >= change.detector.threshold
    if change.label is not None:
        chosen &= net(x).argmax(1) == change.label
    assert chosen.any()
    assert chosen.all() == (condition == "all")
    everywhere = FixedModel(net, [make_changes()[kind]()])
    assert not (everywhere(x) == net(x)).all(1).any()
    expected = torch.where(chosen[:, None], everywhere(x), net(x))
    torch.testing.assert_close(fixed(x), expected, rtol=1e-12, atol=1e-12)
    for one, single in zip(x, expected, strict=True):  # a sample alone is treated as among others
        torch.testing.assert_close(fixed(one[None])[0], single, rtol=1e-12, atol=1e-12)


@KINDS
def test_the_original_is_the_same_to_the_bit_during_and_after(kind: str) -> None:
    net, fixed = make(kind)
    x, before = draw(), make_net()(draw())
    fixed(x)
    assert torch.equal(net(x), before)
    assert fixed.remove() is net
    assert torch.equal(fixed.remove()(x), before)
    assert not any(module._forward_hooks for module in net.modules())
    with pytest.raises(RuntimeError):
        fixed(torch.rand(2, 5, 9, 9).double())  # the wrong number of channels of the input
    assert not any(module._forward_hooks for module in net.modules())


@KINDS
@CONDITIONS
def test_a_fix_is_saved_and_loaded_for_its_model(kind: str, condition: str, tmp_path: Any) -> None:
    net, fixed = make(kind, condition)
    fixed = FixedModel(net, list(fixed.changes), ["chosen by hand"])
    fixed.save(tmp_path / "fix.pt")
    loaded = load_fix(tmp_path / "fix.pt", make_net())
    assert torch.equal(loaded(draw()), fixed(draw()))
    assert loaded.notes == ("chosen by hand",)
    assert loaded.state_dict().keys() == fixed.state_dict().keys()
    stored = torch.load(tmp_path / "fix.pt", weights_only=True)
    assert not any(name.startswith("wrapped") for name in stored["tensors"])


def test_a_fix_for_another_model_is_refused(tmp_path: Any) -> None:
    _, fixed = make("projection")
    fixed.save(tmp_path / "fix.pt")
    other = make_net()
    other[0].weight.data[0, 0, 0, 0] += 1e-9
    with pytest.raises(InputError, match="another model: expected weights of the hash"):
        load_fix(tmp_path / "fix.pt", other)
    with pytest.raises(InputError, match="another model"):
        load_fix(tmp_path / "fix.pt", make_net().float())
    other = make_net()
    other[2] = nn.LeakyReLU()  # the same weights
    with pytest.raises(InputError, match="another model: expected layers"):
        load_fix(tmp_path / "fix.pt", other)


def test_other_files_are_refused(tmp_path: Any) -> None:
    _, fixed = make("projection")
    fixed.save(tmp_path / "fix.pt")
    stored = torch.load(tmp_path / "fix.pt", weights_only=True)
    with pytest.raises(InputError, match="does not exist"):
        load_fix(tmp_path / "nothing.pt", make_net())
    (tmp_path / "text.pt").write_text("text")
    with pytest.raises(InputError, match="is not a fix"):
        load_fix(tmp_path / "text.pt", make_net())
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")  # a pickle of code
    with pytest.raises(InputError, match="is not a fix"):
        load_fix(tmp_path / "module.pt", make_net())
    for changed, message in (
        ({"schema": "2.0"}, "update"),
        ({"spec": "{"}, "damaged"),
        ({"spec": '{"changes": [{"kind": "other"}], "notes": []}'}, "damaged"),
        ({"tensors": {}}, "damaged"),
        ({"format": "other"}, "is not a fix"),
    ):
        torch.save(stored | changed, tmp_path / "changed.pt")
        with pytest.raises(InputError, match=message):
            load_fix(tmp_path / "changed.pt", make_net())


@KINDS
@CONDITIONS
def test_it_is_used_as_a_module(kind: str, condition: str) -> None:
    _, fixed = make(kind, condition)
    x, expected = draw(), fixed(draw())
    copied = copy.deepcopy(fixed)
    assert torch.equal(copied(x), expected)
    assert copied.remove() is not fixed.remove()
    torch.testing.assert_close(copied.float()(x.float()).double(), expected, rtol=1e-3, atol=1e-3)
    with torch.no_grad():
        assert torch.equal(fixed(x), expected)
    assert {name.partition(".")[0] for name in fixed.state_dict()} == {"wrapped", "changes"}
    assert dict(fixed.named_modules()).keys() == dict(make_net().named_modules()).keys()


@KINDS
@CONDITIONS
@pytest.mark.parametrize("composite", ["epsilon_plus", "epsilon_alpha2_beta1"])
def test_its_explanation_is_complete(kind: str, condition: str, composite: str) -> None:
    """All relevance arrives or is accounted for; what a projection loses goes to its reference, a constant."""
    _, fixed = make(kind, condition)
    x = draw()
    scores = fixed(x)
    target = torch.eye(4).double()[scores.argmax(1)] * scores
    with Gradient(fixed, COMPOSITES[composite]()) as attribute, attribute.ledger() as ledger:
        output, relevance = attribute(x, target=target)
    assert torch.equal(output, scores)
    ledger.assert_accounted()
    lost = ledger.lost()
    assert float(relevance.sum()) == pytest.approx(ledger.arrived)
    assert ledger.arrived + sum(lost.values()) == pytest.approx(float(target.sum()), rel=1e-9)
    assert abs(lost.get(Cause.UNKNOWN, 0)) < 1e-9
    if kind != "restoration":
        assert Cause.CONSTANT in lost


def test_relevance_through_a_projection_is_input_times_gradient() -> None:
    """In a linear network without biases the relevance has a closed form, as has that which goes to the reference."""
    torch.manual_seed(0)
    first, second = (nn.Linear(*sizes, bias=False).double() for sizes in ((5, 4), (4, 3)))
    v, z = torch.randn(2, 4).double()
    fixed = FixedModel(nn.Sequential(first, second).requires_grad_(False), [make_projection("0", 1, v, z)])
    x = torch.randn(7, 5).double()
    chosen = torch.eye(3).double()[[0, 1, 2, 0, 1, 2, 0]]
    target = chosen * fixed(x)  # the relevance of the output
    with Gradient(fixed, COMPOSITES["epsilon_plus"]()) as attribute, attribute.ledger() as ledger:
        _, relevance = attribute(x, target=target)
    matrix = second.weight @ (torch.eye(4).double() - torch.outer(v, v) / (v @ v)) @ first.weight
    torch.testing.assert_close(relevance, x * (chosen @ matrix), rtol=1e-4, atol=1e-4)  # epsilon is 1e-6
    constant = (chosen @ second.weight @ v).sum() * (z @ v) / (v @ v)
    assert ledger.lost()[Cause.CONSTANT] == pytest.approx(float(constant), rel=1e-4)


def test_a_fixed_model_is_explained_into_a_run_with_another_hash(tmp_path: Any) -> None:
    net, fixed = make("projection", "both")
    data = (draw(30).float().numpy(), torch.arange(30).remainder(4).numpy())
    runs = [
        ws.explain(model.float(), data, tmp_path / name, composite="epsilon_plus", progress=False)
        for name, model in (("fixed", copy.deepcopy(fixed)), ("original", net))
    ]
    assert runs[0].config.weights_hash != runs[1].config.weights_hash
    expected = fixed.float()(torch.from_numpy(data[0])).argmax(1)
    assert runs[0].column("prediction").tolist() == expected.tolist()


def test_a_layer_that_does_not_fit_is_refused() -> None:
    net, change = make_net(), make_changes()["projection"]()
    with pytest.raises(InputError, match="nothing"):
        FixedModel(net, [make_projection("nothing", 1, torch.ones(6), torch.zeros(6))])
    with pytest.raises(InputError, match="at least one change"):
        FixedModel(net, [])
    change.layer = "3"
    with pytest.raises(InputError, match="expected an output with 6 channels in dimension 1, got"):
        FixedModel(net, [change])(draw())

    class Skips(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Linear(3, 6), nn.Linear(3, 6)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    with pytest.raises(InputError, match="'unused' did not run"):
        FixedModel(Skips(), [make_projection("unused", 1, torch.ones(6), torch.zeros(6))])(torch.rand(2, 3))


def test_a_condition_on_the_class_needs_scores() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 6)

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"logits": self.layer(x)}

    change = make_projection("layer", 1, torch.ones(6), torch.zeros(6), label=1)
    with pytest.raises(InputError, match=r"expected scores \(n, classes\)"):
        FixedModel(Named(), [change])(torch.rand(2, 3))


def test_a_fix_of_a_fixed_model_changes_what_the_first_returns() -> None:
    net = make_net()
    one, other = (make_changes()[kind]() for kind in ("projection", "restoration"))
    nested = FixedModel(FixedModel(net, [one]), [other])
    torch.testing.assert_close(nested(draw()), FixedModel(net, [one, other])(draw()))
    assert not torch.allclose(nested(draw()), FixedModel(net, [other, one])(draw()))


def test_a_file_that_cannot_be_written_or_lacks_a_part_is_named(tmp_path: Any) -> None:
    net, fixed = make("projection")
    with pytest.raises(InputError, match="make the folder first"):
        fixed.save(tmp_path / "missing" / "fix.pt")
    fixed.save(tmp_path / "fix.pt")
    stored = torch.load(tmp_path / "fix.pt", weights_only=True)
    for name in ("layers_hash", "spec", "tensors"):
        torch.save({key: value for key, value in stored.items() if key != name}, tmp_path / "part.pt")
        with pytest.raises(InputError, match="is not a fix"):
            load_fix(tmp_path / "part.pt", net)


def test_a_model_that_writes_into_its_inputs_is_called_once_on_them() -> None:
    class Doubling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = make_net()

        def forward(self, x: Tensor) -> Tensor:
            return self.net(x.mul_(2))

    vector, reference = torch.randn(2, CHANNELS).double()
    fixed = FixedModel(Doubling(), [make_projection("net.2", 1, vector, reference, label=0)])
    torch.testing.assert_close(fixed(x=draw()), fixed(draw()), rtol=0, atol=0)
