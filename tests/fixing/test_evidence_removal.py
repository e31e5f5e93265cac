"""Accuracies with and without the evidence: of some carriers it is the only reason, and it is known of which."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.fixing import Transplants, load_fixed, open_fix_task
from whyset.fixing.evidence_removal import make_evidence_removal
from whyset.interventions import Window
from whyset.store.findings import Finding, Findings, write_findings

TRAINED = Transplants(epochs=6, learning_rate=0.05, batch_size=16)


@pytest.fixture
def mislabeled(patched: Any) -> np.ndarray:
    """Carriers that look like the second class in all but the patch."""
    x, _, carriers = patched
    chosen = carriers[::2]
    x[chosen, 0] -= 0.5
    x[chosen, 1] += 0.5
    return chosen


@pytest.fixture
def given(patch_user: nn.Module, patched: Any, mislabeled: np.ndarray) -> dict[str, Any]:
    x, labels, _ = patched
    return {"model": patch_user, "dataset": (x.numpy(), labels), "progress": False}


@pytest.fixture
def run(given: Any, patch_finding: Finding, tmp_path: Path) -> ws.store.Run:
    run = ws.explain(
        *list(given.values())[:2], tmp_path / "run", composite="epsilon_plus", target="label", progress=False
    )
    write_findings(run, Findings(run.path, findings=(patch_finding,)))
    return ws.open_run(run.path)


def test_the_evidence_is_necessary_where_nothing_else_is_of_the_class(
    run: Any, given: Any, patched: Any, mislabeled: np.ndarray
) -> None:
    x, labels, _ = patched
    found = ws.fix(run, methods=[TRAINED], held_out=0.5, **given)
    with open_fix_task(run, found.finding, held_out=0.5, **given) as task:
        judging = task.judging_samples
        carriers = judging[task.judging.carriers]
    wrong = np.isin(carriers, mislabeled)
    assert 0 < wrong.mean() < 1
    before, (fix,) = found.shares, found.fixes
    assert before.necessity.value == pytest.approx(wrong.mean())
    assert before.removed.value == pytest.approx(1 - wrong.mean())
    assert (before.inserted.value, before.accuracy.value, before.own_class.value) == (0, 1, 1)
    assert fix.shares.necessity.value == 0  # the others are recognized by what they are
    assert fix.shares.removed.value == pytest.approx(1 - wrong.mean())
    assert fix.shares.inserted.value == pytest.approx(fix.regained.value)  # all of it was lost
    assert fix.shares.inserted.value > 0.5
    fixed, free = load_fixed(run, found.finding, given["model"]), np.setdiff1d(judging, carriers)
    with torch.no_grad():
        right = fixed(x[free]).argmax(1).numpy() == labels[free]
    assert fix.shares.accuracy.value == pytest.approx(right.mean())
    assert fix.shares.own_class.value == pytest.approx(right[labels[free] == 0].mean())
    assert fix.shares.accuracy.n_samples == len(free)
    assert run.fix(found.finding).shares == before
    totals = [(one.after, one.n_samples) for one in fix.classes]
    assert fix.shares.accuracy.value == pytest.approx(sum(rate * n for rate, n in totals) / len(free))


def test_other_data_takes_the_place_of_the_evidence(run: Any, given: Any, draw: Any) -> None:
    x, labels, _ = draw(seed=1)
    found = ws.fix(run, methods=[TRAINED], held_out=0.5, holdout=(x[labels != 0].numpy(), labels[labels != 0]), **given)
    assert found.shares.own_class is None  # the other data has no sample of the class
    assert 0 < found.shares.necessity.value < 1
    assert found.shares.accuracy.n_samples == (labels != 0).sum()


def test_nothing_is_removed_where_no_sample_of_another_class_judges(run: Any, given: Any) -> None:
    with open_fix_task(run, run.findings()[0].id, **given) as task:
        intervention, (x, region) = Window(side=3), (task.relevance.x, task.relevance.region)
        alone = replace(task.judging, labels=np.zeros_like(task.judging.labels))
        assert make_evidence_removal(intervention, x, region, alone, None) is None
        made = make_evidence_removal(intervention, x, region, task.judging, None)
        mask = region.mask.expand_as(x)
        assert torch.equal(made.without[~mask], x[~mask])
        assert not torch.equal(made.without[mask], x[mask])
