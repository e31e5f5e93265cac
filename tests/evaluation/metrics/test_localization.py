"""Localization by closed forms, by counting, and by scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from whyset.errors import InputError
from whyset.evaluation import METRICS
from whyset.evaluation.metrics import (
    LocalizationAUC,
    PointingGame,
    RelevanceMass,
    RelevanceRank,
    TopKIntersection,
    WeightedRelevanceMass,
)

LOCALIZATION = [name for name, metric in METRICS.items() if metric.needs == {"masks"}]
MAPS = arrays(np.float64, (4, 12), elements=st.integers(-3, 3).map(float))  # with ties
MASKS = arrays(np.bool_, (4, 12))


def test_all_relevance_in_the_mask_is_the_best_value(from_maps):
    masks = np.random.default_rng(0).random((6, 20)) < 0.4
    batch = from_maps(masks * np.random.default_rng(1).uniform(1, 2, masks.shape), masks, shape=(4, 5))
    for name in LOCALIZATION:
        metric = METRICS[name](k=1) if name == "top_k_intersection" else METRICS[name]()
        expected = 1 / masks.mean(1) if name == "weighted_relevance_mass" else np.ones(6)
        np.testing.assert_allclose(metric.measure(batch).values, expected, rtol=1e-12, err_msg=name)


@given(maps=MAPS, masks=MASKS)
def test_mass_is_the_share_of_positive_or_absolute_relevance(from_maps, maps, masks):
    for sign, weights in (("positive", maps.clip(min=0)), ("absolute", np.abs(maps))):
        found = RelevanceMass(sign).measure(from_maps(maps, masks)).values
        for row in range(4):
            total = weights[row].sum()
            known = total > 0 and masks[row].any()
            expected = weights[row][masks[row]].sum() / total if known else np.nan
            np.testing.assert_allclose(found[row], expected, rtol=1e-12)
    weighted = WeightedRelevanceMass("absolute").measure(from_maps(maps, masks)).values
    np.testing.assert_allclose(weighted * masks.mean(1), found, rtol=1e-12)


@given(maps=MAPS, masks=MASKS, k=st.integers(1, 15))
def test_ranks_are_the_expectation_over_orders_of_equal_positions(from_maps, maps, masks, k):
    """Compared with the mean over all orders, of which the choice among equal positions is hypergeometric."""
    batch = from_maps(maps, masks)
    top, rank = TopKIntersection(k).measure(batch).values, RelevanceRank().measure(batch).values
    for row in range(4):
        if not masks[row].any():
            assert np.isnan(top[row])
            assert np.isnan(rank[row])
            continue
        for found, count in ((top[row], min(k, 12)), (rank[row], masks[row].sum())):
            inside, left = 0.0, int(count)
            for value in np.unique(maps[row])[::-1]:
                equal = maps[row] == value
                taken = min(left, equal.sum())
                inside += taken * masks[row][equal].mean()
                left -= taken
            np.testing.assert_allclose(found, inside / count, rtol=1e-12)


@given(maps=MAPS, masks=MASKS)
def test_the_area_under_the_curve_is_that_of_scikit_learn(from_maps, maps, masks):
    found = LocalizationAUC().measure(from_maps(maps, masks)).values
    for row in range(4):
        if masks[row].all() or not masks[row].any():
            assert np.isnan(found[row])
        else:
            np.testing.assert_allclose(found[row], roc_auc_score(masks[row], maps[row]), rtol=1e-12)


def test_a_hit_may_be_next_to_the_mask_by_the_tolerance(from_maps):
    """The mask is the corner; the largest relevance is 3 rows and 4 columns away: a distance of 5."""
    relevance, mask = np.zeros((5, 7)), np.zeros((5, 7), dtype=bool)
    relevance[3, 4], mask[0, 0] = 1.0, True
    batch = from_maps(relevance.reshape(1, -1), mask.reshape(1, -1), shape=(5, 7))
    assert [float(PointingGame(tolerance).measure(batch).values[0]) for tolerance in (0, 4, 5)] == [0, 0, 1]


def test_several_largest_positions_count_in_proportion(from_maps):
    batch = from_maps([[2.0, 2.0, 1.0, 2.0]], [[True, False, True, False]])
    np.testing.assert_allclose(PointingGame().measure(batch).values, 1 / 3)
    constant = from_maps(np.zeros((1, 4)), [[True, False, False, False]])
    assert PointingGame().measure(constant).values == 0.25


def test_features_have_no_distance(from_maps):
    with pytest.raises(InputError, match="features have no distance"):
        PointingGame(1).measure(from_maps([[1.0, 2.0]], [[True, False]]))


@pytest.mark.parametrize("name", LOCALIZATION)
def test_an_empty_mask_has_no_value(name, from_maps):
    maps, masks = np.random.default_rng(0).random((2, 12)), np.zeros((2, 12), dtype=bool)
    masks[1, :5] = True
    found = METRICS[name]().measure(from_maps(maps, masks, shape=(3, 4))).values
    assert np.isnan(found).tolist() == [True, False]


def test_masks_of_numbers_are_those_of_truth_values(make_samples):
    batch = make_samples()
    numbers = make_samples(masks=batch.masks.to(torch.uint8))
    for name in LOCALIZATION:
        np.testing.assert_array_equal(METRICS[name]().measure(batch).values, METRICS[name]().measure(numbers).values)
