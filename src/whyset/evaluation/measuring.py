"""The measurement of one metric over all batches."""

import time
from collections.abc import Callable

import numpy as np

from whyset.analysis.scores.paired import bootstrap_interval
from whyset.errors import InputError
from whyset.evaluation.material import Material
from whyset.evaluation.metrics.metric import Measured, Metric, Values
from whyset.store.effects.records import Estimate
from whyset.store.evaluations import MetricValues

CONFIDENCE_LEVEL = 0.95
N_RESAMPLES = 9999


def measure(metric: Metric, material: Material, seed: int, report: Callable[[int], None]) -> MetricValues:
    """Measure a metric of all samples; `report` is called with the number of samples of each finished batch.

    InputError: the metric does not fit the samples, or does not return a number for each.
    """
    began = time.perf_counter()
    parts = []
    for batch in material.batches():
        parts.append(_require_numbers(metric, metric.measure(batch), len(batch.rows)))
        report(len(batch.rows))
    values = np.concatenate([part.values for part in parts])
    curves, fractions = _join_curves(parts)
    return MetricValues(
        metric=metric.to_dict(),
        title=metric.title,
        better=metric.better,
        values=tuple(float(value) if np.isfinite(value) else None for value in values),
        mean=estimate_mean(values, seed),
        seconds=round(time.perf_counter() - began, 3),
        fractions=fractions,
        curves=curves,
    )


def describe_metric(metric: Metric) -> str:
    """Return the title of a metric, and the parameters that are not the default.

    >>> from whyset.evaluation.metrics import as_metric
    >>> describe_metric(as_metric("road:patch_size=4"))
    'ROAD, patch_size 4'
    """
    return metric.title + metric.describe().removeprefix(metric.name.replace("_", " "))


def describe_unmeasured(metric: Metric, problem: str) -> MetricValues:
    """Return the record of a metric that was not measured, with the reason."""
    return MetricValues(metric.to_dict(), metric.title, metric.better, problem=problem)


def estimate_mean(values: Values, seed: int = 0) -> Estimate | None:
    """Return the mean of the finite values with its BCa bootstrap interval of 95 %; None if there are none.

    There is no interval for a single value.

    >>> estimate_mean(np.array([0.5, np.nan]))
    Estimate(value=0.5, interval=None, n_samples=1)
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    interval = bootstrap_interval(finite, CONFIDENCE_LEVEL, N_RESAMPLES, seed) if len(finite) > 1 else None
    return Estimate(float(finite.mean()), interval, len(finite))


def _require_numbers(metric: Metric, found: Measured, count: int) -> Measured:
    shape = found.values.shape
    if shape != (count,):
        raise InputError(f"{describe_metric(metric)}: expected a number for each of {count} samples, got shape {shape}")
    if found.curves is not None and (found.fractions is None or found.curves.shape != (count, len(found.fractions))):
        raise InputError(f"{describe_metric(metric)}: expected curves (samples, positions), got {found.curves.shape}")
    return found


def _join_curves(
    parts: list[Measured],
) -> tuple[tuple[tuple[float, ...] | None, ...] | None, tuple[float, ...] | None]:
    """Return the curves of all samples, None where one is not finite, and their positions."""
    first = parts[0].fractions
    if first is None or any(part.curves is None for part in parts):
        return None, None
    curves = np.concatenate([part.curves for part in parts if part.curves is not None])
    finite = np.isfinite(curves).all(1)
    listed = [tuple(map(float, curve)) if known else None for curve, known in zip(curves, finite, strict=True)]
    return tuple(listed), tuple(map(float, first))
