"""The new last layer against scikit-learn, and groups of equal size."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from whyset.errors import InputError
from whyset.fixing.training import LastLayer
from whyset.fixing.training.last_layer import make_groups
from whyset.fixing.training.last_linear import find_last_linear


def test_groups_are_the_classes_with_and_without_the_evidence(toy):
    groups = make_groups(toy.task, find_last_linear(toy.task))
    assert [(one.label, len(one.values)) for one in groups] == [
        (0, 72),
        (1, 120),
        (2, 120),
        (1, 120),
        (2, 120),
        (0, 48),
    ]


def test_other_layers_stay_and_predictions_are_those_of_the_regression(toy):
    fixed = LastLayer(n_draws=1, strength=0.5).apply(toy.task)
    assert all(torch.equal(fixed[layer].weight, toy.task.model[layer].weight) for layer in (0, 4))
    groups = make_groups(toy.task, "6")
    values = np.concatenate([one.values for one in groups])
    mean, scale = values.mean(0), np.where(values.std(0) > 0, values.std(0), 1)
    random = np.random.default_rng([0, 4])
    chosen = np.concatenate([one.values[random.permutation(len(one.values))[:48]] for one in groups])
    fitted = LogisticRegression(C=2.0, max_iter=1000)
    fitted.fit((chosen - mean) / scale, np.repeat([one.label for one in groups], 48))
    expected = torch.from_numpy(fitted.predict_proba((groups[1].values - mean) / scale))
    with torch.no_grad():
        found = fixed(toy.task.read(np.arange(120, 240))).softmax(1).double()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_two_classes_have_a_weight_each(toy):
    labels = np.minimum(toy.task.labels, 1)
    model = nn.Sequential(*toy.task.model[:-1], nn.Linear(24, 2, bias=False)).eval()
    fixed = LastLayer().apply(replace(toy.task, labels=labels, model=model))
    with torch.no_grad():
        right = fixed(toy.clean).argmax(1) == toy.labels.clamp(max=1)
    assert fixed[-1].bias is not None
    assert float(right.float().mean()) > 0.7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": nn.Sequential(nn.Conv2d(1, 3, 10), nn.Flatten())}, "got 0 linear layers"),
        ({"model": nn.Sequential(nn.Flatten(), nn.Linear(100, 3), nn.Softplus())}, "of which none does"),
        ({"model": nn.Sequential(nn.Flatten(), nn.Linear(100, 5))}, r"got none of \[3, 4\]"),
    ],
    ids=["no linear layer", "not the last", "empty classes"],
)
def test_models_without_a_last_linear_layer_are_refused(toy, change, message):
    with pytest.raises(InputError, match=message):
        LastLayer().apply(replace(toy.task, **change))
