"""Relevance on the evidence before and after a fix, against the windows and shares of a plain loop."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlus
from whyset.fixing import PClarc, Transplants, load_fixed, open_fix_task
from whyset.interventions import ColorStatistics, Window
from whyset.store.effects import EffectSummary, Estimate
from whyset.store.findings import Finding, Findings, write_findings

SHARE = Estimate(0.9, (0.8, 1.0), 12)
FINDING = Finding(
    "00000", "0", "suspicion", "It is rare.", Window(side=3).to_dict(), "window of 3", "another window",
    (0, 1, 2, 3), tuple(range(12)), 40, (3.0,) * 12, None, None, EffectSummary(SHARE, SHARE, SHARE, SHARE), SHARE,
    0.9, None,
)  # fmt: skip
TRAINED = Transplants(epochs=6, learning_rate=0.05, batch_size=16)


@pytest.fixture
def given(patch_user: nn.Module, patched: Any) -> dict[str, Any]:
    x, labels, _ = patched
    return {"model": patch_user, "dataset": (x.numpy(), labels), "progress": False}


@pytest.fixture
def run(given: Any, tmp_path: Path) -> ws.store.Run:
    run = ws.explain(*list(given.values())[:2], tmp_path / "run", composite="epsilon_plus", progress=False)
    write_findings(run, Findings(run.path, findings=(FINDING,)))
    return ws.open_run(run.path)


def find_shares(maps: np.ndarray, of_run: np.ndarray) -> list[float]:
    """The share of each map in the window of 3 x 3 with most positive relevance in the run."""
    found = []
    for own, stored in zip(maps.sum(1), of_run.sum(1), strict=True):
        sums = {
            (top, left): np.clip(stored[top : top + 3, left : left + 3], 0, None).sum()
            for top in range(stored.shape[0] - 2)
            for left in range(stored.shape[1] - 2)
        }
        top, left = max(sums, key=lambda place: sums[place])
        positive = np.clip(own, 0, None)
        found.append(positive[top : top + 3, left : left + 3].sum() / positive.sum())
    return found


def test_shares_are_those_of_the_held_out_carriers(run: Any, given: Any, patched: Any) -> None:
    x, _, _ = patched
    found = ws.fix(run, methods=[TRAINED, PClarc(layer="second", pooling="mean")], **given)
    with open_fix_task(run, found.finding, **given) as task:
        rows = task.judging_samples[task.judging.carriers]
    of_run = np.asarray(run.relevance[rows], np.float64)

    def explain(model: nn.Module) -> np.ndarray:
        with Gradient(model, EpsilonPlus()) as attribute:
            _, maps = attribute(x[rows], torch.zeros(len(rows), dtype=torch.int64))
        return maps.double().numpy()

    before = find_shares(explain(given["model"]), of_run)
    assert found.relevance.value == pytest.approx(np.mean(before), rel=1e-4)
    assert found.relevance.n_samples == len(rows)
    assert found.relevance.value > 0.8  # the patch decides
    for one in found.fixes:
        after = find_shares(explain(load_fixed(run, found.finding, given["model"], one.id)), of_run)
        assert one.relevance.value == pytest.approx(np.mean(after), rel=1e-4)
    assert found.get(TRAINED.describe()).relevance.value < 0.5


def test_evidence_without_a_place_has_no_relevance(run: Any, given: Any) -> None:
    write_findings(
        run, Findings(run.path, findings=(replace(FINDING, intervention=ColorStatistics().to_dict(), text="colors"),))
    )
    found = ws.fix(ws.open_run(run.path), methods=[TRAINED], **given)
    assert found.relevance is None
    assert [one.relevance for one in found.fixes] == [None]
    assert found.fixes[0].problem is None
