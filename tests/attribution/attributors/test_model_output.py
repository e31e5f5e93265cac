"""The explained output of models that return dictionaries, tuples or dataclasses."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from whyset.attribution import Conditional, Gradient, IntegratedGradients, Occlusion, SmoothGrad
from whyset.attribution.attributors.model_output import select_output
from whyset.attribution.composites import EpsilonPlus
from whyset.errors import InputError


@dataclass
class Output:
    logits: torch.Tensor
    hidden: torch.Tensor
    loss: torch.Tensor | None = None


Pair = namedtuple("Pair", ["logits", "hidden"])


class ModelOutput(OrderedDict):
    """As in transformers: a mapping whose keys are attributes, and whose members have indices."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error

    def __getitem__(self, key):
        return super().__getitem__(key) if isinstance(key, str) else self.to_tuple()[key]

    def to_tuple(self):
        return tuple(self.values())


class Model(nn.Module):
    def __init__(self, wrap):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last, self.wrap = nn.Linear(4, 5), nn.Linear(5, 3), wrap
        self.double().eval()

    def forward(self, x):
        hidden = torch.relu(self.first(x))
        return self.wrap(self.last(hidden), hidden)


WRAPS = {
    "tensor": (lambda logits, hidden: logits, None),
    "dictionary by name": (lambda logits, hidden: {"hidden": hidden, "logits": logits}, "logits"),
    "dictionary by index": (lambda logits, hidden: {"hidden": hidden, "logits": logits}, 1),
    "tuple": (lambda logits, hidden: (logits, hidden), 0),
    "tuple from the end": (lambda logits, hidden: [hidden, logits], -1),
    "named tuple": (Pair, "logits"),
    "dataclass": (Output, "logits"),
    "dataclass by index": (Output, 0),
    "model output": (lambda logits, hidden: ModelOutput(logits=logits, hidden=hidden), "logits"),
    "model output by index": (lambda logits, hidden: ModelOutput(hidden=hidden, logits=logits), 1),
    "function": (lambda logits, hidden: {"all": [{"deep": logits}, hidden]}, lambda out: out["all"][0]["deep"]),
    "only one": (lambda logits, hidden: {"logits": logits, "hidden": hidden.detach(), "ids": logits.argmax(1)}, None),
    "only one, nested": (lambda logits, hidden: Output([logits], None), None),
}


@pytest.mark.parametrize("composite", [EpsilonPlus(), None], ids=["rules", "gradient"])
@pytest.mark.parametrize("name", WRAPS)
def test_the_chosen_output_is_explained_like_the_only_one(name, composite):
    wrap, choice = WRAPS[name]
    x = torch.randn(2, 4, dtype=torch.float64)
    expected = Gradient(Model(WRAPS["tensor"][0]), composite)(x, 1)
    found = Gradient(Model(wrap), composite, output=choice)(x, 1)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_another_output_has_its_own_relevance():
    x = torch.randn(2, 4, dtype=torch.float64)
    hidden = Gradient(Model(Output), EpsilonPlus(), output="hidden")(x, 1)
    expected = Gradient(Model(lambda logits, hidden: hidden), EpsilonPlus())(x, 1)
    torch.testing.assert_close(hidden, expected, rtol=0, atol=0)
    conditional = Conditional(Model(Output), EpsilonPlus(), {"first": [0, 1, 2, 3, 4]}, output="hidden")(x, 1)
    torch.testing.assert_close(conditional, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("composite", [EpsilonPlus(), None], ids=["rules", "gradient"])
@pytest.mark.parametrize(
    ("wrap", "choice", "message"),
    [
        (Output, None, r"2 outputs could be explained.*output=<name or index>.*logits \(2, 3\), hidden \(2, 5\)"),
        (lambda logits, hidden: [hidden, [logits]], None, r"0 \(2, 5\), 1\[0\] \(2, 3\)"),
        (lambda logits, hidden: {"a": logits.detach()}, None, "no output carries gradient"),
        (lambda logits, hidden: "text", None, "got str.*no floating point tensor"),
        (Output, "scores", "Output has no such output.*logits"),
        (Output, 3, "has no such output"),
        (Output, "loss", "expected a floating point tensor, got NoneType"),
        (lambda logits, hidden: {"ids": logits.argmax(1)}, "ids", "got a tensor of torch.int64"),
        (lambda logits, hidden: logits, "logits", "the model returns one tensor; leave output out"),
        (Output, lambda out: out.loss, "expected a floating point tensor, got NoneType"),
    ],
)
def test_what_is_not_unique_or_not_there_is_refused_with_the_names(wrap, choice, message, composite):
    with pytest.raises(InputError, match=message):
        Gradient(Model(wrap), composite, output=choice)(torch.randn(2, 4, dtype=torch.float64), 1)


@pytest.mark.parametrize("choice", [1.5, True, ["logits"]])
def test_other_choices_are_refused_at_once(choice):
    with pytest.raises(InputError, match="the name or the index of an output"):
        Gradient(Model(Output), output=choice)


def test_an_output_that_is_selected_keeps_its_values():
    logits, hidden = torch.randn(2, 3), torch.randn(2, 5)
    assert select_output(Output(logits, hidden), "logits") is logits
    assert select_output(logits) is logits


@pytest.mark.parametrize("make", [SmoothGrad, IntegratedGradients, Occlusion])
def test_attributors_without_a_choice_name_the_one_that_has_it(make):
    with pytest.raises(InputError, match=r"got Output.*use Gradient, which takes output="):
        make(Model(Output))(torch.randn(2, 4, dtype=torch.float64), 1)
