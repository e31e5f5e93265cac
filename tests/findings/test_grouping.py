"""Groups of seeds by the changes of hosts."""

import numpy as np
import pytest

from whyset.findings.grouping import group_seeds
from whyset.findings.views import ChannelView

ONE, OTHER = ChannelView("a", 1, "max"), ChannelView("b", 1, "mean")


def make_changes(groups: list[int], noise: float = 0.05, seed: int = 0):
    """Changes in a direction of its own for each group, in two views of 6 and 60 channels."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(groups)), groups)
    found = {}
    for view, channels in ((ONE, 6), (OTHER, 60)):
        directions = np.eye(channels)[: len(groups)]
        strength = random.uniform(0.5, 2.0, (len(labels), 1))  # a cosine does not depend on it
        changes = strength * directions[labels] + noise * random.normal(size=(len(labels), channels)) / channels**0.5
        found[view] = changes.astype(np.float32)
    return found, {view: np.ones(values.shape[1], np.float32) for view, values in found.items()}


@pytest.mark.parametrize("seed", range(3))
def test_seeds_of_different_evidence_are_told_apart(seed: int) -> None:
    groups = group_seeds(*make_changes([5, 9, 2], seed=seed), least=4)
    assert [group.tolist() for group in groups] == [list(range(5, 14)), list(range(5))]  # the largest first


def test_seeds_of_one_evidence_are_one_group() -> None:
    assert [group.tolist() for group in group_seeds(*make_changes([7]), least=4)] == [list(range(7))]


def test_if_no_group_is_large_enough_all_seeds_are_one() -> None:
    assert [group.tolist() for group in group_seeds(*make_changes([2, 2, 2]), least=4)] == [list(range(6))]


def test_evidence_that_changes_nothing_is_not_grouped() -> None:
    changes, scales = make_changes([5, 5])
    for values in changes.values():
        values[3] = 0
    assert [group.tolist() for group in group_seeds(changes, scales, least=4)] == [list(range(10))]


def test_channels_count_by_their_variation_over_samples() -> None:
    """A channel of large values that varies a lot over samples does not drown the others."""
    changes, scales = make_changes([6, 6])
    for view in changes:
        noise = np.random.default_rng(3).normal(size=(12, 1)).astype(np.float32)
        changes[view] = np.c_[changes[view], 50 * noise]
        scales[view] = np.append(scales[view], np.float32(1e4))
    groups = group_seeds(changes, scales, least=4)
    assert [group.tolist() for group in groups] == [list(range(6)), list(range(6, 12))]
