"""Correction for multiple tests."""

from collections.abc import Sequence

import numpy as np


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
