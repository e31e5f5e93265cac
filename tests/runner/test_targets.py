"""Targets: which outputs of the model are explained for each sample."""

from typing import Any

import numpy as np
import pytest
import torch

from whyset.errors import InputError
from whyset.runner.targets import Listed, Targets, choose_targets, label_tensor

OUTPUT = torch.tensor([[1.0, 3.0, 2.0], [5.0, 4.0, 0.0]])
CPU = torch.device("cpu")
NAMES = ("cat", "dog", "eel")


@pytest.mark.parametrize(
    ("given", "labels", "expected"),
    [
        ("label", [0, 2], [[0, 2]]),
        ("label", [None, 2], [[1, 2]]),
        ("label", [None, None], [[1, 0]]),
        ("prediction", [0, 2], [[1, 0]]),
        (2, [0, 1], [[2, 2]]),
        ("2", [0, 1], [[2, 2]]),
        ("top:1", [0, 1], [[1, 0]]),
        ("top:3", [0, 1], [[1, 0], [2, 1], [0, 2]]),
        (["label", 0], [None, 2], [[1, 2], [0, 0]]),
        (("top:2", "prediction"), [0, 0], [[1, 0], [2, 1], [1, 0]]),
    ],
)
def test_the_outputs_of_every_target_in_order(given: object, labels: list[int | None], expected: list[int]) -> None:
    targets, known = Targets.of(given).resolve(NAMES), label_tensor(labels, CPU)
    assert targets.indices(OUTPUT, known).tolist() == expected
    assert targets.count == len(expected)
    hot = [chosen.coefficient(OUTPUT).argmax(1).tolist() for chosen in targets.list_values(known)]
    assert hot == expected


@pytest.mark.parametrize(
    "given",
    [
        *("-1", "1.5", "", "top:0", "top:", "top:x", "contrast:1", "contrast:1,", "reference:", "reference:x"),
        *("reference:nan", "reference:0,inf", "similarity:", ["label", "-1"]),
    ],
)
def test_anything_else_is_refused(given: object) -> None:
    with pytest.raises(InputError, match=r"label, prediction, the index of an output \(0, 1, ...\) or top:K"):
        Targets.of(given)


@pytest.mark.parametrize(
    ("given", "message"), [([], "no target was given"), (["1", 1], "targets must differ, but one is given twice: 1, 1")]
)
def test_none_and_the_same_twice_are_refused(given: list[str | int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Targets.of(given)


def test_outputs_that_the_model_does_not_have_are_refused() -> None:
    with pytest.raises(InputError, match="target 3 is not an output of the model, which has outputs 0 to 2"):
        Targets.of(3).resolve(NAMES)
    with pytest.raises(InputError, match="target top:4 needs 4 outputs, but the model has 3"):
        Targets.of(["label", "top:4"]).resolve(NAMES)
    with pytest.raises(InputError, match=r"target 'dgo' is not a class .* one of the classes cat, dog, eel"):
        Targets.of("dgo").resolve(NAMES)
    Targets.of(["top:3", 2]).resolve(NAMES)


@pytest.mark.parametrize(
    ("given", "value", "stored"),
    [
        ("contrast:cat,eel", [1.0 - 2.0, 5.0 - 0.0], 0),
        ("contrast:2, 0", [1.0, -5.0], 2),
        ("reference:dog,2.5", [0.5, 1.5], 1),
    ],
)
@pytest.mark.parametrize("conserving", [True, False])
def test_derived_values_are_columns_after_the_scores(
    given: str, value: list[float], stored: int, conserving: bool
) -> None:
    targets = Targets.of(["label", given]).resolve(NAMES)
    scores = targets.add_derived(OUTPUT, conserving=conserving)
    chosen = targets.indices(scores, label_tensor([1, None], CPU))
    assert torch.allclose(scores[:, 3], torch.tensor(value))
    assert chosen.tolist() == [[1, 0], [3, 3]]
    assert targets.stored_indices(chosen).tolist() == [[1, 0], [stored, stored]]


def test_the_gradient_of_a_contrast_to_the_rest_is_that_of_the_log_odds() -> None:
    z = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    target = Targets.of("contrast:2,rest").resolve(["a", "b", "c", "d"])
    (found,) = torch.autograd.grad(target.add_derived(z, conserving=True)[:, 4].sum(), z)
    p = z.softmax(1)[:, 2]
    (expected,) = torch.autograd.grad((p / (1 - p)).log().sum(), z)
    assert torch.allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(("given", "stored"), [(2, "2"), ("top:3", "top:3"), (["label", 2], ("label", "2"))])
def test_the_stored_form_gives_the_same_targets_again(given: object, stored: object) -> None:
    assert Targets.of(given).to_text() == stored
    assert Targets.of(stored) == Targets.of(given)


def test_a_sequence_has_an_output_for_each_sample() -> None:
    for given in ([0, 2], np.array([0, 2]), torch.tensor([0, 2])):
        targets = Targets.of(choose_targets(given, None)).resolve(NAMES)
        assert targets.indices(OUTPUT, torch.tensor([0, 2])).tolist() == [[0, 2]]
        assert targets.to_text() == Targets.of(Listed((0, 2))).to_text() != Targets.of(Listed((2, 0))).to_text()


@pytest.mark.parametrize("number", [np.int64(2), np.array(2), torch.tensor(2), 2])
def test_whole_numbers_of_numpy_and_torch_are_indices_of_outputs(number: Any) -> None:
    assert Targets.of(choose_targets(number, None)) == Targets.of(2)
    assert Targets.of(choose_targets("label", [number, "top:2"])) == Targets.of([2, "top:2"])
    assert Targets.of(choose_targets("label", np.array([2, 0]))) == Targets.of([2, 0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "targets"),
    [(1.5, None), ([0, "a"], None), ([], None), (None, None), ("label", 3.5), ("label", np.int64(1))],
)
def test_what_is_not_a_target_is_refused_by_name(target: Any, targets: Any) -> None:
    with pytest.raises(InputError, match=r"^targets?: expected"):
        choose_targets(target, targets)
