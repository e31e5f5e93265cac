"""Target: which output of the model is explained for each sample."""

import pytest
import torch
from torch import nn

from whyset.errors import InputError
from whyset.runner.targets import Target

X = torch.tensor([[1.0, 3.0, 2.0], [5.0, 4.0, 0.0]])


@pytest.mark.parametrize(
    ("given", "labels", "expected"),
    [
        ("label", [0, 2], [0, 2]),
        ("label", [None, 2], [1, 2]),
        ("label", [None, None], None),
        ("prediction", [0, 2], None),
        (2, [0, 1], [2, 2]),
        ("2", [0, 1], [2, 2]),
    ],
)
def test_label_prediction_and_index(given: str | int, labels: list[int | None], expected: list[int] | None) -> None:
    found = Target.of(given).of_batch(labels, nn.Identity(), X)
    assert (None if found is None else found.tolist()) == expected


@pytest.mark.parametrize("given", ["dog", "-1", "1.5", ""])
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="label, prediction or the index"):
        Target.of(given)


def test_an_index_beyond_the_outputs_is_no_class() -> None:
    with pytest.raises(InputError, match="target 3: there is no such class; the model has outputs 0 to 2"):
        Target.of(3).check(3)
