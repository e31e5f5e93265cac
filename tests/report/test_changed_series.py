"""Which channels of a changed host are drawn, and how values become lines."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from whyset.report.changed_series import CHANNELS, HEIGHT, MARGIN, WIDTH, draw_line, find_changed_channels

SERIES = arrays(np.float32, st.tuples(st.integers(1, 5), st.just(7)), elements=st.floats(-9, 9, width=32))


@given(SERIES, st.randoms(use_true_random=False))
def test_channels_without_a_change_are_left_out(host: np.ndarray, random) -> None:
    changed = host.copy()
    wanted = random.sample(range(len(host)), random.randint(0, len(host)))
    for size, channel in enumerate(wanted, 1):
        changed[channel, random.randrange(7)] += 100 * size
    assert find_changed_channels(host, changed) == tuple(sorted(wanted[-CHANNELS:] if wanted else ()))


def test_values_that_are_not_finite_are_the_largest_changes() -> None:
    host = np.zeros((4, 3), np.float32)
    host[0, 0] = np.nan
    changed = host.copy()
    changed[1], changed[2, 1], changed[3, 2] = 1e30, np.nan, np.inf
    assert find_changed_channels(host, changed) == (2, 3)
    assert find_changed_channels(host, host) == ()


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(-5, 5)))
def test_a_line_is_linear_in_its_values_and_within_the_box(values: np.ndarray) -> None:
    points = re.findall(r"[ML]([\d.]+) ([\d.]+)", draw_line(values, -5.0, 5.0))
    x, y = np.array(points, float).T
    np.testing.assert_allclose(x, (np.arange(len(values)) + 0.5) * WIDTH / len(values), atol=0.051)
    np.testing.assert_allclose(y, HEIGHT / 2 - values / 10 * (HEIGHT - 2 * MARGIN), atol=0.051)


@pytest.mark.parametrize("gap", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_gaps(gap: float) -> None:
    line = draw_line(np.array([0.0, 1.0, gap, 1.0, 0.0]), 0.0, 1.0)
    assert re.findall("[ML]", line) == ["M", "L", "M", "L"]
    assert draw_line(np.full(3, gap), 0.0, 1.0) == ""


def test_a_constant_line_is_in_the_middle() -> None:
    assert draw_line(np.full(2, 3.0), 3.0, 3.0) == "M64.0 24.0L192.0 24.0"
