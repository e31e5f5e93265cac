"""Windows against loops over all places."""

from itertools import product

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.interventions.windows import first_corners, shift_positions, window_masks, window_overlaps, window_sums


@st.composite
def positions_and_sides(draw):
    positions = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    return tuple(positions), tuple(draw(st.integers(1, size)) for size in positions), draw(st.integers(0, 10**6))


def all_corners(positions, sides):
    return list(product(*(range(size - side + 1) for size, side in zip(positions, sides, strict=True))))


def box(corner, sides):
    return tuple(slice(first, first + side) for first, side in zip(corner, sides, strict=True))


@given(positions_and_sides())
def test_sums_are_those_of_a_loop(case):
    positions, sides, seed = case
    values = np.random.default_rng(seed).integers(-50, 50, (2, *positions)).astype(float)
    sums = window_sums(torch.from_numpy(values), sides)
    for corner in all_corners(positions, sides):
        expected = [row[box(corner, sides)].sum() for row in values]
        np.testing.assert_array_equal(sums[(slice(None), *corner)], expected)


@given(positions_and_sides())
def test_masks_corners_and_overlaps_are_those_of_a_loop(case):
    positions, sides, seed = case
    corners = all_corners(positions, sides)
    chosen = [corners[number] for number in np.random.default_rng(seed).integers(0, len(corners), 2)]
    masks = window_masks(torch.tensor(chosen), sides, positions)
    overlaps = window_overlaps(torch.tensor(chosen), sides, positions)
    assert torch.equal(first_corners(masks), torch.tensor(chosen))
    for row, corner in enumerate(chosen):
        expected = np.zeros(positions, bool)
        expected[box(corner, sides)] = True
        np.testing.assert_array_equal(masks[row], expected)
        for other in corners:
            assert int(overlaps[(row, *other)]) == int(expected[box(other, sides)].sum())


@given(positions_and_sides())
def test_a_shift_is_that_of_numpy(case):
    positions, _, seed = case
    rng = np.random.default_rng(seed)
    values, shifts = rng.random((2, *positions)), rng.integers(-9, 9, (2, len(positions)))
    shifted = shift_positions(torch.from_numpy(values), torch.from_numpy(shifts))
    for row in range(2):
        expected = np.roll(values[row], shifts[row], axis=tuple(range(len(positions))))
        np.testing.assert_array_equal(shifted[row], expected)
