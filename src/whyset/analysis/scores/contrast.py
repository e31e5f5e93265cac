"""A cluster against the rest of its class: accuracy and confidence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.scores.inference import bootstrap_mean, wilson


@dataclass(frozen=True)
class ClusterContrast:
    """A mean or share `inside` a cluster and `outside`, each with an interval of 95 %, and the p-value of a difference.

    Values are None without known samples, the p-value if one side has none.
    """

    inside: float | None
    inside_interval: tuple[float, float] | None
    outside: float | None
    outside_interval: tuple[float, float] | None
    p_value: float | None


def accuracy_contrast(
    labels: NDArray[np.integer], predictions: NDArray[np.integer], inside: NDArray[np.bool_]
) -> ClusterContrast:
    """Compare the accuracy: Wilson's intervals, Fisher's exact test (two-sided). Samples whose label
    or prediction is unknown (-1) do not count.
    """
    from scipy.stats import fisher_exact

    known, right = (labels >= 0) & (predictions >= 0), labels == predictions
    counts = [(int(np.count_nonzero(right & side)), int(np.count_nonzero(side))) for side in _sides(inside, known)]
    (share, interval), (other, other_interval) = (
        (hits / trials, wilson(hits, trials)) if trials else (None, None) for hits, trials in counts
    )
    tested = all(trials for _, trials in counts)
    table = [[hits, trials - hits] for hits, trials in counts]
    return ClusterContrast(
        share, interval, other, other_interval, float(fisher_exact(table).pvalue) if tested else None
    )


def confidence_contrast(confidence: NDArray[np.floating], inside: NDArray[np.bool_], *, seed: int) -> ClusterContrast:
    """Compare the mean confidence: bootstrap intervals, Mann and Whitney's rank test (1947, two-sided)."""
    from scipy.stats import mannwhitneyu

    own, others = (confidence[side].astype(np.float64) for side in _sides(inside, np.isfinite(confidence)))
    (mean, interval), (other, other_interval) = (
        (float(values.mean()), bootstrap_mean(values, seed=seed)) if len(values) else (None, None)
        for values in (own, others)
    )
    tested = len(own) > 0 and len(others) > 0
    return ClusterContrast(
        mean, interval, other, other_interval, float(mannwhitneyu(own, others).pvalue) if tested else None
    )


def _sides(inside: NDArray[np.bool_], known: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return inside & known, ~inside & known
