"""Comparison of methods by one metric, on the same samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from whyset.analysis.scores.inference import holm
from whyset.evaluation.paired import PairedDifference, compare_paired
from whyset.store.evaluations import MetricValues
from whyset.store.evaluations.records import Better

N_RESAMPLES = 9999
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class MethodDifference:
    """The difference of two methods by one metric.

    Parameters
    ----------
    first, second : str
        The names of the methods.
    difference : PairedDifference
        The mean of the first minus the second, with its interval, which is not corrected.
    p_value : float
        The p-value of a permutation test of the mean, in which the sign of each sample's difference is random.
    p_corrected : float
        The p-value corrected for the number of pairs of methods that are compared by this metric (Holm 1979).
    """

    first: str
    second: str
    difference: PairedDifference
    p_value: float
    p_corrected: float

    @property
    def is_significant(self) -> bool:
        """True if the corrected p-value is below 0.05."""
        return self.p_corrected < SIGNIFICANT


@dataclass(frozen=True)
class MetricComparison:
    """Methods compared by one metric, on the samples for which it is defined for all of them.

    Parameters
    ----------
    metric : str
        The description of the metric.
    title : str
        Its name in tables.
    better : "higher", "lower" or None
        Which values are those of better explanations; None for a description.
    n_samples : int
        The number of samples that are compared.
    means : mapping of str to float
        The mean of each method over these samples, the best first; of a description, in the given order.
    differences : tuple of MethodDifference
        All pairs of methods, in the order of `means`; empty for fewer than two samples.
    """

    metric: str
    title: str
    better: Better | None
    n_samples: int
    means: Mapping[str, float]
    differences: tuple[MethodDifference, ...]

    @property
    def best(self) -> str | None:
        """The method with the best mean; None for a description, or without samples."""
        return next(iter(self.means), None) if self.better is not None and self.differences else None

    @property
    def lead(self) -> MethodDifference | None:
        """The difference between the best method and the next; None for a description, or without samples."""
        return self.differences[0] if self.best is not None else None

    def describe(self) -> str:
        """Return a phrase on the best method, and whether it differs significantly from the next.

        It is empty for a description.
        """
        lead = self.lead
        if lead is None:
            return ""
        p = f"p {'<' if lead.p_corrected < 0.001 else '='} {max(lead.p_corrected, 0.001):.3f}"
        if lead.is_significant:
            return f"{lead.first} better than {lead.second} ({p})"
        return f"{lead.first}, {lead.second}: no significant difference ({p})"


def compare_methods(metric: str, values: Mapping[str, MetricValues], seed: int = 0) -> MetricComparison:
    """Compare methods by a metric that was measured for all of them, on the same samples.

    Parameters
    ----------
    metric : str
        The description of the metric.
    values : mapping of str to MetricValues
        The values of each method, of the same samples in the same order.
    seed : int, default 0
        The seed of the bootstrap samples and of the permutations.

    Returns
    -------
    MetricComparison
        The means on the common samples, and the difference of each pair of methods.
    """
    one = next(iter(values.values()))
    arrays = {name: found.array for name, found in values.items()}
    common = np.logical_and.reduce([np.isfinite(array) for array in arrays.values()])
    arrays = {name: array[common] for name, array in arrays.items()}
    count = int(common.sum())
    means = {name: float(array.mean()) for name, array in arrays.items()} if count else {}
    if one.better is not None:
        sign = -1 if one.better == "higher" else 1
        means = dict(sorted(means.items(), key=lambda item: sign * item[1]))
    pairs = list(combinations(means, 2)) if count > 1 else []
    found = [(compare_paired(arrays[a], arrays[b], seed=seed), find_p(arrays[a] - arrays[b], seed)) for a, b in pairs]
    corrected = holm([p_value for _, p_value in found])
    differences = tuple(
        MethodDifference(*pair, difference, p_value, min(1.0, p or 0.0))
        for pair, (difference, p_value), p in zip(pairs, found, corrected, strict=True)
    )
    return MetricComparison(metric, one.title, one.better, count, means, differences)


def find_p(differences: np.ndarray, seed: int = 0) -> float:
    """Return the two-sided p-value of a mean difference (n,) by random signs (Fisher 1935, Pitman 1937).

    If two methods are exchangeable, each difference is as likely as its negative: p is the share of means with random
    signs that are at least as far from 0, over all 2^n signs or 9,999 of them.

    >>> find_p(np.array([0.1, 0.2, 0.1, 0.3]))
    0.125
    """
    if not differences.any():
        return 1.0
    count = len(differences)
    found = stats.permutation_test(
        (differences,),
        lambda values, axis: np.mean(values, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=N_RESAMPLES,
        batch=max(1, 10**6 // count),
        random_state=np.random.default_rng(seed),
    )
    return float(found.pvalue)
