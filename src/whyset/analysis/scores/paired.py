"""Methods compared on the same samples: p-values of mean differences, intervals, and which methods are best."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.scores.inference import holm
from whyset.store.evaluations.records import Better

N_SIGNS = 9999
_MOST_NUMBERS = 10**7
"""Signs that are in memory at a time."""
SIGNIFICANT = 0.05
_ROUNDING = 1e-12
"""Values whose relative differences are smaller are equal: 0.1 + 0.2 is not 0.3."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class PairTest:
    """The test of a difference between the means of two methods.

    Parameters
    ----------
    first, second : str
        The names of the methods.
    p_value : float
        The p-value of `find_p_values`.
    p_corrected : float
        The same, corrected for the number of pairs of methods (Holm 1979).
    """

    first: str
    second: str
    p_value: float
    p_corrected: float

    @property
    def is_significant(self) -> bool:
        """True if the corrected p-value is below 0.05."""
        return self.p_corrected < SIGNIFICANT


@dataclass(frozen=True)
class MethodRanking:
    """Methods in the order of their means.

    Parameters
    ----------
    common : array of bool
        The samples (n,) for which all methods have a value; only these are compared.
    means : mapping of str to float
        The mean of each method over these samples, the best first; of a description, in the given order. It is empty
        without common samples.
    pairs : tuple of PairTest
        All pairs of methods, in the order of `means`; empty for fewer than two samples.
    better : "higher", "lower" or None
        Which values are those of better explanations; None for a description.
    """

    common: NDArray[np.bool_]
    means: Mapping[str, float]
    pairs: tuple[PairTest, ...]
    better: Better | None

    @property
    def n_samples(self) -> int:
        """The number of samples that are compared."""
        return int(self.common.sum())

    @property
    def best(self) -> str | None:
        """The method with the best mean; None for a description, a single method, or fewer than two samples."""
        return next(iter(self.means), None) if self.better is not None and self.pairs else None

    def get_pair(self, one: str, other: str) -> PairTest | None:
        """Return the test of two methods, in either order; None if they were not compared."""
        return next((pair for pair in self.pairs if {pair.first, pair.second} == {one, other}), None)


def rank_methods(values: Mapping[str, Numbers], better: Better | None, seed: int = 0) -> MethodRanking:
    """Order methods by their means over the samples that all of them have, and test each pair.

    Parameters
    ----------
    values : mapping of str to array
        The values (n,) of each method, of the same samples in the same order, NaN where there is none.
    better : "higher", "lower" or None
        Which values are better; None keeps the given order.
    seed : int, default 0
        The seed of random signs.
    """
    common = np.logical_and.reduce([np.isfinite(one) for one in values.values()])
    kept = {name: one[common] for name, one in values.items()}
    means = {name: float(one.mean()) for name, one in kept.items()} if common.any() else {}
    if better is not None:
        sign = -1 if better == "higher" else 1
        means = dict(sorted(means.items(), key=lambda item: sign * item[1]))
    pairs = list(combinations(means, 2)) if common.sum() > 1 else []
    found = find_p_values(np.array([kept[a] - kept[b] for a, b in pairs]), seed) if pairs else []
    tests = zip(pairs, found, holm(found), strict=True)
    return MethodRanking(
        common, means, tuple(PairTest(*pair, p_value, corrected or 0.0) for pair, p_value, corrected in tests), better
    )


def find_p_values(differences: Numbers, seed: int = 0) -> list[float]:
    """Return the two-sided p-values of mean differences (rows, n) by random signs (Fisher 1935, Pitman 1937).

    If two methods are exchangeable, each difference is as likely as its negative: p is the share of means with random
    signs that are at least as far from 0, over all 2^n signs or 9,999 of them and the given ones (Phipson, Smyth 2010).
    All rows have the same signs.

    >>> find_p_values(np.array([[0.1, 0.2, 0.1, 0.3], [0.0, 0.0, 0.0, 0.0]]))
    [0.125, 1.0]
    """
    # Differences of one scale, so that sums of large and of small ones round alike.
    scale = np.abs(differences).max(axis=1, keepdims=True)
    scaled = differences / np.where(scale > 0, scale, 1.0)
    least = np.abs(scaled.sum(axis=1)) - _ROUNDING * scaled.shape[1]
    as_far, drawn = np.zeros(len(scaled)), 0
    for signs in _list_signs(scaled.shape[1], seed):
        as_far += (np.abs(signs @ scaled.T) >= least).sum(axis=0)
        drawn += len(signs)
    more = drawn == N_SIGNS  # random signs; otherwise the given ones are among them
    return [float(one) for one in (as_far + more) / (drawn + more)]


def _list_signs(count: int, seed: int) -> Iterator[Numbers]:
    """Yield all signs of `count` differences if they are few, otherwise random ones, in parts."""
    if count < N_SIGNS.bit_length():
        yield np.where(np.arange(2**count)[:, None] >> np.arange(count) & 1, -1.0, 1.0)
        return
    generator, size = np.random.default_rng(seed), max(1, _MOST_NUMBERS // count)
    for start in range(0, N_SIGNS, size):
        drawn = generator.integers(0, 2, (min(size, N_SIGNS - start), count), dtype=np.int8)
        yield np.where(drawn, -1.0, 1.0)


def bootstrap_interval(values: Any, confidence_level: float, n_resamples: int, seed: int) -> tuple[float, float]:
    """Return the BCa bootstrap interval of the mean of at least two finite values (n,) (Efron 1987)."""
    from scipy import stats  # 0.3 s to import, and most commands do not need it

    if np.ptp(values) <= _ROUNDING * np.abs(values).max():  # bootstrap samples are the same, and BCa is not defined
        return float(values.mean()), float(values.mean())
    # The powers of extreme values that BCa takes are out of range. Scaling by a power of two does not round.
    exponent = int(np.frexp(np.abs(values).max())[1])
    found = stats.bootstrap(
        (np.ldexp(values, -exponent),),
        np.mean,
        n_resamples=n_resamples,
        batch=max(1, 10**6 // len(values)),
        confidence_level=confidence_level,
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    low, high = np.ldexp((found.low, found.high), exponent)
    return float(low), float(high)


def correlate_ranks(means: Sequence[Mapping[str, float]]) -> list[list[float | None]]:
    """Return Kendall's tau-b of each pair of metrics over the methods that both have (Kendall 1945).

    It is 1 if both order the methods alike, -1 if they order them the other way round, and None for fewer than two
    common methods, or if all means of one metric are equal. Larger means must be better in each metric.

    >>> correlate_ranks([{"a": 1.0, "b": 2.0, "c": 3.0}, {"a": 5.0, "b": 4.0, "c": 3.0}])
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    from scipy import stats  # 0.3 s to import, and most commands do not need it

    def correlate(one: Mapping[str, float], other: Mapping[str, float]) -> float | None:
        names = [name for name in one if name in other]
        if len(names) < 2:
            return None
        tau = stats.kendalltau([one[name] for name in names], [other[name] for name in names]).statistic
        return round(float(tau), 12) if np.isfinite(tau) else None

    return [[correlate(one, other) for other in means] for one in means]
