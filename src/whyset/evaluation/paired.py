"""Comparison of two methods on the same samples, with an interval."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from whyset.analysis.scores.paired import bootstrap_interval
from whyset.arguments import seed_number, whole_number
from whyset.errors import InputError


@dataclass(frozen=True)
class PairedDifference:
    """The mean difference of two methods over the same samples.

    Parameters
    ----------
    mean : float
        Mean of the first minus the second.
    low : float
        Lower end of its interval.
    high : float
        Upper end.
    n_samples : int
        Number of samples that both have.
    confidence_level : float
        Confidence level of the interval.
    """

    mean: float
    low: float
    high: float
    n_samples: int
    confidence_level: float

    @property
    def is_significant(self) -> bool:
        """True if the interval does not contain 0."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def compare_paired(
    first: ArrayLike,
    second: ArrayLike,
    *,
    confidence_level: float = 0.95,
    n_resamples: int = 9999,
    seed: int = 0,
) -> PairedDifference:
    """Compare the scores of two methods on the same samples: the mean difference and its BCa bootstrap interval.

    Samples differ much more than methods do, so the difference of each sample is taken first. These differences are
    bounded and skewed; the bootstrap, bias-corrected and accelerated (Efron 1987, `scipy.stats.bootstrap`), does not
    assume that they are normal. It needs about 20 samples to be accurate.

    Parameters
    ----------
    first : array of float
        One number for each sample (n,), such as `FlippingCurves.relevance_gain`.
    second : array of float
        Likewise, of the same samples in the same order.
    confidence_level : float, default 0.95
        Confidence level, between 0 and 1.
    n_resamples : int, default 9999
        Number of bootstrap samples.
    seed : int, default 0
        Seed of the bootstrap samples.

    Returns
    -------
    PairedDifference
        The mean of first − second, with the interval.

    Raises
    ------
    InputError
        The arrays have different shapes, fewer than two samples or values that are not finite.

    Examples
    --------
    >>> compare_paired([0.5, 0.7, 0.6], [0.4, 0.5, 0.5]).mean
    0.1333333333333333
    """
    a, b = _as_numbers("first", first), _as_numbers("second", second)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise InputError(
            f"expected one number of both methods for each of at least two samples, got shapes {a.shape} and {b.shape}"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError(
            f"expected finite numbers, got {np.sum(~np.isfinite(a))} in the first and {np.sum(~np.isfinite(b))} in the "
            "second that are not: leave out these samples in both"
        )
    if not 0 < confidence_level < 1:
        raise InputError(f"confidence_level is {confidence_level!r}: expected a number between 0 and 1")
    difference = a - b
    low, high = bootstrap_interval(
        difference, confidence_level, whole_number("n_resamples", n_resamples, 1), seed_number(seed)
    )
    return PairedDifference(float(difference.mean()), low, high, len(difference), confidence_level)


def _as_numbers(name: str, values: Any) -> Any:
    try:
        found = np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values)
    except ValueError:  # sequences of different lengths
        found = np.asarray(None)
    if found.dtype.kind not in "biuf":
        raise InputError(f"{name}: expected an array of real numbers, one for each sample, got {values!r:.80}")
    return found.astype(np.float64)
