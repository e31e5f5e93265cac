"""One output and labels 0 and 1: the output is explained for every sample, and it tells the classes apart."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import TensorDataset

import whyset as ws
from whyset.errors import InputError
from whyset.progress import Silent
from whyset.runner import Preprocessing
from whyset.runner.output import Output

COUNT = 24
X = np.random.default_rng(0).normal(size=(COUNT, 4)).astype("f4")


class Logit(nn.Module):
    """One logit of four features, and what `ending` makes of it."""

    def __init__(self, ending: Any = None) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.head, self.ending = nn.Linear(4, 1), ending or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.ending(self.head(x))


with torch.no_grad():
    LOGITS = Logit()(torch.tensor(X))[:, 0].numpy()
Y = (LOGITS > 0).astype(int)
Y[:6] = 1 - Y[:6]  # 18 of 24 are predicted as labeled


def by_hand(z: torch.Tensor) -> torch.Tensor:
    return 1 / (1 + torch.exp(-z))


def second_of_two(z: torch.Tensor) -> torch.Tensor:
    return torch.cat([-z / 2, z / 2], 1).softmax(1)[:, 1:]


LABELS = {
    "integers": Y,
    "column": Y[:, None],
    "bools": Y.astype(bool),
    "as a loss takes them": Y[:, None].astype("f4"),
    "bytes": Y.astype("u1"),
}


@pytest.mark.parametrize("source", ["array", "TensorDataset"])
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("target", ["label", "prediction", "0", "top:1"])
def test_class_1_explains_the_output_and_class_0_its_negative(
    tmp_path: Path, target: str, labels: str, source: str
) -> None:
    y = LABELS[labels]
    data = (X, y) if source == "array" else TensorDataset(torch.tensor(X), torch.tensor(y))
    said = Messages()
    run = ws.explain(
        Logit(), data, tmp_path / "run", target=target, composite="gradient", dtype="float32", progress=said
    )
    assert (run.failures, run.config.output, run.classes) == ([], Output.MODEL, ["0", "1"])
    weight = Logit().head.weight.detach().numpy()
    explained = {"label": Y, "0": np.zeros(COUNT, int)}.get(target, (LOGITS > 0).astype(int))
    assert np.array_equal(np.asarray(run.relevance), (2 * explained - 1)[:, None] * weight)  # class 0 explains -z
    assert np.array_equal(run.column("prediction"), LOGITS > 0)
    assert np.array_equal(run.labels, Y)
    assert np.array_equal(run.column("target"), explained)
    assert np.allclose(run.column("confidence"), 1 / (1 + np.exp(-np.abs(LOGITS))), atol=1e-6)
    assert "accuracy: 75.0% (18 of 24 samples)" in said.lines
    assert ws.explain(
        Logit(), data, tmp_path / "run", target=target, composite="gradient", dtype="float32"
    ).committed.all()


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        (nn.Sigmoid(), Output.SIGMOID),
        (lambda z: z.sigmoid().clamp(0.01, 0.99), Output.SIGMOID),
        (nn.LogSigmoid(), Output.LOG_SIGMOID),
        (nn.Hardsigmoid(), Output.HARD_SIGMOID),
        (by_hand, Output.PROBABILITIES),
        (second_of_two, Output.PROBABILITIES),
    ],
)
def test_a_probability_of_class_1_predicts_it_above_one_half(tmp_path: Path, ending: Any, kind: Output) -> None:
    said = Messages()
    run = ws.explain(Logit(ending), (X, Y), tmp_path / "run", progress=said)
    assert (run.failures, run.config.output) == ([], kind)
    assert np.array_equal(run.column("prediction"), LOGITS > 0)
    p = 1 / (1 + np.exp(-LOGITS)) if kind is not Output.HARD_SIGMOID else np.clip(LOGITS / 6 + 0.5, 0, 1)
    assert np.allclose(run.column("confidence"), np.maximum(p, 1 - p), atol=1e-6)
    assert "accuracy: 75.0% (18 of 24 samples)" in said.lines
    assert any("the probability is explained" in line for line in said.lines) == (kind is Output.PROBABILITIES)


def test_two_names_make_two_classes_of_one_output(tmp_path: Path) -> None:
    run = ws.explain(Logit(), (X, Y), tmp_path / "run", class_names=["healthy", "ill"])
    assert run.classes == ["healthy", "ill"]
    unlabeled = ws.explain(Logit(), X, tmp_path / "unlabeled", class_names=["healthy", "ill"])
    assert np.array_equal(unlabeled.column("prediction"), run.column("prediction"))


def test_two_folders_are_two_classes_of_one_output(tmp_path: Path) -> None:
    for number, name in enumerate(["cat", "dog"] * 4):
        (tmp_path / "data" / name).mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2), 255 * (number % 2)).save(tmp_path / "data" / name / f"{number}.png")
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    with torch.no_grad():
        model[1].weight.fill_(1.0)
        model[1].bias.fill_(-2.0)
    run = ws.explain(model, tmp_path / "data", tmp_path / "run", preprocessing=Preprocessing(mode="L"))
    assert (run.failures, run.classes) == ([], ["cat", "dog"])
    assert np.array_equal(run.column("prediction"), run.labels)


def test_a_label_beyond_the_two_classes_fails_alone(tmp_path: Path) -> None:
    y = Y.copy()
    y[[1, 20]] = 2, -5
    run = ws.explain(Logit(), (X, y), tmp_path / "run")
    assert [(one.index, one.error.split(": ", 1)[1]) for one in run.failures] == [
        (1, "the label is 2: expected a class from 0 to 1"),
        (20, "the label is -5: expected a class from 0 to 1"),
    ]


def test_a_regression_has_one_class_and_no_accuracy(tmp_path: Path) -> None:
    said = Messages()
    run = ws.explain(Logit(), X, tmp_path / "run", progress=said)
    assert (run.classes, run.config.output) == (["0"], Output.MODEL)
    assert not run.column("prediction").any()
    assert not run.column("target").any()
    assert not any("accuracy" in line for line in said.lines)


def test_labels_of_which_none_is_a_class_are_refused_with_advice(tmp_path: Path) -> None:
    for data in ((X, Y + 3), TensorDataset(torch.tensor(X), torch.tensor(Y + 3))):
        with pytest.raises(InputError, match=r"label [34] is not a class of the model: .* output_kind=.regression"):
            ws.explain(Logit(), data, tmp_path / "run", output_kind="binary")
    assert not (tmp_path / "run").exists()


class Messages(Silent):
    """A progress display that keeps its messages."""

    def __init__(self) -> None:
        object.__setattr__(self, "lines", [])

    def info(self, line: str) -> None:
        self.lines.append(line)  # type: ignore[attr-defined]
