from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from whyset.analysis.scores import compute_sequential_p, p_value
from whyset.errors import InputError


def test_no_more_is_drawn_after_enough_exceedances() -> None:
    drawn: list[int] = []

    def null() -> Iterator[float]:
        for number in count():
            drawn.append(number)
            yield float(number % 2)

    test = compute_sequential_p(0.5, null(), most=99, exceedances=3)
    assert (test.p_value, len(test.draws), test.stopped_early) == (3 / 6, 6, True)
    assert len(drawn) == 6


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0, 1), st.integers(1, 8))
def test_without_an_early_stop_p_is_that_of_all_draws(null: list[float], observed: float, exceedances: int) -> None:
    test = compute_sequential_p(observed, iter(null), len(null), exceedances)
    reached = sum(value >= observed for value in null)
    if reached < exceedances:
        assert test.p_value == p_value(observed, np.array(null))
        assert not test.stopped_early
    else:
        assert len(test.draws) == next(n for n in count(1) if sum(v >= observed for v in null[:n]) == exceedances)
        assert test.p_value == exceedances / len(test.draws)


def test_p_is_valid_whether_or_not_draws_are_stopped() -> None:
    """P(p ≤ α) ≤ α, by an exact bound on the count in 2,000 tests under the null (level 0.001 each)."""
    rng = np.random.default_rng(0)
    found = np.array([compute_sequential_p(rng.random(), iter(rng.random(99)), 99).p_value for _ in range(2000)])
    for level in (0.01, 0.05, 0.1, 0.2, 0.5):
        assert (found <= level + 1e-12).sum() <= binom.ppf(0.999, 2000, level)
    assert (found <= 0.05).sum() >= binom.ppf(0.001, 2000, 0.05)  # and it is not lower than it may be


def test_numbers_below_one_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        compute_sequential_p(0.0, iter([1.0]), 0)
