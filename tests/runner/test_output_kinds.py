"""Kinds of outputs over a data set: closed forms of linear models, and labels in the form of each kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import whyset as ws
from whyset.analysis.groups import group_samples
from whyset.attribution import AboveReference, Gradient, Similarity
from whyset.cli import main
from whyset.errors import InputError, RunMismatchError
from whyset.runner import rerun
from whyset.runner.output_kinds import OUTPUT_KINDS, Dense, Regression
from whyset.runner.sources.given_labels import GivenLabels
from whyset.store import Run, RunConfig

COUNT, FEATURES = 12, 4
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(COUNT, FEATURES)).astype("f4")


def linear(outputs: int, bias: bool = False) -> nn.Module:
    torch.manual_seed(outputs)
    return nn.Linear(FEATURES, outputs, bias=bias).eval()


class Returning(nn.Module):
    """What `pack` makes of the outputs of a linear model."""

    def __init__(self, outputs: int, pack: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.head, self.pack = linear(outputs), pack

    def forward(self, x: torch.Tensor) -> Any:
        return self.pack(self.head(x))


def explain(model: nn.Module, data: Any, out: Path, **options: Any) -> Run:
    return ws.explain(model, data, out, **{"composite": "epsilon_plus", "dtype": "float32", **options})


def weights(model: nn.Module) -> np.ndarray:
    found = model.head if isinstance(model, Returning) else model
    return np.asarray(found.weight.detach(), np.float64)


def outputs(model: nn.Module) -> np.ndarray:
    return X.astype(np.float64) @ weights(model).T


Y = {1: RANDOM.normal(size=COUNT) * 10, 2: RANDOM.normal(size=(COUNT, 2))}


@pytest.mark.parametrize("as_data", [lambda x, y: (x, y), lambda x, y: TensorDataset(torch.tensor(x), torch.tensor(y))])
@pytest.mark.parametrize("shape", ["(N, 1)", "(N,)"])
def test_a_regression_keeps_true_and_predicted_values(tmp_path: Path, shape: str, as_data: Any) -> None:
    model = Returning(1, (lambda y: y) if shape == "(N, 1)" else (lambda y: y[:, 0]))
    run = explain(model, as_data(X, Y[1]), tmp_path / "run")
    assert run.config.output_kind_name == "regression"
    assert np.allclose(run.samples["true_value"], Y[1])
    assert np.allclose(run.column("output_value"), outputs(model)[:, 0], atol=1e-5)
    assert np.allclose(np.asarray(run.relevance), weights(model) * X, atol=1e-5)
    assert (run.labels == -1).all()
    assert (run.column("prediction") == -1).all()
    assert np.isnan(run.column("confidence")).all()
    assert not any(check.name == "accuracy_near_chance" for check in run.checks)


@pytest.mark.parametrize(("values", "stated"), [(np.arange(COUNT) + 20, "auto"), (np.arange(COUNT) % 2, "regression")])
def test_whole_numbers_are_values_where_they_are_no_classes(tmp_path: Path, values: Any, stated: str) -> None:
    run = explain(linear(1), (X, values), tmp_path / "run", output_kind=stated)
    assert (run.config.output_kind_name, run.failures) == ("regression", [])
    assert run.samples["true_value"].to_pylist() == values.tolist()
    assert any("outputs are of kind regression" in check.message for check in run.checks)


@pytest.mark.parametrize("target", ["reference:1.5", "reference:0,1.5"])
def test_a_reference_value_is_subtracted_from_the_relevance(tmp_path: Path, target: str) -> None:
    model = linear(1)
    run = explain(model, (X, Y[1]), tmp_path / "run", target=target)
    above = outputs(model) - 1.5
    assert np.allclose(np.asarray(run.relevance).sum(1), above[:, 0], atol=1e-4)
    expected = Gradient(model, "epsilon_plus")(torch.tensor(X), AboveReference(0, 1.5))[1]
    assert np.allclose(np.asarray(run.relevance), expected, atol=1e-6)
    assert np.allclose(run.column("output_value"), outputs(model)[:, 0], atol=1e-5)  # the predicted value
    gradient = explain(model, (X, Y[1]), tmp_path / "gradient", target=target, composite="gradient")
    assert np.allclose(np.asarray(gradient.relevance), weights(model), atol=1e-6)


def test_several_values_are_outputs_of_one_regression(tmp_path: Path) -> None:
    run = explain(linear(2), (X, Y[2]), tmp_path / "run", targets=[0, "width"], class_names=["height", "width"])
    assert run.config.output_kind_name == "regression"
    assert np.allclose(run.samples["true_value.width"], np.repeat(Y[2][:, 1], 2))
    assert np.allclose(run.column("output_value"), outputs(linear(2)).ravel(), atol=1e-5)


SETS = [(0, 2), (), (1,), (0, 1, 2)] * 3
MULTI_HOT = np.array([[int(label in found) for label in range(3)] for found in SETS])
NAMES = ["cat", "dog", "eel"]
SPELLED = {
    "multi-hot": MULTI_HOT,
    "floats": MULTI_HOT.astype("f4"),
    "bools": MULTI_HOT.astype(bool),
    "indices": [list(found) for found in SETS],
    "names": [{NAMES[label] for label in found} for found in SETS],
}


@pytest.mark.parametrize("spelling", SPELLED)
def test_a_row_explains_each_label_of_a_sample(tmp_path: Path, spelling: str) -> None:
    model = linear(3)
    run = explain(model, (X, SPELLED[spelling]), tmp_path / "run", class_names=NAMES)
    rows = [(sample, label) for sample, found in enumerate(SETS) for label in found]
    samples, labels = np.array(rows).T
    assert run.config.output_kind_name == "multilabel"
    assert run.ids == [f"{sample}#{NAMES[label]}" for sample, label in rows]
    assert np.array_equal(run.labels, labels)
    assert np.array_equal(run.column("target"), labels)
    assert np.allclose(np.asarray(run.relevance), weights(model)[labels] * X[samples], atol=1e-5)
    p = 1 / (1 + np.exp(-outputs(model)[samples, labels]))
    assert np.allclose(run.column("confidence"), p, atol=1e-6)
    assert np.array_equal(run.column("predicted"), p > 0.5)
    assert run.samples["true_labels"].to_pylist()[:2] == ["cat, eel", "cat, eel"]
    assert any("3 samples have no label" in check.message for check in run.checks)
    assert [group.name for group in group_samples(run)] == NAMES


def test_chosen_labels_are_explained_for_every_sample(tmp_path: Path) -> None:
    run = explain(linear(3), (X, MULTI_HOT), tmp_path / "run", targets=[0, 2])
    assert len(run) == 2 * COUNT
    assert np.array_equal(run.column("target"), [0, 2] * COUNT)
    assert run.samples["true_labels"].to_pylist()[0] == "0, 2"


def test_rows_with_a_single_1_are_classes(tmp_path: Path) -> None:
    y = np.arange(COUNT) % 3
    run = explain(linear(3), (X, np.eye(3)[y]), tmp_path / "run")
    assert run.config.output_kind is None
    assert np.array_equal(run.labels, y)


def test_names_are_classes_in_sorted_order(tmp_path: Path) -> None:
    run = explain(linear(2), (X, np.array(["dog", "cat"] * 6)), tmp_path / "run", target="cat")
    assert (run.classes, run.labels.tolist()) == (["cat", "dog"], [1, 0] * 6)
    assert (run.column("target") == 0).all()


def segmenter(classes: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.ReLU(), nn.Conv2d(4, classes, 1, bias=False)
    ).eval()


PIXELS = RANDOM.normal(size=(6, 2, 5, 7)).astype("f4")


def sum_over(model: nn.Module, mask: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
    """Input times gradient of the sum over a mask, which is LRP-0 of a network without biases."""
    x = torch.tensor(PIXELS, requires_grad=True)
    y = model(x)
    (y * mask(y.detach())).sum().backward()
    return (x * x.grad).detach().numpy()


def test_the_mask_of_a_class_is_explained(tmp_path: Path) -> None:
    model = segmenter(3)
    masks = RANDOM.integers(0, 2, (6, 5, 7))
    masks[0] = 2
    masks[1, 0, 0] = 255  # not a class
    run = ws.explain(
        model, (PIXELS, masks), tmp_path / "run", output_kind="dense", method="input_times_gradient", dtype="float32"
    )
    labels = run.labels
    assert run.ids[0] == "0#2"
    assert labels.tolist() == [2] + [0, 1] * 5
    samples = np.array([0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    for label in (0, 1):
        mask = lambda y, c=label: (y.argmax(1, keepdim=True) == c).float() * torch.eye(3)[c].view(1, 3, 1, 1)  # noqa: E731
        expected = sum_over(model, mask)
        rows = np.flatnonzero(labels == label)
        assert np.allclose(np.asarray(run.relevance)[rows], expected[samples[rows]], atol=1e-5)
    assert np.allclose(run.column("output_value"), np.asarray(run.relevance).sum((1, 2, 3)), atol=1e-4)


def test_a_region_is_explained(tmp_path: Path) -> None:
    model = segmenter(2)
    kind = Dense(region=(1, 2, 4, 6))
    run = ws.explain(
        model, PIXELS, tmp_path / "run", output_kind=kind, target=1, method="input_times_gradient", dtype="float32"
    )
    inside = torch.zeros(1, 2, 5, 7)
    inside[0, 1, 1:4, 2:6] = 1
    assert np.allclose(np.asarray(run.relevance), sum_over(model, lambda _: inside), atol=1e-5)


def test_a_softmax_at_each_position_is_explained_before_it(tmp_path: Path) -> None:
    model = segmenter(3)
    ending = nn.Sequential(*model, nn.Softmax(1)).eval()
    options = {"output_kind": "dense", "target": 1, "method": "input_times_gradient", "dtype": "float32"}
    one, other = (ws.explain(net, PIXELS, tmp_path / name, **options) for net, name in ((model, "a"), (ending, "b")))
    assert other.config.output == "logit before softmax"
    assert np.allclose(np.asarray(one.relevance), np.asarray(other.relevance), atol=1e-6)


@pytest.mark.parametrize("composite", ["epsilon_plus", "gradient"])
def test_the_similarity_to_a_sample_is_explained(tmp_path: Path, composite: str) -> None:
    model = linear(5)
    run = explain(
        model,
        (X, np.arange(COUNT)),
        tmp_path / "run",
        output_kind="embedding",
        target="similarity:3",
        composite=composite,
    )
    assert run.classes == ["3"]
    embedded = outputs(model)
    unit = embedded / np.linalg.norm(embedded, axis=1, keepdims=True)
    assert np.allclose(run.column("output_value"), unit @ unit[3], atol=1e-5)
    if composite == "epsilon_plus":
        other = torch.tensor(embedded[3], dtype=torch.float32)
        expected = Gradient(model, composite)(torch.tensor(X), Similarity(other.expand(COUNT, 5)))[1]
    else:
        x = torch.tensor(X, requires_grad=True)
        torch.cosine_similarity(model(x), torch.tensor(embedded[3:4], dtype=torch.float32)).sum().backward()
        expected = x.grad
    assert np.allclose(np.asarray(run.relevance), expected, atol=1e-5)


PACKED = {
    "a dictionary": (lambda y: {"logits": y, "hidden": y.relu()}, None),
    "the only tensor": (lambda y: {"scores": y, "steps": 3}, None),
    "a name": (lambda y: {"hidden": y.relu(), "scores": y}, "scores"),
    "an index": (lambda y: (y.relu(), y), 1),
    "a function": (lambda y: [[y]], lambda returned: returned[0][0]),
}


@pytest.mark.parametrize("name", PACKED)
def test_an_output_of_several_is_explained(tmp_path: Path, name: str) -> None:
    pack, choice = PACKED[name]
    model = Returning(3, pack)
    run = explain(model, (X, np.arange(COUNT) % 3), tmp_path / "run", output=choice)
    assert np.allclose(np.asarray(run.relevance), weights(model)[np.arange(COUNT) % 3] * X, atol=1e-5)
    again = explain(model, (X, np.arange(COUNT) % 3), tmp_path / "run", output=choice)
    assert again.committed.all()


def test_layers_keep_their_names_inside_of_the_chosen_output(tmp_path: Path) -> None:
    model = Returning(3, lambda y: {"logits": y})
    run = explain(model, (X, np.arange(COUNT) % 3), tmp_path / "run", layers=["head"])
    assert run.layer("head").shape == (COUNT, 3)


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion", "input_times_gradient"])
def test_other_methods_explain_the_same_values(tmp_path: Path, method: str) -> None:
    model = linear(1)
    run = ws.explain(model, (X, Y[1]), tmp_path / "a", method=method, target="reference:2", dtype="float32")
    assert np.allclose(np.asarray(run.relevance), weights(model) * X, atol=1e-5)
    model = linear(3)
    run = ws.explain(model, (X, MULTI_HOT), tmp_path / "b", method=method, target="contrast:0,2", dtype="float32")
    assert np.allclose(np.asarray(run.relevance), (weights(model)[0] - weights(model)[2]) * X, atol=1e-5)


def test_a_function_of_the_output_gives_the_scores(tmp_path: Path) -> None:
    model = linear(4)
    run = explain(model, X, tmp_path / "run", output_kind=lambda y: torch.stack([y[:, 0] + y[:, 1], y[:, 3]], 1))
    both = np.stack([weights(model)[0] + weights(model)[1], weights(model)[3]])
    assert np.allclose(np.asarray(run.relevance), both[run.column("prediction")] * X, atol=1e-5)


@pytest.mark.parametrize(
    ("outputs", "data", "options", "message"),
    [
        (1, (X, Y[1]), {"output_kind": "binry"}, "unknown output kind 'binry' .did you mean binary"),
        (1, X, {"output_kind": Regression}, r"expected an instance, got the class Regression: pass Regression\(\)"),
        (3, X, {"output_kind": "binary"}, "binary needs one output, got 3"),
        (
            3,
            X,
            {"output_kind": "dense"},
            r"dense needs outputs of shape \(samples, classes, positions...\), got \(8, 3\)",
        ),
        (3, X, {"output_kind": "probabilities"}, "needs outputs in .0, 1. that sum to 1"),
        (3, X, {"output_kind": "embedding"}, "target='similarity:ID'"),
        (3, X, {"target": "similarity:3"}, "needs the output kind embedding, but it is logits"),
        (3, X, {"output_kind": "embedding", "target": "similarity:99"}, "no sample with this id"),
        (3, (X, MULTI_HOT[:, :2]), {}, "labels have 2 columns, but the model has 3 outputs"),
        (3, (X, [[0, 2], [1, 3]] * 6), {}, r"labels are rows of 2 numbers, .* sets such as \{0, 2\}"),
        (3, (X, [{"cat"}, {"dog", "eel", "fox"}] * 6), {}, "expected 3 class names, one for each .*, got 4"),
        (2, (X, Y[2]), {}, "a regression with 2 outputs: state which are explained"),
        (3, (X, [[0], [1, 7]] * 6), {}, "label 7 is not one of the model's outputs, 0 to 2"),
        (3, (X, MULTI_HOT), {"targets": ["label", 0]}, "cannot be combined with others"),
        (3, X, {"output": "logits"}, "the model returns one tensor; leave output out"),
        (3, X, {"output": 1.5}, "expected the name or the index of an output"),
        (3, X, {"target": "contrast:0,0"}, "expected two different classes"),
        (3, X, {"target": "contrast:0,dog"}, "target 'dog' is not a class of the model"),
        (3, X, {"target": "reference:2"}, "the model has 3 outputs: choose one, such as reference:0,2"),
        (3, X, {"target": [0, 1]}, "the index of an output for each of 12 samples, got 2"),
        (3, X, {"target": [0, 5] * 6}, "target 5 is not an output of the model"),
        (1, (X, ["a", "b"] * 6), {"output_kind": "regression"}, "regression needs labels that are numbers"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, outputs: int, data: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        explain(linear(outputs), data, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_choice_that_is_not_unique_names_the_outputs(tmp_path: Path) -> None:
    model = Returning(2, lambda y: {"boxes": y, "scores": y})
    with pytest.raises(InputError, match=r"2 outputs could be explained. Choose one .*boxes \(8, 2\), scores \(8, 2\)"):
        explain(model, X, tmp_path / "run")


def test_a_run_is_continued_only_with_the_same_kind_and_targets(tmp_path: Path) -> None:
    explain(linear(1), (X, Y[1]), tmp_path / "run", target="reference:2")
    for other in ({"target": "reference:3"}, {"target": 0}):
        with pytest.raises(RunMismatchError, match="target is"):
            explain(linear(1), (X, Y[1]), tmp_path / "run", **other)


def test_another_function_is_noticed_by_the_explained_value(tmp_path: Path) -> None:
    model = Returning(1, lambda y: y)
    explain(model, (X, Y[1]), tmp_path / "run")
    (tmp_path / "run" / "commits" / "000000.json").unlink()
    run = explain(model, (X, Y[1]), tmp_path / "run")
    assert run.committed.all()


NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return {"scores": self.head(x), "hidden": x}

def net():
    return Net()
"""


def test_the_command_line_states_output_kind_and_targets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.py").write_text(NET)
    np.savez(tmp_path / "data.npz", x=X, labels=MULTI_HOT)
    common = ["explain", "--model", f"{tmp_path}/net.py:net", "--data", f"{tmp_path}/data.npz", "--output", "scores"]
    assert main([*common, "--out", f"{tmp_path}/run", "--output-kind", "multilabel"]) == 0
    run = ws.open_run(tmp_path / "run")
    assert (run.config.output_choice, run.config.output_kind_name) == ("scores", "multilabel")
    assert len(run) == MULTI_HOT.sum()
    again = rerun(run.path, tmp_path / "again", trust=True)
    assert np.array_equal(np.asarray(run.relevance), np.asarray(again.relevance))
    assert main([*common, "--out", f"{tmp_path}/b", "--target", "contrast:0,rest", "--target", "top:2"]) == 0
    assert ws.open_run(tmp_path / "b").config.target == ("contrast:0,rest", "top:2")
    capsys.readouterr()
    assert main([*common, "--out", f"{tmp_path}/c", "--output-kind", "dense", "--output-option", "regoin=1,2"]) != 0
    assert "dense has no option 'regoin'; it has region" in capsys.readouterr().err


def test_images_of_the_same_classes_are_no_rows_of_0_and_1(tmp_path: Path) -> None:
    masks = [torch.tensor([[0, 1], [1, 1]])] * 6  # every sample has the classes 0 and 1
    data = list(zip(torch.tensor(PIXELS), masks, strict=True))
    run = ws.explain(segmenter(2), data, tmp_path / "run", output_kind="dense")
    assert run.labels.tolist() == [0, 1] * 6


@pytest.mark.parametrize("name", OUTPUT_KINDS)
def test_a_run_and_its_kind_agree_on_whether_a_class_is_predicted(name: str) -> None:
    kind = OUTPUT_KINDS[name]()
    config = {"model": "a", "weights_hash": "x", "composite": None, "target": "label", "preprocessing": {}}
    config |= {"dataset_fingerprint": "y", "class_names": ("cat",), "shard_rows": 16}
    assert RunConfig(**config, output_kind=kind.to_dict()).has_predictions == kind.exclusive


def test_true_values_have_the_names_of_the_outputs_and_not_of_the_classes_of_the_data(tmp_path: Path) -> None:
    data = TensorDataset(torch.tensor(X), torch.tensor(Y[2]))
    data.classes = ["cat", "dog", "eel"]
    run = explain(linear(2), data, tmp_path / "run", target="1")
    assert run.classes == ["0", "1"]
    assert np.allclose(run.samples["true_value.1"], Y[2][:, 1])


def test_values_next_to_several_classes_are_kept(tmp_path: Path) -> None:
    run = explain(linear(3), (X, Y[1]), tmp_path / "run")
    assert run.config.output_kind is None
    assert np.allclose(run.samples["true_value"], Y[1])
    assert np.array_equal(run.column("target"), run.column("prediction"))
    assert any("labels are not single classes, and are kept as true_value" in check.message for check in run.checks)


@pytest.mark.parametrize(
    "given",
    [
        np.array([2, -1, 0, 1], np.int8),
        np.array([2, 1, 0, 1], np.uint64),
        np.array([2.0, -1.0, 0.0, 1.0]),
        [2, None, 0, 1],
        ["dog", "cat", None, "dog"],
        [(0, 2), (), (1,), (0, 1)],
        None,
    ],
    ids=["int8", "uint64", "floats", "list", "names", "sets", "none"],
)
def test_labels_read_at_once_are_those_read_one_by_one(given: Any) -> None:
    labels = GivenLabels.of(given, 4)
    assert labels.read_rows(1, 4) == [labels[row] for row in (1, 2, 3)]
    assert labels.read_rows(2, 9) == [labels[row] for row in (2, 3)]
    assert all(type(label) in (int, type(None)) for label in labels.read_rows(0, 4))
