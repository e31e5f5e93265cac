"""Confidence intervals of shares and means."""

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError

CONFIDENCE = 0.95


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Give Wilson's score interval of a share (Wilson 1927; Brown, Cai, DasGupta 2001).

    With p = successes/trials and the normal quantile z: (p + z²/2n ± z √(p(1 - p)/n + z²/4n²)) / (1 + z²/n). It stays
    inside [0, 1] and keeps its width at shares of 0 and 1, where the textbook interval shrinks to a point.

    >>> [round(bound, 3) for bound in wilson(10, 10)]
    [0.722, 1.0]
    """
    from scipy.special import ndtri

    if not 0 <= successes <= trials or trials < 1:
        raise InputError(f"wilson needs 0 <= successes <= trials and a trial, got {successes} of {trials}.")
    z = float(ndtri((1 + confidence) / 2))
    share, square = successes / trials, z * z / trials
    centre = share + square / 2
    reach = z * np.sqrt(share * (1 - share) / trials + square / (4 * trials))
    return max(0.0, float((centre - reach) / (1 + square))), min(1.0, float((centre + reach) / (1 + square)))


def bootstrap_mean(
    values: NDArray[np.floating], *, seed: int, draws: int = 1000, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Give the percentile bootstrap interval of the mean of `values` (n,) (Efron, Tibshirani 1993, section 13.3)."""
    if not len(values):
        raise InputError("bootstrap_mean needs at least one value.")
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(len(values), size=len(values))].mean(dtype=np.float64) for _ in range(draws)]
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
