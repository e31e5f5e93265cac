"""Summaries of classes and clusters, against means computed by hand."""

from dataclasses import replace

import numpy as np
import pytest

from whyset.effects import estimate_share, summarize, summarize_clusters
from whyset.errors import InputError
from whyset.store.effects import FreshTrials, InterventionEffects, SelectionTrials


def make_trials(rows, turned, null, predicted, removed, null_removed=None):
    n = len(rows)
    return FreshTrials(
        tuple(rows), (8,) * n, tuple(turned), (1.5,) * n, tuple(null), (0.5,) * n, tuple(predicted), tuple(removed),
        (0.0,) * n, null_removed,
    )  # fmt: skip


RANDOM = make_trials([1, 2, 4], [8, 6, 0], [0, 1, 0], [True, False, True], [True, False, False], (False, False, True))


def test_a_summary_has_the_means_of_the_samples():
    found = summarize(RANDOM)
    assert found.turned.value == pytest.approx(14 / 24)
    assert found.null_turned.value == pytest.approx(1 / 24)
    assert found.difference.value == pytest.approx(13 / 24)
    assert found.log_odds.value == 1.0
    assert (found.removed.value, found.removed.n_samples) == (0.5, 2)  # of the samples that are predicted
    assert found.null_removed.value == 0.5


def test_without_a_predicted_sample_or_a_null_there_is_no_share_of_removal():
    found = summarize(make_trials([1, 2], [0, 0], [0, 0], [False, False], [False, False]))
    assert (found.removed, found.null_removed) == (None, None)
    found = summarize(make_trials([1, 2], [0, 0], [0, 0], [True, True], [False, True]))
    assert found.removed.value == 0.5
    assert found.null_removed is None


def test_clusters_have_the_effects_of_their_samples():
    selection = SelectionTrials((0, 1, 2, 3, 4, 5), (4,) * 6, (4, 4, 3, 0, 0, 1), (0.0,) * 6)
    whole = summarize(RANDOM)
    effects = InterventionEffects(
        {}, "window", "another", "host", 0, SelectionTrials(), selection, RANDOM, RANDOM, whole, whole
    )
    found = summarize_clusters(effects, [5, 4, 3, 2, 1, 0, 6], [1, 1, 1, 0, 0, -1, 2])
    assert [one.cluster for one in found] == [0, 1]  # cluster 2 has no tested sample, and -1 is noise
    assert found[0].unselected == estimate_share([4, 3], [4, 4])
    assert found[1].unselected == estimate_share([0, 0, 1], [4, 4, 4])
    assert found[0].fresh.turned == estimate_share([8, 6], [8, 8])
    assert found[1].fresh.turned.n_samples == 1
    screened = replace(effects, screening=SelectionTrials((0, 2), (1, 1), (1, 0), (0.0, 0.0)))
    (only,) = summarize_clusters(screened, [0, 1, 2], [0, 0, 0])
    assert only.unselected == estimate_share([1, 0], [1, 1])  # not that of the selection, which it determined
    with pytest.raises(InputError, match="one cluster for each row"):
        summarize_clusters(effects, [1, 2], np.zeros(3, int))
