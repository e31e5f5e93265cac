"""The most relevant entries against sorting, and random others."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import InputError
from whyset.interventions import Channels, Features
from whyset.interventions.draws import draw_candidate
from whyset.interventions.top import draw_other_entries, largest_entries


@given(seed=st.integers(0, 10**6), size=st.integers(1, 9), data=st.data())
def test_the_largest_positive_entries_are_chosen_and_of_equal_ones_the_first(seed, size, data):
    count = data.draw(st.integers(1, size))
    values = np.random.default_rng(seed).integers(-3, 4, size).astype(float)
    order = sorted(range(size), key=lambda entry: (-values[entry], entry))[:count]
    expected = [entry in order and values[entry] > 0 for entry in range(size)]
    assert largest_entries(torch.from_numpy(values)[None], count, "Features")[0].tolist() == expected


def test_all_other_entries_are_drawn_equally_often():
    mask = torch.zeros(4000, 5, dtype=torch.bool)
    mask[:, [0, 3]] = True
    drawn = draw_other_entries(mask, [np.random.default_rng(seed) for seed in range(4000)], "Features").double()
    assert set(drawn.sum(1).tolist()) == {2.0}
    expected = torch.tensor([0, 2 / 3, 2 / 3, 0, 2 / 3], dtype=torch.float64)
    assert ((drawn.mean(0) - expected).abs() <= 5 * (2 / 9 / 4000) ** 0.5 * (expected > 0)).all()


def test_each_candidate_is_drawn_equally_often():
    candidates = torch.tensor([False, True, False, True, True, False]).expand(3000, -1)
    drawn = draw_candidate(candidates, [np.random.default_rng(seed) for seed in range(3000)])
    shares = torch.bincount(drawn, minlength=6).double() / 3000
    assert shares[[0, 2, 5]].tolist() == [0, 0, 0]
    assert ((shares[[1, 3, 4]] - 1 / 3).abs() <= 5 * (2 / 9 / 3000) ** 0.5).all()
    assert draw_candidate(torch.zeros(1, 4, dtype=torch.bool), [np.random.default_rng(0)]).tolist() == [0]


def test_channels_are_ordered_by_their_signed_sum_over_time():
    x, relevance = torch.rand(1, 3, 4), torch.tensor([[[9.0, -9, 1, 0], [1, 1, 1, 0], [-5, 0, 0, 0]]])
    assert Channels().select(x, relevance).mask.flatten().tolist() == [False, True, False]
    assert Channels(count=3).select(x, relevance).mask.flatten().tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Features(count=0), "of at least 1"),
        (lambda: Features(count=4).select(torch.rand(2, 3), torch.rand(2, 3)), "expected at least as many"),
        (lambda: Channels().select(torch.rand(2, 3, 4), torch.rand(2, 4)), "expected relevance of each channel"),
        (
            lambda: Features(count=2).null(
                torch.rand(2, 3), Features(count=2).select(torch.rand(2, 3), torch.rand(2, 3)), seeds=[0, 1]
            ),
            "expected at least 4 entries",
        ),
    ],
)
def test_counts_that_do_not_fit_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
