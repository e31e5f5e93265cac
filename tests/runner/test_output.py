"""A model that ends in softmax or sigmoid is explained at the logit; confidence is its own probability."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import whyset
from whyset.attribution.attributors.before_activation import BeforeActivation
from whyset.attribution.composites import EpsilonPlus
from whyset.errors import InputError, RunMismatchError
from whyset.runner.output import Output, find_output
from whyset.store import open_run

X = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
LABELS = np.zeros(12, int)


class Ending(nn.Module):
    """Logits of a small network with a sigmoid gate inside, and what `ending` makes of them."""

    def __init__(self, ending, classes=3):
        super().__init__()
        torch.manual_seed(0)
        self.hidden, self.gate, self.head = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, classes)
        self.head.weight.data.mul_(40)  # probabilities are saturated
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
    assert any("no softmax was found" in line for line in said.lines)
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


def test_an_inner_sigmoid_or_softmax_is_not_the_end():
    x = torch.tensor(X)
    assert find_output(Ending(lambda z: z * z.softmax(1)).eval(), x)[1] is Output.MODEL
    assert find_output(Ending(lambda z: 1 + z.sigmoid()).eval(), x)[1] is Output.MODEL


def test_a_batch_that_ends_otherwise_is_refused():
    model = Ending(nn.Softmax(1)).eval()
    attribute = BeforeActivation(model)
    attribute(torch.tensor(X), target=0)
    model.ending = nn.Identity()
    with pytest.raises(InputError, match="is not what a softmax or sigmoid returns"):
        attribute(torch.tensor(X), target=0)


class Messages:
    """A progress display that keeps its messages."""

    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)

    def warn(self, text):
        self.lines.append(text)

    def start(self, total, unit):
        pass

    def advance(self, count):
        pass

    def finish(self):
        pass
