"""Tests of the difference of the mean map of a cluster from the rest of its class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError

_BLOCK_VALUES = 4_000_000  # values in memory at once in float64: 32 MB


@dataclass(frozen=True)
class MeanDifference:
    """`mean` (D,) inside minus outside, its `statistic` t (D,), and the `threshold` of |t|.

    `p_value` is that of the largest |t|: that of the hypothesis that no value differs at all.
    """

    mean: NDArray[np.float64]
    statistic: NDArray[np.float64]
    threshold: float
    p_value: float

    @property
    def significant(self) -> NDArray[np.bool_]:
        """The mask (D,) of significant differences, corrected for all D values."""
        found: NDArray[np.bool_] = np.abs(self.statistic) > self.threshold
        return found


@dataclass(frozen=True)
class MaxStatistic:
    """Test each of D values by Welch's t, and all at once by permutations of the membership (Nichols, Holmes 2002).

    t_d = (m_1 - m_0) / √(v_1/n_1 + v_0/n_0), 0 where nothing varies. Each permutation draws n_1 members; the null
    is the largest |t| over all values. The probability of any false value is thus below `level`.

    The test is exact for members that are defined independently of the maps, for example by an attribute. For a cluster
    found in the same maps it is almost always significant: it locates the difference, but does not show that the
    cluster exists. The p-value of the separability does.
    """

    permutations: int = 199
    level: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.level < 1 or self.level * (self.permutations + 1) < 1:
            raise InputError(f"MaxStatistic needs a level between 0 and 1 and 1/level - 1 permutations, got {self}.")

    def __call__(self, features: NDArray[np.floating], inside: NDArray[np.bool_], *, seed: int) -> MeanDifference:
        """Compare rows of `features` (N, D) `inside` (N,) with the others. InputError: a side has fewer than 2 rows."""
        members = int(np.count_nonzero(inside))
        if min(members, len(inside) - members) < 2:
            raise InputError(f"A difference needs 2 explanations on each side, got {members} of {len(inside)} inside.")
        memberships = np.vstack([inside, *_permute(inside, self.permutations, seed)]).astype(np.float64)
        mean, statistic = np.empty((2, features.shape[1]))
        largest = np.zeros(len(memberships))
        step = max(1, _BLOCK_VALUES // len(features))
        for start in range(0, features.shape[1], step):
            part = slice(start, start + step)
            means, t = _welch(features[:, part].astype(np.float64), memberships, members)
            mean[part], statistic[part] = means[0], t[0]
            largest = np.maximum(largest, np.abs(t).max(axis=1))
        null = np.sort(largest[1:])
        allowed = int(
            self.level * (self.permutations + 1) + 1e-9
        )  # the number of the 1 + B statistics that may be as large
        return MeanDifference(mean, statistic, float(null[-allowed]), float(np.mean(largest >= largest[0])))


def _permute(inside: NDArray[np.bool_], count: int, seed: int) -> list[NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    return [rng.permutation(inside) for _ in range(count)]


def _welch(
    values: NDArray[np.float64], memberships: NDArray[np.float64], members: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the difference of means and Welch's t, (P, D) each, for P memberships (P, N) of `members` rows."""
    others = len(values) - members
    values = values - values.mean(axis=0)  # so that sums of squares do not cancel
    total, total_of_squares = values.sum(axis=0), np.square(values).sum(axis=0)
    own, own_of_squares = memberships @ values, memberships @ np.square(values)
    inside, outside = own / members, (total - own) / others
    squared_error = _square_error(own_of_squares, inside, members)
    squared_error += _square_error(total_of_squares - own_of_squares, outside, others)
    difference = inside - outside
    varies = squared_error > 1e-12 * total_of_squares / len(values) ** 2
    return difference, np.where(varies, difference / np.sqrt(np.where(varies, squared_error, 1.0)), 0.0)


def _square_error(of_squares: NDArray[np.float64], mean: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return v/n with the unbiased variance v of n values."""
    error: NDArray[np.float64] = np.maximum(of_squares - n * mean**2, 0.0) / (n - 1) / n
    return error
