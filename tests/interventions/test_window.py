"""The window with the most relevance against a loop, its null, and insertion at another place."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import InputError
from whyset.interventions import TimeWindow, Window


@given(
    seed=st.integers(0, 10**6),
    height=st.integers(3, 8),
    width=st.integers(3, 8),
    a=st.integers(1, 3),
    b=st.integers(1, 3),
)
def test_no_window_has_more_positive_relevance(seed, height, width, a, b):
    relevance = np.random.default_rng(seed).integers(-5, 6, (2, 3, height, width)).astype(float)
    region = Window(side=(a, b)).select(torch.zeros(2, 3, height, width), torch.from_numpy(relevance))
    positive = relevance.sum(1).clip(0)
    for row in range(2):
        sums = {
            (r, c): positive[row, r : r + a, c : c + b].sum()
            for r, c in product(range(height - a + 1), range(width - b + 1))
        }
        best = max(sums.values())
        expected = np.zeros((height, width), bool)
        if best > 0:
            r, c = next(corner for corner, total in sums.items() if total == best)
            expected[r : r + a, c : c + b] = True
        np.testing.assert_array_equal(region.mask[row, 0], expected)


def test_the_null_reaches_every_place_apart_from_the_evidence_equally_often():
    x, relevance = torch.zeros(4000, 1, 4, 5), torch.zeros(4000, 4, 5)
    relevance[:, 0, 0] = 1.0
    window = Window(side=2)
    evidence = window.select(x, relevance)
    null = window.null(x, evidence, seeds=range(4000))
    counts = null.mask[:, 0].double().mean(0)
    places = [(r, c) for r, c in product(range(3), range(4)) if r >= 2 or c >= 2]
    expected = torch.zeros(4, 5, dtype=torch.float64)
    for r, c in places:
        expected[r : r + 2, c : c + 2] += 1 / len(places)
    sigma = (expected * (1 - expected) / 4000).sqrt()
    assert ((counts - expected).abs() <= 5 * sigma).all()
    assert (evidence.overlap(null) == 0).all()


def test_the_null_of_a_window_larger_than_half_has_the_least_overlap_that_is_possible():
    x, relevance = torch.zeros(30, 1, 5, 5), torch.zeros(30, 5, 5)
    relevance[:, 0, 0] = 1.0
    window = Window(side=3)
    null = window.null(x, window.select(x, relevance), seeds=range(30))
    assert set(window.select(x, relevance).overlap(null).tolist()) == {torch.tensor(1 / 9).item()}


def test_a_window_is_inserted_at_another_place():
    x, host = torch.arange(2 * 2 * 4 * 5.0).view(2, 2, 4, 5), -torch.ones(2, 2, 4, 5)
    relevance = torch.zeros(2, 4, 5)
    relevance[0, 1, 1] = relevance[1, 3, 4] = 1.0
    window = Window(side=2)
    evidence = window.select(x, relevance)
    result = window.insert(x, evidence, host, place=torch.tensor([[2, 3], [0, 1]]))
    expected = host.clone()
    expected[0, :, 2:4, 3:5] = x[0, :, 0:2, 0:2]
    expected[1, :, 0:2, 1:3] = x[1, :, 2:4, 3:5]
    assert torch.equal(result, expected)


def test_the_place_of_the_sample_is_the_default():
    x, host, relevance = torch.rand(3, 2, 40), torch.rand(3, 2, 40), torch.rand(3, 40)
    window = TimeWindow(side=7)
    evidence = window.select(x, relevance)
    corners = evidence.mask[:, 0].byte().argmax(1)[:, None]
    assert torch.equal(window.insert(x, evidence, host, place=corners), window.insert(x, evidence, host))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: Window(side=0), "expected positive numbers"),
        (lambda x: Window(side=None), "expected a whole number"),
        (lambda x: Window(side=(2, 3, 4)).select(x, x), "expected one number, or 2"),
        (lambda x: Window(side=7).select(x, x), "choose a smaller window"),
        (lambda x: Window(side=2).select(x, torch.rand(2, 3, 3)), "expected relevance shaped like the samples"),
    ],
)
def test_a_window_that_does_not_fit_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong(torch.rand(2, 3, 5, 6))


@pytest.mark.parametrize("place", [[[0, 4]], [[-1, 0]], [[0]], [[0, 0], [0, 0]]])
def test_a_place_outside_of_the_host_is_refused(place):
    x, window = torch.rand(1, 3, 5, 6), Window(side=3)
    with pytest.raises(InputError, match="expected first positions"):
        window.insert(x, window.select(x, x), x, place=torch.tensor(place))
