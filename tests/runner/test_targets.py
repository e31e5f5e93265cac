"""Targets: which outputs of the model are explained for each sample."""

from typing import Any

import numpy as np
import pytest
import torch

from whyset.errors import InputError
from whyset.runner.targets import Targets, choose_targets, label_tensor

OUTPUT = torch.tensor([[1.0, 3.0, 2.0], [5.0, 4.0, 0.0]])
CPU = torch.device("cpu")


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
    targets, known = Targets.of(given), label_tensor(labels, CPU)
    assert targets.indices(OUTPUT, known).tolist() == expected
    assert targets.count == len(expected)
    hot = [chosen.coefficient(OUTPUT).argmax(1).tolist() for chosen in targets.outputs(known)]
    assert hot == expected


@pytest.mark.parametrize("given", ["dog", "-1", "1.5", "", "top:0", "top:", "top:x", ["label", "dog"]])
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
        Targets.of(3).check(3)
    with pytest.raises(InputError, match="target top:4 needs 4 outputs, but the model has 3"):
        Targets.of(["label", "top:4"]).check(3)
    Targets.of(["top:3", 2]).check(3)


@pytest.mark.parametrize(("given", "stored"), [(2, "2"), ("top:3", "top:3"), (["label", 2], ("label", "2"))])
def test_the_stored_form_gives_the_same_targets_again(given: object, stored: object) -> None:
    assert Targets.of(given).to_text() == stored
    assert Targets.of(stored) == Targets.of(given)


@pytest.mark.parametrize("number", [np.int64(2), np.array(2), torch.tensor(2), 2])
def test_whole_numbers_of_numpy_and_torch_are_indices_of_outputs(number: Any) -> None:
    assert Targets.of(choose_targets(number, None)) == Targets.of(2)
    assert Targets.of(choose_targets("label", [number, "top:2"])) == Targets.of([2, "top:2"])
    assert Targets.of(choose_targets("label", np.array([2, 0]))) == Targets.of([2, 0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "targets"), [(1.5, None), ([0, 1], None), (None, None), ("label", 3.5), ("label", np.int64(1))]
)
def test_what_is_not_a_target_is_refused_by_name(target: Any, targets: Any) -> None:
    with pytest.raises(InputError, match=r"^targets?: expected"):
        choose_targets(target, targets)
