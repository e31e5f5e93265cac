"""What a key reads, and what it takes of it, is what NumPy would take of the whole array."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from whyset.store.indexing import rows_and_rest

SHAPE = (7, 3, 5)
WHOLE = np.arange(7 * 3 * 5).reshape(SHAPE)


def taken(key, whole=WHOLE):
    rows, rest = rows_and_rest(key, whole.shape)
    return whole[rows][rest]


basic = hnp.basic_indices(SHAPE, allow_newaxis=True, allow_ellipsis=True)
arrays = hnp.integer_array_indices(SHAPE)
masks = hnp.arrays(bool, st.integers(1, 3).map(lambda axes: SHAPE[:axes]))


@st.composite
def mixed(draw):
    """One part per axis, each of any kind; integer arrays have shapes that broadcast."""
    parts = []
    for side in SHAPE[: draw(st.integers(1, 3))]:
        numbers = st.integers(-side, side - 1)
        ways = [numbers, st.slices(side), st.lists(numbers, min_size=2, max_size=2), st.just(np.arange(side) % 2 == 0)]
        parts.append(draw(st.sampled_from(ways).flatmap(lambda way: way)))
    gap = draw(st.none() | st.integers(0, len(parts)))
    return tuple(parts if gap is None else [*parts[:gap], ..., *parts[gap:]])


@given(st.one_of(basic, arrays, masks, mixed()))
def test_any_key_of_numpy_takes_the_same(key):
    try:
        wanted = WHOLE[key]
    except IndexError:
        with pytest.raises(IndexError):
            taken(key)
    else:
        found = taken(key)
        assert np.array_equal(found, wanted)
        assert np.shape(found) == np.shape(wanted)


@pytest.mark.parametrize(
    "key", [[], np.array(3), np.uint8(6), ([1, 1], [0, 2]), (None, -1), (..., None), np.int8([[-7]])]
)
def test_keys_that_are_easily_got_wrong(key):
    assert np.array_equal(taken(key), WHOLE[key])
    assert np.shape(taken(key)) == np.shape(WHOLE[key])


@pytest.mark.parametrize(
    ("key", "read"),
    [
        (4, [4]),
        (-1, [6]),
        (slice(5, 1, -2), [5, 3]),
        ([6, 0, 6, -1], [0, 6]),
        (([3, 3], [0, 1]), [3]),
        (np.arange(7) == 2, [2]),
        ((..., 0, 0), list(range(7))),
        (slice(3, 3), []),
    ],
)
def test_only_the_rows_asked_for_are_read_and_each_once(key, read):
    assert rows_and_rest(key, SHAPE)[0].tolist() == read


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (7, "row 7 is out of bounds for 7 rows"),
        ([0, -8], "row -8 is out of bounds"),
        (1.0, r"integers, slices, masks or arrays of integers, not by 1\.0"),
        ("id", "not by 'id'"),
        ((0, 0, 0, 0), "at most 3 indices"),
        ((..., ...), r"at most one '\.\.\.'"),
        (True, "True is not a row number"),
        (np.ones(6, bool), r"mask has the shape \(6,\): expected \(7,\)"),
    ],
)
def test_keys_that_do_not_fit_are_refused_with_the_reason(key, message):
    with pytest.raises(IndexError, match=message):
        taken(key)


@given(hnp.arrays(bool, 7))
def test_a_column_has_one_axis(mask):
    column = np.arange(7)
    assert np.array_equal(taken(mask, column), column[mask])
    assert taken(3, column) == 3
