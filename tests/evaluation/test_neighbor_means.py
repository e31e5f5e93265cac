"""Imputation from neighbors: closed forms, a dense oracle, and bounds."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import InputError
from whyset.evaluation import NoisyLinearImputer
from whyset.evaluation.neighbor_means import build_neighbor_weights


def impute(x, mask, noise=0.0, seed=0):
    x = torch.as_tensor(x, dtype=torch.float64)
    generators = [np.random.default_rng([seed, row]) for row in range(len(x))]
    return NoisyLinearImputer(noise).prepare(x, generators)(torch.as_tensor(mask)).numpy()


def test_a_gap_in_a_series_is_a_straight_line():
    x, mask = np.array([[[2.0, 0, 0, 0, 4.0, 7.0, 0, 0]]]), np.array([[[0, 1, 1, 1, 0, 0, 1, 1]]], dtype=bool)
    np.testing.assert_allclose(impute(x, mask), [[[2, 2.5, 3, 3.5, 4, 7, 7, 7]]], rtol=1e-12)


def test_a_plane_is_restored_within():
    """Coordinates are harmonic: the weights of opposite neighbors are equal."""
    rows, columns = np.mgrid[:7, :9]
    x = np.stack([3 + 2 * rows - columns, 1.0 * columns])[None].astype(float)
    mask = np.zeros((1, 1, 7, 9), dtype=bool)
    mask[0, 0, 1:6, 2:7] = np.random.default_rng(0).random((5, 5)) < 0.8
    np.testing.assert_allclose(impute(np.where(mask, 50.0, x), mask), x, rtol=1e-9, atol=1e-12)


def solve_densely(x, mask, weight):
    """Solve for one channel, with a matrix that is written element by element."""
    places = [tuple(place) for place in np.argwhere(mask)]
    matrix, right = np.zeros((len(places), len(places))), np.zeros(len(places))
    for number, place in enumerate(places):
        for offset in product((-1, 0, 1), repeat=mask.ndim):
            other = tuple(np.add(place, offset))
            if not any(offset) or min(other) < 0 or any(np.array(other) >= mask.shape):
                continue
            share = weight[sum(map(abs, offset)) - 1]
            matrix[number, number] += share
            if mask[other]:
                matrix[number, places.index(other)] -= share
            else:
                right[number] += share * x[other]
    found = x.copy()
    found[mask] = np.linalg.solve(matrix, right)
    return found


@pytest.mark.parametrize(("shape", "weight"), [((9,), [1]), ((6, 7), [1 / 6, 1 / 12]), ((4, 3, 5), [4, 2, 1])])
def test_the_solution_is_that_of_the_dense_system(shape, weight):
    generator = np.random.default_rng(1)
    x, mask = generator.standard_normal((2, 3, *shape)), generator.random((2, 1, *shape)) < 0.6
    found = impute(x, mask)
    for row, channel in product(range(2), range(3)):
        np.testing.assert_allclose(found[row, channel], solve_densely(x[row, channel], mask[row, 0], weight), rtol=1e-9)


@given(seed=st.integers(0, 1000), share=st.sampled_from([0.1, 0.5, 0.9, 0.98]))
def test_imputed_values_are_within_the_range_of_known_ones(seed, share):
    generator = np.random.default_rng(seed)
    x, mask = generator.standard_normal((1, 2, 6, 5)), generator.random((1, 1, 6, 5)) < share
    found = impute(x, mask)
    known = ~mask[0, 0]
    np.testing.assert_array_equal(found[0][:, known], x[0][:, known])
    if known.any():
        assert (found[0].min((1, 2)) >= x[0][:, known].min(1) - 1e-9).all()
        assert (found[0].max((1, 2)) <= x[0][:, known].max(1) + 1e-9).all()
    else:
        np.testing.assert_allclose(found[0], np.broadcast_to(x[0].mean((1, 2), keepdims=True), (2, 6, 5)), rtol=1e-9)


def test_each_channel_may_have_its_own_mask():
    generator = np.random.default_rng(2)
    x, mask = generator.standard_normal((1, 2, 4, 5)), generator.random((1, 2, 4, 5)) < 0.5
    found = impute(x, mask)
    for channel in range(2):
        alone = impute(x[:, channel : channel + 1], mask[:, channel : channel + 1])
        np.testing.assert_allclose(found[:, channel], alone[:, 0], rtol=1e-12)


def test_the_noise_is_added_where_values_are_imputed_and_is_the_same_for_all_masks():
    x, mask = np.zeros((2, 1, 40, 50)), np.zeros((2, 1, 40, 50), dtype=bool)
    mask[..., :25] = True
    found = impute(x, mask, noise=0.5)
    assert (found[..., 25:] == 0).all()
    assert abs(found[..., :25].std() - 0.5) < 0.03
    np.testing.assert_array_equal(impute(x, ~mask, noise=0.5) + found, impute(x, ~(mask & ~mask), noise=0.5))


def test_weights_of_a_row_sum_to_one():
    for shape in ((1, 1, 6), (5, 4), (1, 3)):
        totals = build_neighbor_weights(shape).sum(axis=1)
        np.testing.assert_allclose(totals, 1, rtol=1e-12)


def test_a_single_element_is_its_own_mean():
    assert impute(np.full((1, 1, 1, 1), 4.0), np.ones((1, 1, 1, 1), dtype=bool)) == 4


def test_features_have_no_neighbors():
    with pytest.raises(InputError, match="features have no neighbors"):
        impute(np.zeros((1, 3)), np.zeros((1, 3), dtype=bool))
    with pytest.raises(InputError, match="0 or a positive number"):
        NoisyLinearImputer(-1.0)
