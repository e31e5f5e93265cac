"""A model that ends in softmax or sigmoid is explained at the logit; confidence is its own probability."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import whyset
from whyset.attribution.attributors.logit_model import LogitModel
from whyset.attribution.composites import EpsilonPlus
from whyset.errors import InputError, RunMismatchError
from whyset.runner.output import Output, find_output
from whyset.store import open_run

X = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
LABELS = np.zeros(12, int)


class Ending(nn.Module):
    """Logits of a small network with a sigmoid gate inside, and what `ending` makes of them."""

    def __init__(self, ending, classes=3, scale=40.0):
        super().__init__()
        torch.manual_seed(0)
        self.hidden, self.gate, self.head = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, classes)
        self.head.weight.data.mul_(scale)  # 40 saturates probabilities
        self.ending = ending

    def forward(self, x):
        h = F.relu(self.hidden(x))
        return self.ending(self.head(h * torch.sigmoid(self.gate(h))))


def largest(p: Tensor) -> Tensor:
    return p.max(1).values


SOFTMAX = {
    "module": nn.Softmax(1),
    "function": lambda z: F.softmax(z, dim=-1),
    "method": lambda z: z.softmax(-1),
    "torch": lambda z: torch.softmax(z, 1),
    "special": lambda z: torch.special.softmax(z, 1),
    "clamped": lambda z: z.softmax(1).clamp(1e-6, 1 - 1e-6),
    "double": lambda z: z.softmax(1).double(),
}
ENDINGS = [
    *((name, ending, Output.SOFTMAX, largest) for name, ending in SOFTMAX.items()),
    ("log softmax", nn.LogSoftmax(1), Output.LOG_SOFTMAX, lambda p: largest(p).exp()),
    ("sigmoids", nn.Sigmoid(), Output.SIGMOID, largest),
    ("sigmoids in place", torch.sigmoid_, Output.SIGMOID, largest),
    ("sigmoids by expit", torch.special.expit, Output.SIGMOID, largest),
    ("log sigmoids", nn.LogSigmoid(), Output.LOG_SIGMOID, lambda p: largest(p).exp()),
    ("logits", nn.Identity(), Output.MODEL, lambda z: largest(z.softmax(1))),
]


@pytest.mark.parametrize("composite", [None, EpsilonPlus()], ids=["gradient", "rules"])
@pytest.mark.parametrize(("ending", "kind", "probability"), [e[1:] for e in ENDINGS], ids=[e[0] for e in ENDINGS])
def test_the_logit_is_explained_whatever_makes_probabilities_of_it(tmp_path, ending, kind, probability, composite):
    model, logits = Ending(ending).eval(), Ending(nn.Identity()).eval()
    run = whyset.explain(model, (X, LABELS), tmp_path / "run", composite=composite, target="top:2")
    expected = whyset.explain(logits, (X, LABELS), tmp_path / "logits", composite=composite, target="top:2")
    assert run.config.output == kind
    assert np.array_equal(np.asarray(run.relevance), np.asarray(expected.relevance))
    assert np.abs(np.asarray(run.relevance)).max() > 0.1
    for name in ("target", "prediction"):
        assert np.array_equal(run.column(name), expected.column(name))
    with torch.no_grad():
        wanted = probability(model(torch.tensor(X))).numpy()
    assert np.abs(run.column("confidence")[::2] - wanted).max() < 1e-6


@pytest.mark.parametrize(("ending", "kind"), [(nn.Identity(), Output.MODEL), (nn.Sigmoid(), Output.SIGMOID)])
def test_confidence_of_one_output_is_that_of_the_likelier_side(tmp_path, ending, kind):
    model = Ending(ending, classes=1).eval()
    run = whyset.explain(model, (X, LABELS), tmp_path / "run")
    with torch.no_grad():
        z = Ending(nn.Identity(), classes=1).eval()(torch.tensor(X))
    assert run.config.output == kind
    assert np.allclose(run.column("confidence"), torch.maximum(z.sigmoid(), (-z).sigmoid())[:, 0], atol=1e-6)
    assert (z < 0).any()


def exponentials(z: Tensor) -> Tensor:
    return z.exp() / z.exp().sum(1, keepdim=True)


def both_sides(z: Tensor) -> Tensor:
    p = z[:, :1].sigmoid()
    return torch.cat([1 - p, p], 1)


@pytest.mark.parametrize("ending", [exponentials, both_sides])
def test_probabilities_of_unknown_origin_are_explained_as_they_are_and_it_is_said(tmp_path, ending):
    model, said = Ending(lambda z: ending(z / 40)).eval(), Messages()
    run = whyset.explain(model, (X, LABELS), tmp_path / "run", progress=said)
    assert run.config.output == Output.PROBABILITIES
    assert any(
        "no softmax or sigmoid was found that computes them from unmodified logits of the classes" in line
        for line in said.lines
    )
    with torch.no_grad():
        assert np.allclose(run.column("confidence"), model(torch.tensor(X)).max(1).values)


def test_what_is_explained_is_said_and_stored_and_survives_resuming(tmp_path):
    model, said = Ending(nn.Softmax(1)).eval(), Messages()
    run = whyset.explain(model, (X, LABELS), tmp_path / "run", progress=said)
    assert any("the model ends in softmax: the value before it, the logit, is explained" in line for line in said.lines)
    again = whyset.explain(model, (X, LABELS), tmp_path / "run")
    assert again.config_hash == run.config_hash == open_run(run.path).config.hash
    with pytest.raises(RunMismatchError, match="weights_hash"):
        whyset.explain(Ending(nn.Identity(), 4).eval(), (X, LABELS), tmp_path / "run")


def test_a_run_of_a_models_own_output_keeps_its_hash(tmp_path):
    run = whyset.explain(Ending(nn.Identity()).eval(), (X, LABELS), tmp_path / "run")
    assert "output" not in run.config.to_json()
    assert replace(run.config, output="logit before softmax").hash != run.config.hash


def test_probabilities_in_another_order_are_not_those_of_the_logits():
    model = Ending(lambda z: z.softmax(1).flip(1), scale=1.0).eval()
    assert find_output(model, torch.tensor(X))[1] is Output.PROBABILITIES


def test_an_inner_sigmoid_or_softmax_is_not_the_end():
    x = torch.tensor(X)
    assert find_output(Ending(lambda z: z * z.softmax(1)).eval(), x)[1] is Output.MODEL
    assert find_output(Ending(lambda z: 1 + z.sigmoid()).eval(), x)[1] is Output.MODEL


SMALL = 1e-3


def smooth(p: Tensor) -> Tensor:
    return p * (1 - 0.1) + 0.1 / 3


def clamp_in_place(p: Tensor) -> Tensor:
    q = p.mul_(1 - SMALL).add_(SMALL / 3)
    return q.clamp_(SMALL, 1 - SMALL)


SLIGHT_CHANGES = {
    "softmax, clamp": (lambda z: z.softmax(1).clamp(SMALL, 1 - SMALL), Output.SOFTMAX),
    "softmax, clamp by names": (lambda z: torch.clamp(input=z.softmax(1), min=SMALL, max=1 - SMALL), Output.SOFTMAX),
    "softmax, clip": (lambda z: z.softmax(1).clip(min=SMALL), Output.SOFTMAX),
    "softmax, maximum": (lambda z: torch.maximum(z.softmax(1), torch.tensor(SMALL)), Output.SOFTMAX),
    "softmax, label smoothing": (lambda z: smooth(z.softmax(1)), Output.SOFTMAX),
    "softmax, from the left": (lambda z: 0.1 / 3 + 0.9 * z.softmax(1), Output.SOFTMAX),
    "softmax, epsilon": (lambda z: z.softmax(1) + 1e-4, Output.SOFTMAX),
    "softmax, in place": (lambda z: clamp_in_place(z.softmax(1)), Output.SOFTMAX),
    "softmax, shaped": (lambda z: z[:, :, None, None].softmax(1).flatten(1).clamp(SMALL), Output.SOFTMAX),
    "softmax, smoothed and shaped": (lambda z: smooth(z[:, :, None].softmax(1)).squeeze(2), Output.SOFTMAX),
    "softmax, half": (lambda z: z.softmax(1).bfloat16().float().clamp(SMALL, 1 - SMALL), Output.SOFTMAX),
    "softmax, twice subtracted": (lambda z: 1 - (1 - z.softmax(1)), Output.SOFTMAX),
    "softmax, hardtanh": (lambda z: F.hardtanh(z.softmax(1), SMALL, 1 - SMALL), Output.SOFTMAX),
    "softmax, max": (lambda z: torch.max(z.softmax(1), torch.full_like(z, SMALL)), Output.SOFTMAX),
    "softmax, smoothed by a tensor": (lambda z: 0.9 * z.softmax(1) + torch.full((3,), 0.1 / 3), Output.SOFTMAX),
    "softmax, where": (lambda z: clamp_by_where(z.softmax(1)), Output.SOFTMAX),
    "softmax, where of a tensor": (lambda z: clamp_by_method(z.softmax(1)), Output.SOFTMAX),
    "softmax, masked": (lambda z: clamp_by_mask(z.softmax(1)), Output.SOFTMAX),
    "softmax, normalized again": (lambda z: normalize(z.softmax(1).clamp(1e-6)), Output.SOFTMAX),
    "log softmax, clamp": (lambda z: z.log_softmax(1).clamp(-4), Output.LOG_SOFTMAX),
    "sigmoid, clamp": (lambda z: z.sigmoid().clamp(SMALL, 1 - SMALL), Output.SIGMOID),
    "sigmoid, smoothing": (lambda z: z.sigmoid() * 0.9 + 0.05, Output.SIGMOID),
    "hard sigmoid": (nn.Hardsigmoid(), Output.HARD_SIGMOID),
    "hard sigmoid in place": (nn.Hardsigmoid(inplace=True), Output.HARD_SIGMOID),
    "hard sigmoid by function": (lambda z: F.hardsigmoid(z, inplace=True), Output.HARD_SIGMOID),
}


def clamp_by_where(p: Tensor) -> Tensor:
    return torch.where(p < SMALL, SMALL, p)


def clamp_by_method(p: Tensor) -> Tensor:
    return p.where(p > SMALL, torch.full_like(p, SMALL))


def clamp_by_mask(p: Tensor) -> Tensor:
    return p.masked_fill(p < SMALL, SMALL)


def normalize(p: Tensor) -> Tensor:
    return p / p.sum(1, keepdim=True)


@pytest.mark.parametrize(
    ("composite", "scale"), [(None, 0.01), (EpsilonPlus(), 40.0)], ids=["gradient", "rules, all saturated"]
)
@pytest.mark.parametrize("name", SLIGHT_CHANGES)
def test_what_a_model_does_to_its_probabilities_is_left_out_for_every_sample(tmp_path, name, scale, composite):
    ending, kind = SLIGHT_CHANGES[name]
    x = X.copy()
    x[5] *= 1000  # saturates outside of the 8 samples that are tried: 0, 1, 3, 4, 6, 7, 9, 10
    layers = {} if composite is None else {"layers": ["head"]}
    model = Ending(ending, scale=scale).eval()
    run = whyset.explain(model, (x, LABELS), tmp_path / "run", composite=composite, target="top:2", **layers)
    logits = Ending(nn.Identity(), scale=scale).eval()
    expected = whyset.explain(logits, (x, LABELS), tmp_path / "logits", composite=composite, target="top:2", **layers)
    assert (run.config.output, run.failures) == (kind, [])
    assert np.array_equal(np.asarray(run.relevance), np.asarray(expected.relevance))
    assert np.array_equal(run.column("target"), expected.column("target"))
    with torch.no_grad():
        z = logits(torch.tensor(x))
    functions = {Output.SIGMOID: torch.sigmoid, Output.HARD_SIGMOID: F.hardsigmoid}
    p = functions.get(kind, lambda z: z.softmax(1))(z)
    assert np.abs(run.column("confidence")[::2] - largest(p).numpy()).max() < 1e-6


OWN_OUTPUTS = {
    "bounded regression": lambda z: z.sigmoid() * 100,
    "the other side": lambda z: 1 - z.sigmoid(),
    "swish": lambda z: z * z.sigmoid(),
    "vanishing swish": lambda z: (z - 200) * (z - 200).sigmoid(),
    "hard swish": F.hardswish,
    "gate": lambda z: z.sigmoid() * z.softmax(1),
    "per class": lambda z: z.sigmoid() * torch.tensor([1.0, 0.9, 0.8]),
    "written into": lambda z: write_into(z.sigmoid()),
    "written into a view": lambda z: write_into_view(z.softmax(1)),
    "thresholded": lambda z: torch.where(z.sigmoid() > 0.5, z.sigmoid(), 0.0) * torch.tensor([1.0, 2.0, 3.0]),
    "swapped": lambda z: swap(z.sigmoid()),
    "alpha": lambda z: torch.add(z.sigmoid(), 0.0, alpha=2).mul(2),
    "logarithm": lambda z: (z.softmax(1) + SMALL).log(),
    "negative logarithm": lambda z: -z.log_softmax(1),
}


def swap(p: Tensor) -> Tensor:
    return torch.where((p - 0.5).abs() < 0.05, 2.0, p)


def write_into(p: Tensor) -> Tensor:
    p[:, 0] = 0
    return p


def write_into_view(p: Tensor) -> Tensor:
    p[:, :1].mul_(0)
    return p


@pytest.mark.parametrize("name", OWN_OUTPUTS)
def test_anything_else_is_the_models_own_output(name):
    model = Ending(OWN_OUTPUTS[name], scale=1.0).eval()
    assert find_output(model, torch.tensor(X))[1] is Output.MODEL


def scale_after(activate):
    """The logits are changed in place once probabilities are made of them."""

    def ending(z: Tensor) -> Tensor:
        z = z + 0.0
        p = activate(z)
        z.mul_(3)
        return p

    return ending


def subtract_after(z: Tensor) -> Tensor:
    z = z + 0.0
    p = z.sigmoid()
    z -= z.detach().amax(1, keepdim=True)
    return p


def write_probabilities(z: Tensor) -> Tensor:
    z = z + 0.0
    z[:] = z.softmax(1)
    return z


def of_two(z: Tensor) -> Tensor:
    return z.view(-1, 2, 2)


def either_side(p: Tensor) -> Tensor:
    return torch.maximum(p, 1 - p)[:, 0]


OTHER_ENDINGS = {
    "softmax of two groups": (lambda z: of_two(z).softmax(2).flatten(1), 4, largest),
    "softmax of two groups, functional": (lambda z: F.softmax(of_two(z), dim=-1).flatten(1), 4, largest),
    "softmax across groups": (lambda z: of_two(z).softmax(1).flatten(1), 4, largest),
    "softmax of two groups, clamped": (lambda z: of_two(z).softmax(2).flatten(1).clamp(SMALL), 4, largest),
    "softmax of two groups, epsilon": (lambda z: of_two(z).softmax(2).flatten(1) + 1e-4, 4, largest),
    "softmax of two groups, smoothed": (lambda z: (0.9 * of_two(z).softmax(2) + 0.05).flatten(1), 4, largest),
    "log softmax of two groups": (lambda z: of_two(z).log_softmax(2).flatten(1), 4, lambda o: largest(o).exp()),
    "softmax over the batch": (lambda z: z.softmax(0), 3, largest),
    "softmax over the batch, by name": (lambda z: torch.softmax(input=z, dim=-2), 3, largest),
    "log softmax over the batch": (lambda z: z.log_softmax(0), 3, lambda o: largest(o).exp()),
    "softmax, then logits changed": (scale_after(lambda z: z.softmax(1)), 3, largest),
    "log softmax, then logits changed": (scale_after(lambda z: z.log_softmax(1)), 3, lambda o: largest(o).exp()),
    "sigmoid, then logits changed": (subtract_after, 3, largest),
    "softmax copied into the logits": (lambda z: z.copy_(z.softmax(1)), 3, largest),
    "softmax written into the logits": (write_probabilities, 3, largest),
    "softmax of one output": (lambda z: z.softmax(1), 1, either_side),
    "log softmax of one output": (lambda z: z.log_softmax(1), 1, lambda o: either_side(o.exp())),
    "one sigmoid, then the logit changed": (subtract_after, 1, either_side),
}


@pytest.mark.parametrize("name", OTHER_ENDINGS)
def test_probabilities_whose_logits_are_not_there_are_explained_as_they_are(tmp_path, name):
    """Expected are the model's own probabilities, and the gradient of what it returns."""
    ending, classes, probability = OTHER_ENDINGS[name]
    model, said, x = Ending(ending, classes, scale=5.0).eval(), Messages(), torch.tensor(X, requires_grad=True)
    run = whyset.explain(model, (X, LABELS), tmp_path / "run", composite=None, target=0, dtype="float32", progress=said)
    output = model(x)
    is_log = "log s" in name
    assert (run.failures, run.config.output) == ([], Output.LOG_PROBABILITIES if is_log else Output.PROBABILITIES)
    assert np.abs(run.column("confidence") - probability(output.detach()).numpy()).max() < 1e-6
    (gradient,) = torch.autograd.grad(output[:, 0].sum(), x)
    explained = -gradient if classes == 1 else gradient  # class 0 of one output is explained by its negative
    assert np.allclose(np.asarray(run.relevance), explained, atol=1e-6)
    assert any("unmodified logits of the classes" in line or "changes these logits" in line for line in said.lines)
    assert [check.severity for check in run.checks if check.name == "output"] == ["warning"]
    if classes == 1:
        p = output.detach().exp() if is_log else output.detach()
        assert np.array_equal(run.column("prediction"), (p > 0.5)[:, 0].long())


@pytest.mark.parametrize("name", [name for name in OTHER_ENDINGS if "changed" not in name or "softmax" in name])
def test_they_are_explained_by_rules_with_the_same_confidence(tmp_path, name):
    ending, classes, probability = OTHER_ENDINGS[name]
    model = Ending(ending, classes, scale=5.0).eval()
    run = whyset.explain(model, (X, LABELS), tmp_path / "run", composite=EpsilonPlus(), target=0)
    assert run.failures == []
    with torch.no_grad():
        wanted = probability(model(torch.tensor(X))).numpy()
    assert np.abs(run.column("confidence") - wanted).max() < 1e-6


def test_a_value_that_a_rule_needs_and_the_model_overwrites_is_refused_in_words(tmp_path):
    model = Ending(subtract_after).eval()
    with pytest.raises(InputError, match=r"writes into a tensor .* make a new tensor there instead"):
        whyset.explain(model, (X, LABELS), tmp_path / "run", composite=EpsilonPlus())
    assert not (tmp_path / "run").exists()


def test_a_batch_whose_logits_are_changed_after_the_activation_is_not_confirmed():
    for ending in (scale_after(torch.sigmoid), lambda z: z.softmax(0), lambda z: z.copy_(z.softmax(1))):
        logits = LogitModel(Ending(ending).eval())
        logits(torch.tensor(X))
        assert not bool(logits.confirmed.any())


@pytest.mark.parametrize(
    ("ending", "classes", "function"),
    [
        (lambda z: 1 / (1 + torch.exp(-z)), 3, "softmax"),
        (lambda z: exponentials(z / 40).clamp(0.4), 3, "softmax"),
        (lambda z: (z / 40).clamp(0, 1), 1, "sigmoid"),
    ],
)
def test_outputs_that_look_like_probabilities_are_no_logits_without_a_word(tmp_path, ending, classes, function):
    said = Messages()
    run = whyset.explain(Ending(ending, classes).eval(), X, tmp_path / "run", progress=said)
    assert run.config.output == Output.MODEL
    assert any(f"they are taken as logits and explained as they are, and confidence is their {function}" in line
               for line in said.lines)  # fmt: skip
    assert [check.name for check in run.checks if "are taken as logits" in check.message] == ["output"]


class Sometimes(Ending):
    """Returns logits where a sample is large."""

    def forward(self, x):
        h = F.relu(self.hidden(x))
        z = self.head(h * torch.sigmoid(self.gate(h)))
        return torch.where(x.abs().amax(1, keepdim=True) > 500, z, z.softmax(1))


class SometimesWhole(Ending):
    """Returns logits where any sample of the batch is large."""

    def forward(self, x):
        z = self.head(F.relu(self.hidden(x)))
        return z if x.abs().max() > 500 else z.softmax(1)


@pytest.mark.parametrize(("model", "failed"), [(Sometimes, [5]), (SometimesWhole, [4, 5])])
def test_a_sample_whose_output_comes_from_elsewhere_fails_alone(tmp_path, model, failed):
    x = X.copy()
    x[5] *= 1000
    run = whyset.explain(model(None).eval(), (x, LABELS), tmp_path / "run", batch_size=2)
    assert run.config.output == Output.SOFTMAX
    assert run.committed.all()
    assert [failure.index for failure in run.failures] == failed
    assert "the output of this sample is not that of a last softmax or sigmoid" in run.failures[0].error


def test_a_batch_that_ends_otherwise_is_not_confirmed():
    model = Ending(nn.Softmax(1)).eval()
    logits = LogitModel(model)
    logits(torch.tensor(X))
    assert bool(logits.confirmed.all())
    model.ending = nn.Identity()
    logits(torch.tensor(X))
    assert not bool(logits.confirmed.any())


class Messages:
    """A progress display that keeps its messages."""

    def __init__(self):
        self.lines = []

    def info(self, text):
        self.lines.append(text)

    def warn(self, text):
        self.lines.append(text)

    def start(self, total, unit):
        pass

    def advance(self, count):
        pass

    def finish(self):
        pass
