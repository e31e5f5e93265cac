"""The concept vector of inserted evidence, and the penalty along it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from whyset.errors import InputError
from whyset.fixing.training import LatentRightReasons
from whyset.fixing.training.latent_right_reasons import fit_concept_vector
from whyset.fixing.training.trained_fix import TrainingBatch


def test_the_vector_is_the_direction_of_the_mean_change(toy):
    """A convolution whose second channel alone sees a constant that is added: the vector is that channel."""
    conv = nn.Conv2d(1, 2, 3, bias=False)
    conv.weight.data[0] -= conv.weight.data[0].mean()
    task = replace(toy.task, model=nn.Sequential(conv, nn.Identity()), insert=lambda sources, hosts, x: x + 1)
    vector = fit_concept_vector(task, "1", 20)
    sign = float(conv.weight.data[1].sum().sign())
    torch.testing.assert_close(vector, torch.tensor([0.0, sign], dtype=torch.float64), atol=1e-5, rtol=0)


def test_the_penalty_of_a_linear_layer_is_that_of_its_weights(toy):
    model = nn.Sequential(nn.Flatten(), nn.Linear(100, 3))
    rows = np.arange(5)
    batch = TrainingBatch(rows, toy.task.read(rows), torch.zeros(5, dtype=torch.int64), np.random.default_rng(0))
    vector = torch.randn(100, dtype=torch.float64)
    losses = [
        LatentRightReasons(weight=weight).compute_loss(model, toy.task, batch, ("1", vector)) for weight in (0.0, 2.0)
    ]
    expected = 2 * (model[1].weight[toy.task.label] @ vector.float()).square()
    torch.testing.assert_close(losses[1] - losses[0], expected)


def test_the_penalty_removes_what_the_model_uses_along_the_vector(toy):
    fix = LatentRightReasons(weight=100.0, layer="2", epochs=4)
    fixed = fix.apply(toy.task)
    batch = TrainingBatch(
        np.arange(99), toy.task.read(np.arange(99)), torch.zeros(99, dtype=torch.int64), np.random.default_rng()
    )
    context = fix.prepare(toy.task)
    of_label = [LatentRightReasons(weight=weight, layer="2") for weight in (0.0, 1.0)]
    penalties = [
        float(of_label[1].compute_loss(model, toy.task, batch, context))
        - float(of_label[0].compute_loss(model, toy.task, batch, context))
        for model in (toy.task.model, fixed)
    ]
    assert penalties[1] < 0.3 * penalties[0]


@pytest.mark.parametrize(
    ("layer", "message"),
    [("9", "expected the path of a module"), ("3", "does not change")],
    ids=["unknown", "unchanged"],
)
def test_layers_that_cannot_be_used_are_refused(toy, layer, message):
    task = replace(toy.task, insert=lambda sources, hosts, x: x) if layer == "3" else toy.task
    with pytest.raises(InputError, match=message):
        LatentRightReasons(layer=layer).apply(task)
