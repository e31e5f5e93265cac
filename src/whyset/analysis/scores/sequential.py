"""A p-value from draws of the null that end when it is clearly not small."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError


@dataclass(frozen=True)
class SequentialTest:
    """A `p_value`, the `draws` of the null in order, and whether they were `stopped_early`."""

    p_value: float
    draws: NDArray[np.float64]
    stopped_early: bool


def compute_sequential_p(observed: float, null: Iterator[float], most: int, exceedances: int = 10) -> SequentialTest:
    """Draw from the null until `exceedances` values are as large as the observed one (Besag, Clifford 1991).

    If that is at draw l, p = exceedances/l; otherwise, p = (1 + #{null ≥ observed})/(1 + most). P(p ≤ α) is at most α
    either way. The relative standard error of a p that was stopped early is about 1/√exceedances; whether draws are
    stopped does not change which p are below exceedances/most.

    Parameters
    ----------
    observed : float
        The observed value.
    null : iterator of float
        Values under the null, independent and with the distribution of the observed one.
    most : int
        The largest number of draws, at least 1.
    exceedances : int, default 10
        The number of values as large as the observed one after which no more are drawn, at least 1.

    Returns
    -------
    SequentialTest
        The p-value and the draws.

    Raises
    ------
    InputError
        A number is less than 1.

    Examples
    --------
    >>> compute_sequential_p(2.0, iter([3.0, 1.0, 2.0, 5.0]), most=4, exceedances=2)
    SequentialTest(p_value=0.6666666666666666, draws=array([3., 1., 2.]), stopped_early=True)
    """
    if most < 1 or exceedances < 1:
        raise InputError(f"A test needs draws and exceedances of at least 1, got {most} and {exceedances}.")
    drawn: list[float] = []
    reached = 0
    for value in islice(null, most):
        drawn.append(value)
        reached += value >= observed
        if reached == exceedances:
            return SequentialTest(exceedances / len(drawn), np.array(drawn), len(drawn) < most)
    return SequentialTest((1 + reached) / (1 + len(drawn)), np.array(drawn), False)
