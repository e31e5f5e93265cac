"""Evaluations in the runs of tests: metrics of three methods on the same samples, with known differences."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from whyset.store import Run
from whyset.store.effects.records import Estimate
from whyset.store.evaluations import EvaluatedSamples, ListedMetric, MetricValues, open_writer

ROWS = tuple(range(0, 40))
NO_MODEL = "the run has no model"
FRACTIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
SHIFTS: Mapping[str, float] = {"sample": 0.0, "close": 0.004, "other": 0.2}
"""What is added to the values of each method: the second hardly differs from the first."""


def make_metrics(shift: float, seed: int, *, measured: bool = True) -> dict[ListedMetric, MetricValues]:
    """Deletion with curves, lower is better; sparseness, higher is better, one value not defined; infidelity."""
    base = np.random.default_rng(0).uniform(0.2, 0.6, len(ROWS))
    noise = np.random.default_rng(seed).normal(0, 0.03, (2, len(ROWS)))
    deletion = base + shift + noise[0]
    sparseness: list[float | None] = (base + shift / 2 + noise[1]).tolist()
    sparseness[3] = None
    curves = tuple(tuple(float(value * (1 - place)) for place in FRACTIONS) for value in deletion)
    found = [
        ("deletion", {"steps": 4}, "deletion, steps 4", _make("deletion", "lower", deletion.tolist())),
        ("sparseness", {}, "sparseness", _make("sparseness", "higher", sparseness)),
        ("infidelity", {}, "infidelity", _make("infidelity", "lower", (deletion * 2).tolist())),
    ]
    found[0] = (*found[0][:3], replace(found[0][3], fractions=FRACTIONS, curves=curves))
    if not measured:
        found[2] = (*found[2][:3], MetricValues({}, "infidelity", "lower", problem=NO_MODEL))
    return {
        ListedMetric.of({"name": name, "fields": fields}, text): replace(
            values, metric={"name": name, "fields": fields}
        )
        for name, fields, text, values in found
    }


def write_evaluation(run: Run, shift: float = 0.0, *, seed: int = 1, measured: bool = True, **samples: Any) -> None:
    """Write the metrics into a run; `samples` are fields of `EvaluatedSamples`."""
    metrics = make_metrics(shift, seed, measured=measured)
    given = {"rows": ROWS, "inputs": "sha256:inputs", **samples}
    writer = open_writer(run.path, "evaluation", EvaluatedSamples(**given), list(metrics))
    for listed, values in metrics.items():
        writer.write(listed, values)


def _make(title: str, better: Any, values: list[float | None]) -> MetricValues:
    known = [value for value in values if value is not None]
    half = 1.96 * float(np.std(known)) / len(known) ** 0.5
    mean = float(np.mean(known))
    return MetricValues({}, title, better, tuple(values), Estimate(mean, (mean - half, mean + half), len(known)))
