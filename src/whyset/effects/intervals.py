"""Intervals of 95 % for means over samples, each of which was measured on several hosts."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from whyset.errors import InputError
from whyset.store.effects import Estimate

_TAIL = 0.025


def estimate_share(turned: ArrayLike, hosts: ArrayLike) -> Estimate:
    """Estimate the share of hosts that turn, with hosts nested in samples (Korn and Graubard 1998).

    The share p is the mean of those of the samples, and the interval that of Clopper and Pearson for the number of
    independent hosts that would give the variance between samples: `n = p(1 − p) / (s²/k) · (t_{N−1} / t_{k−1})²` for k
    samples with variance s² and N hosts, at most N. If no host turns, or all do, the variance is unknown, and n is k:
    hosts of the same sample could be copies of each other. For few samples and small shares this interval holds what it
    promises, and percentiles of a bootstrap do not.

    Parameters
    ----------
    turned : array_like of int
        The number of hosts of each sample that turned.
    hosts : array_like of int
        The number of hosts of each sample; samples without hosts do not count.

    Returns
    -------
    Estimate
        The share; without an interval for fewer than two samples.

    Raises
    ------
    InputError
        No sample has hosts.

    Examples
    --------
    >>> found = estimate_share([8, 7, 8, 6, 8], [8, 8, 8, 8, 8])
    >>> found.value, [round(end, 2) for end in found.interval]
    (0.925, [0.6, 1.0])
    """
    counts, totals = np.asarray(turned, np.float64), np.asarray(hosts, np.float64)
    counts, totals = counts[totals > 0], totals[totals > 0]
    if not len(totals):
        raise InputError("estimate_share: expected at least one sample with hosts")
    shares, total, k = counts / totals, float(totals.sum()), len(totals)
    p = float(shares.mean())
    if k < 2:
        return Estimate(p, None, k)
    variance = float(shares.var(ddof=1)) / k
    if 0 < p < 1:
        n = total if variance == 0 else min(total, p * (1 - p) / variance)
        n *= (stats.t.isf(_TAIL, total - 1) / stats.t.isf(_TAIL, k - 1)) ** 2
    else:
        n = float(k)
    low = float(stats.beta.ppf(_TAIL, p * n, (1 - p) * n + 1)) if p > 0 else 0.0
    high = float(stats.beta.isf(_TAIL, p * n + 1, (1 - p) * n)) if p < 1 else 1.0
    return Estimate(p, (low, high), k)


def estimate_fraction(chosen: NDArray[np.bool_]) -> Estimate:
    """Estimate the share of samples that are chosen.

    >>> estimate_fraction(np.array([True, False, False, True])).value
    0.5
    """
    return estimate_share(chosen, np.ones(len(chosen)))


def estimate_difference(one: Estimate, other: Estimate) -> Estimate:
    """Estimate the difference of two shares of the same samples from their intervals (Newcombe 1998, method 10).

    `d − √((p₁ − l₁)² + (u₂ − p₂)²)` is the lower end, and the upper one likewise. It takes the shares for independent:
    if samples with a large share also have a large null, the interval is wider than needed.
    """
    value = one.value - other.value
    if one.interval is None or other.interval is None:
        return Estimate(value, None, one.n_samples)
    low = math.hypot(one.value - one.interval[0], other.interval[1] - other.value)
    high = math.hypot(one.interval[1] - one.value, other.value - other.interval[0])
    return Estimate(value, (max(-1.0, value - low), min(1.0, value + high)), one.n_samples)


def estimate_mean(values: ArrayLike) -> Estimate:
    """Estimate the mean of one number for each sample, with the interval of Student's t.

    >>> estimate_mean([1.0, 2.0, 3.0]).value
    2.0
    """
    found: NDArray[np.float64] = np.asarray(values, np.float64)
    mean = float(found.mean())
    if len(found) < 2:
        return Estimate(mean, None, len(found))
    half = float(stats.t.isf(_TAIL, len(found) - 1)) * float(found.std(ddof=1)) / math.sqrt(len(found))
    return Estimate(mean, (mean - half, mean + half), len(found))
