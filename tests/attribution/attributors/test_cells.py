"""Cells over inputs of every number of dimensions, compared with plain loops and with NumPy's interpolation."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.attribution.attributors.cells import CellGrid
from whyset.errors import InputError


@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), st.data())
def test_every_element_has_one_cell_and_cells_are_blocks_of_almost_equal_size(sides, data):
    counts = tuple(data.draw(st.integers(1, side)) for side in sides)
    grid = CellGrid.fit(torch.zeros(2, 3, *sides), counts, "This")
    numbers = grid.repeat(torch.arange(grid.size))[0]
    assert numbers.shape == tuple(sides)
    assert numbers.unique().tolist() == list(range(grid.size))
    for place in itertools.product(*map(range, sides)):
        cell = [at * count // side for at, count, side in zip(place, counts, sides, strict=True)]
        assert numbers[place] == np.ravel_multi_index(cell, counts)
    lengths = [
        np.unique(np.arange(side) * count // side, return_counts=True)[1]
        for side, count in zip(sides, counts, strict=True)
    ]
    assert all(np.ptp(length) <= 1 for length in lengths)


def test_by_default_features_of_rows_are_cells_and_images_have_at_most_seven():
    assert CellGrid.fit(torch.zeros(2, 30), None, "This").counts == (30,)
    assert CellGrid.fit(torch.zeros(2, 3, 5, 100), None, "This").counts == (5, 7)
    assert CellGrid.fit(torch.zeros(2, 30), 4, "This").repeat(torch.arange(4.0)).shape == (30,)
    assert CellGrid.fit(torch.zeros(2, 3, 6), 3, "This").repeat(torch.zeros(5, 4, 3)).shape == (5, 4, 1, 6)


def interpolation(side, count, larger, shift):
    """Weights (side, count) of linear interpolation between the middles of cells."""
    places = (np.arange(larger) + 0.5) * count / larger - 0.5
    weights = np.stack([np.interp(places, range(count), np.eye(count)[cell]) for cell in range(count)], 1)
    return weights[shift : shift + side]


@pytest.mark.parametrize(
    ("sides", "counts", "larger", "shift"),
    [
        ((11, 6), (3, 2), (11, 6), None),
        ((11, 6), (3, 2), (16, 9), (3, 0)),
        ((4, 100), (4, 7), (4, 120), (0, 14)),  # every element of the first side is a cell
        ((9,), (2,), (15,), (4,)),
        ((5, 6, 7), (2, 3, 1), (9, 8, 14), (2, 1, 6)),
    ],
)
def test_interpolation_is_linear_between_cells(sides, counts, larger, shift):
    grid = CellGrid.fit(torch.zeros(1, 1, *sides), counts, "This")
    values = torch.rand(4, grid.size, dtype=torch.float64)
    found = grid.interpolate(values, shift)
    assert found.shape == (4, 1, *sides)
    expected = values.numpy().reshape(4, *counts)
    shifts = shift or (0,) * len(sides)
    for dim, (side, count, large, start) in enumerate(zip(sides, counts, larger, shifts, strict=True), 1):
        weights = interpolation(side, count, large, start)
        expected = np.moveaxis(np.tensordot(weights, expected, (1, dim)), 0, dim)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6)
    if shift is not None:
        assert all(0 <= start < many for start, many in zip(shift, grid.shift_ranges(), strict=True))
        assert all(
            many - 1 + side <= large for many, side, large in zip(grid.shift_ranges(), sides, larger, strict=True)
        )


@pytest.mark.parametrize(
    ("shape", "cells", "message"),
    [
        ((4,), None, r"This expects inputs \(n, channels, ...\) or \(n, features\), got \(4,\)"),
        ((4, 3), 5, r"This\(cells=5\): more cells than elements: .* are \(3,\)"),
        ((4, 3, 8, 2), 3, r"more cells than elements"),
        ((4, 3, 8, 2), (2, 2, 2), r"expected one number, or 2 for the dimensions"),
    ],
)
def test_cells_that_do_not_fit_are_refused(shape, cells, message):
    with pytest.raises(InputError, match=message):
        CellGrid.fit(torch.zeros(shape), cells, "This")


def test_four_dimensions_are_not_interpolated():
    grid = CellGrid.fit(torch.zeros(1, 1, 2, 2, 2, 2), None, "This")
    assert grid.repeat(torch.zeros(16)).shape == (1, 2, 2, 2, 2)
    with pytest.raises(InputError, match="expected inputs with 1 to 3 dimensions after the channels, got 4"):
        grid.interpolate(torch.zeros(1, 16))
