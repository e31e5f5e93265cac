"""Confidence intervals of shares and means, and the correction for multiple tests."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError

CONFIDENCE = 0.95


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return Wilson's score interval of a share (Wilson 1927; Brown, Cai, DasGupta 2001).

    With p = successes/trials and the normal quantile z: (p + z²/2n ± z √(p(1 - p)/n + z²/4n²)) / (1 + z²/n). It stays
    inside [0, 1] and keeps its width at shares of 0 and 1, where the textbook interval shrinks to a point.

    >>> [round(bound, 3) for bound in wilson(10, 10)]
    [0.722, 1.0]
    """
    from scipy.stats import binomtest  # 0.3 s to import, and most commands do not need it

    if not 0 <= successes <= trials or trials < 1:
        raise InputError(f"wilson needs 0 <= successes <= trials and a trial, got {successes} of {trials}.")
    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def bootstrap_mean(
    values: NDArray[np.floating], *, seed: int, draws: int = 1000, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of `values` (n,) (Efron, Tibshirani 1993, section 13.3).

    A single value is both ends of its interval.
    """
    from scipy.stats import bootstrap

    if not len(values):
        raise InputError("bootstrap_mean needs at least one value.")
    sample = np.asarray(values, np.float64)
    if len(sample) == 1:
        return float(sample[0]), float(sample[0])
    interval = bootstrap(
        (sample,),
        np.mean,
        n_resamples=draws,
        batch=1,  # all resamples at once would take draws * n values of memory
        confidence_level=confidence,
        method="percentile",
        random_state=np.random.default_rng(seed),  # SciPy before 1.15 does not have `rng`
    ).confidence_interval
    return float(interval.low), float(interval.high)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return each p-value corrected for their number; None for None.

    Of m known p-values in ascending order, the corrected ones are max_(j <= i) min(1, (m - j + 1) p_(j)) (Holm 1979).
    The chance that any true null hypothesis has a corrected value below a is at most a, however the tests depend on
    each other. The smallest is that of Bonferroni, m p_(1).

    >>> holm([0.01, None, 0.03, 0.02])
    [0.03, None, 0.04, 0.04]
    """
    known = sorted((value, number) for number, value in enumerate(p_values) if value is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for place, (value, number) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - place) * value))
        corrected[number] = largest
    return corrected


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the q-value of each p-value; None for None.

    Of m known p-values in ascending order, q_(i) = min_(j >= i) p_(j) m / j, at most 1 (Benjamini, Hochberg 1995). If
    all tests with q <= a are called findings, then at most the share a of them is expected to be false. It holds for
    independent tests, and for tests with positive dependence.

    >>> benjamini_hochberg([0.01, None, 0.5, 0.02])
    [0.03, None, 0.5, 0.03]
    """
    from scipy.stats import false_discovery_control  # 0.3 s to import, and most commands do not need it

    known = [number for number, value in enumerate(p_values) if value is not None]
    q_values: list[float | None] = [None] * len(p_values)
    values = np.array([p_values[number] for number in known], np.float64)
    for number, q_value in zip(known, false_discovery_control(values) if known else (), strict=True):
        q_values[number] = float(q_value)
    return q_values
