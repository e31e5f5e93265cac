"""The concept that is added to what a layer takes, and the loss with it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from whyset.errors import InputError
from whyset.fixing.training import AClarc
from whyset.fixing.training.a_clarc import ConceptAddition
from whyset.fixing.training.latent_right_reasons import read_pairs
from whyset.fixing.training.trained_fix import TrainingBatch


def test_the_component_of_chosen_samples_becomes_that_of_the_concept_at_each_position() -> None:
    vector, a = torch.tensor([0.6, 0.8], dtype=torch.float64), torch.randn(3, 2, 4, 5, dtype=torch.float64)
    chosen = torch.tensor([True, False, True])
    changed = ConceptAddition("0", vector, torch.tensor(7.0)).change(a, chosen)
    along = torch.einsum("nchw,c->nhw", changed, vector)
    torch.testing.assert_close(along[chosen], torch.full((2, 4, 5), 7.0, dtype=torch.float64))
    assert torch.equal(changed[1], a[1])
    across = torch.tensor([-0.8, 0.6], dtype=torch.float64)
    torch.testing.assert_close(*(torch.einsum("nchw,c->nhw", one, across) for one in (changed, a)))


def test_the_loss_is_that_of_the_rest_of_the_model_by_hand(toy) -> None:
    model, rows = toy.task.model, np.arange(0, 300, 10)
    fix = AClarc(share=1.0)
    added = fix.prepare(toy.task)
    assert added.layer == "6"
    before, after = read_pairs(toy.task, "6", 256)
    difference = (after - before).mean(0)
    vector = difference / difference.norm()
    batch = TrainingBatch(rows, toy.task.read(rows), torch.from_numpy(toy.task.labels[rows]), np.random.default_rng(0))
    a = model[:6](batch.x).double()
    moved = a + (after @ vector).mean() * vector - (a @ vector)[:, None] * vector
    expected = F.cross_entropy(model[6](moved.float()), batch.labels)
    torch.testing.assert_close(fix.compute_loss(model, toy.task, batch, added), expected)
    assert len(model[6]._forward_pre_hooks) == 0


def test_the_concept_turns_samples_into_the_class_before_the_training_and_not_after(toy) -> None:
    """With it, samples of other classes are like those with the evidence; no image takes part."""
    fix = AClarc(epochs=4, layer="4")
    added, fixed = fix.prepare(toy.task), fix.apply(toy.task)
    x = toy.clean[toy.labels != toy.task.label]
    turned = []
    for model in (toy.task.model, fixed):
        with torch.no_grad(), added.add(model, torch.ones(len(x), dtype=torch.bool)):
            turned.append(float((model(x).argmax(1) == toy.task.label).float().mean()))
    assert turned[0] > 0.5
    assert turned[1] < turned[0] / 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"share": 1.5}, "expected a share from 0 to 1"),
        ({"n_pairs": 1}, "n_pairs"),
        ({"layer": "9"}, "path of a module"),
    ],
    ids=["share", "pairs", "layer"],
)
def test_what_does_not_fit_is_refused(toy, fields, message) -> None:
    with pytest.raises(InputError, match=message):
        AClarc(**fields).apply(toy.task)
