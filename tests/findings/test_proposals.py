"""Seeds: candidates whose evidence turns fresh hosts, more of them than the null."""

import numpy as np
import pytest

from whyset.findings.proposals import choose_seeds
from whyset.store.effects import FreshTrials


def make_trials(turned: list[int], null: list[int], hosts: int = 16) -> FreshTrials:
    count = len(turned)
    return FreshTrials(
        rows=tuple(range(10, 10 + count)),
        hosts=(hosts,) * count,
        turned=tuple(turned),
        log_odds=(0.0,) * count,
        null_turned=tuple(null),
        null_log_odds=(0.0,) * count,
        predicted=(True,) * count,
        removed=(False,) * count,
        removal_log_odds=(0.0,) * count,
    )


@pytest.mark.parametrize(
    ("turned", "null", "seeds"),
    [
        ([16, 16, 14, 8, 7, 0], [0] * 6, [10, 11, 12, 13]),  # at least half of the largest
        ([16, 16, 16, 16, 16], [0, 0, 0, 0, 16], [10, 11, 12, 13]),  # what the null does as well is no effect
        ([16, 16, 16, 0, 0, 0], [0] * 6, []),  # three are too few for two halves
        ([1, 1, 1, 1, 1], [0] * 5, []),  # a single host may turn by chance
        ([2, 2, 2, 2, 1], [0] * 5, [10, 11, 12, 13]),
        ([], [], []),
    ],
)
def test_seeds(turned: list[int], null: list[int], seeds: list[int]) -> None:
    assert choose_seeds(make_trials(turned, null)).tolist() == seeds


def test_hosts_without_room_do_not_count() -> None:
    trials = make_trials([2, 2, 2, 2, 8], [0] * 5, hosts=2)
    assert choose_seeds(trials).dtype == np.int64
    assert 10 in choose_seeds(make_trials([2, 2, 2, 2], [0] * 4, hosts=2)).tolist()
