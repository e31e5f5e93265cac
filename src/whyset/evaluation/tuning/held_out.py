"""The comparison of the best searched candidate with the best preset, on samples that the choice has not seen."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from whyset.analysis.scores.paired import find_p_values
from whyset.attribution.methods import Method
from whyset.errors import InputError
from whyset.evaluation.measuring import describe_metric
from whyset.evaluation.metrics import Metric
from whyset.evaluation.paired import compare_paired
from whyset.evaluation.tuning.candidates import FAILURES, describe_failure
from whyset.evaluation.tuning.samples import TuningSamples
from whyset.store.effects.records import Estimate
from whyset.store.tunings import HeldOutMetric


def compare_held_out(
    samples: TuningSamples, metrics: Sequence[Metric], tuned: Method | None, preset: Method
) -> tuple[HeldOutMetric, ...]:
    """Measure metrics of both methods on held-out samples; one that cannot be measured has a problem.

    Parameters
    ----------
    samples : TuningSamples
        The held-out samples.
    metrics : sequence of Metric
        The metric that chose, first, and the others.
    tuned : Method or None
        The best searched candidate; None if there is none: then only the preset is measured.
    preset : Method
        The best preset.
    """
    return tuple(_compare(samples, metric, tuned, preset) for metric in metrics)


def _compare(samples: TuningSamples, metric: Metric, tuned: Method | None, preset: Method) -> HeldOutMetric:
    form, title, better = metric.to_dict(), describe_metric(metric), metric.better
    try:
        other = samples.measure(metric, preset)
        if tuned is None:
            return HeldOutMetric(form, title, better, preset=other.mean, random=_measure_random(samples, metric))
        own = samples.measure(metric, tuned)
    except FAILURES as error:
        return HeldOutMetric(form, title, better, problem=describe_failure(error))
    common = np.isfinite(own.array) & np.isfinite(other.array)
    count = int(common.sum())
    means = HeldOutMetric(form, title, better, own.mean, other.mean, _measure_random(samples, metric), n_samples=count)
    if count < 2:
        return replace(means, problem="fewer than two samples are defined")
    first, second = own.array[common], other.array[common]
    found = compare_paired(first, second, seed=samples.seed)
    (p_value,) = find_p_values((first - second)[None], samples.seed)
    return replace(means, difference=found.mean, interval=(found.low, found.high), p_value=p_value)


def _measure_random(samples: TuningSamples, metric: Metric) -> Estimate | None:
    """Return the mean for random relevance; None for metrics that explain further inputs."""
    if "explain" in metric.needs:
        return None
    try:
        return samples.measure(metric, None).mean
    except InputError:
        return None
