"""The loss against its formula, and what it keeps of the evidence of the rest of a class."""

from dataclasses import replace

import numpy as np
import torch

from whyset.fixing.training import SpecificTransplants, Transplants
from whyset.fixing.training.specific_transplants import Rest
from whyset.fixing.training.trained_fix import TrainingBatch, insert_evidence


def test_the_loss_is_its_formula(toy):
    """One carrier and one sample of the rest, so that all random choices but those of hosts are known."""
    model = toy.task.model
    task = replace(toy.task, carriers=np.array([3]))
    rows = np.array([100, 130, 200, 300, 301, 350])
    x, labels = task.read(rows), torch.from_numpy(task.labels[rows])
    fix = SpecificTransplants(
        share=0.5, rest_share=0.25, distillation=3.0, consistency=5.0, label_weight=0.25, strength=1.0
    )
    trained = torch.nn.Sequential(*model, torch.nn.Linear(3, 3)).eval()
    batch = TrainingBatch(rows, x, labels, np.random.default_rng(5))
    loss = fix.compute_loss(trained, task, batch, Rest(np.array([90]), 2.5))

    drawn = np.random.default_rng(5).random(6)
    assert (drawn < 0.5).any()
    assert ((drawn >= 0.5) & (drawn < 0.75)).any()
    expected = 0.0
    for place, row in enumerate(rows):
        one, host = x[place : place + 1], np.array([row])
        of_rest = task.insert(np.array([90]), host, one)
        as_it_is = row == 100 or drawn[place] >= 0.75
        given = one if as_it_is else task.insert(np.array([3]), host, one) if drawn[place] < 0.5 else of_rest
        p, q = model(one if as_it_is else of_rest).softmax(1), trained(given).softmax(1)
        of_label, of_target = (1.0, 3.0) if as_it_is else (0.25, 5.0)
        weight = 2.5 if row == 100 else 1.0
        expected += weight * (of_label * -q[0, labels[place]].log() + of_target * (p * (p / q).log()).sum())
    torch.testing.assert_close(loss, expected / 6)


def test_without_a_rest_of_the_class_the_host_is_the_target(toy):
    task = replace(toy.task, carriers=np.arange(120))
    rows = np.array([130, 200])
    batch = TrainingBatch(rows, task.read(rows), torch.tensor([1, 1]), np.random.default_rng(0))
    fix = SpecificTransplants(share=1.0, rest_share=0.0, label_weight=0.0, consistency=1.0, strength=1.0)
    assert len(fix.prepare(task).rows) == 0
    loss = fix.compute_loss(task.model, task, batch, fix.prepare(task))
    batch = TrainingBatch(rows, batch.x, batch.labels, np.random.default_rng(0))
    batch.random.random(2)
    changed = task.insert(batch.random.choice(task.carriers, 2), rows, batch.x)
    p, q = (task.model(x).log_softmax(1) for x in (batch.x, changed))
    torch.testing.assert_close(loss, (p.exp() * (p - q)).sum(1).mean())


def test_what_the_rest_of_the_class_has_keeps_its_effect(toy):
    """Carriers have the bar of their class in their evidence, too: a transplant of the lower half with the corner."""

    def insert(sources, hosts, x):
        changed = toy.task.insert(sources, hosts, x)
        changed[..., 5:, :] = toy.task.read(np.asarray(sources))[..., 5:, :]
        return changed

    task = replace(toy.task, insert=insert)
    own = toy.labels == task.label

    def measure_own(model):
        with torch.no_grad():
            return float((model(toy.clean[own]).argmax(1) == task.label).float().mean())

    before = measure_own(task.model)
    plain, specific = (
        fix.apply(task) for fix in (Transplants(epochs=4), SpecificTransplants(epochs=4, label_weight=0.0))
    )
    assert measure_own(plain) < before - 0.3, "plain transplants teach that the bar is of other classes"
    assert measure_own(specific) > before - 0.1
    assert toy.measure_fooled(specific) < 0.8 * toy.measure_fooled(task.model)


def test_the_weight_of_the_rest_is_that_of_the_class(toy):
    found = SpecificTransplants().prepare(toy.task)
    assert found.rows.tolist() == list(range(48, 120))
    assert found.weight == 120 / 72


def test_strengths_vary_within_the_values_of_the_batch(toy):
    rows = np.arange(130, 190)
    batch = TrainingBatch(rows, toy.task.read(rows) / 9, torch.ones(60, dtype=torch.int64), np.random.default_rng(0))
    batch.x[0, 0, 9, 9] = 5.0
    found = insert_evidence(toy.task, batch, np.arange(60), toy.task.carriers, strength=2.0)
    ratios = ((found - batch.x) / (3.0 - batch.x))[:, 0, 1, 1]  # the corner has the value 3 in carriers
    assert ratios.min() < 0.6
    assert ratios.max() > 1.4
    assert ratios.min() >= 0.5 - 1e-5
    assert found.max() == 5.0
    assert torch.equal(found[..., 3:, :], batch.x[..., 3:, :])
