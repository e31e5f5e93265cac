"""Classes given as numbers or names become the same indices."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import InputError
from whyset.store.maps.classes import ClassTable, sort_names

NAMES = st.lists(st.none() | st.text(min_size=1, max_size=3), min_size=1, max_size=30)


@given(values=NAMES, cut=st.integers(0, 30))
def test_names_are_numbered_by_their_first_appearance_in_any_batches(values, cut) -> None:
    parts, table = [], ClassTable()
    for part in (values[:cut], values[cut:]):
        if part:
            indices, table = table.read("labels", part, len(part))
            parts.append(indices)
    assert [None if index < 0 else table.names[index] for index in np.concatenate(parts)] == values
    assert list(table.names) == list(dict.fromkeys(value for value in values if value is not None))


@pytest.mark.parametrize(
    "values",
    [
        [0, 2, None, 1],
        (0, 2, -1, 1),
        np.array([0, 2, -1, 1], np.int8),
        np.array([0.0, 2.0, np.nan, 1.0]),
        np.array([[0], [2], [-1], [1]]),
        np.array([0, 2, None, 1], object),
        pd.array([0, 2, None, 1], dtype="Int64"),
        pd.Series([0, 2, None, 1]),
        torch.tensor([0, 2, -1, 1]),
        torch.tensor([0.0, 2.0, float("nan"), 1.0], dtype=torch.bfloat16),
    ],
    ids=str,
)
def test_all_forms_of_numbers_are_the_same(values) -> None:
    indices, table = ClassTable().read("labels", values, 4)
    assert (indices.tolist(), table.names) == ([0, 2, -1, 1], ("0", "1", "2"))


@pytest.mark.parametrize(
    "values",
    [
        ["b", "a", None],
        np.array(["b", "a", None], object),
        np.array([b"b", b"a", None], object),
        pd.Series(["b", "a", None], dtype="category"),
        pd.Series(["b", "a", None], dtype="string"),
    ],
    ids=str,
)
def test_all_forms_of_names_are_the_same(values) -> None:
    assert ClassTable(("a", "b")).read("labels", values, 3)[0].tolist() == [1, 0, -1]
    assert sort_names({"labels": values}) == ("a", "b")


def test_numbers_in_the_form_of_text_are_names() -> None:
    indices, table = ClassTable().read("labels", ["7", "3"], 2)
    assert (indices.tolist(), table.names) == ([0, 1], ("7", "3"))


def test_names_are_sorted_over_all_columns_and_only_if_all_are_names() -> None:
    assert sort_names({"labels": ["b", None], "predictions": np.array(["c", "a"])}) == ("a", "b", "c")
    assert sort_names({"labels": ["b"], "predictions": [0]}) is None
    assert sort_names({"labels": ["b", 0]}) is None
    assert sort_names({"labels": None}) is None
    assert sort_names({"labels": [None, float("nan")]}) is None


@pytest.mark.parametrize("values", [[True, False], np.array([1, 0], bool)])
def test_truth_values_are_classes_1_and_0(values) -> None:
    assert ClassTable().read("labels", values, 2)[0].tolist() == [1, 0]


@pytest.mark.parametrize("values", [[0, 1.5], [0, "a"], ["a", 0], [0, -2], [2**70, 0], [[0], [1, 2]], [{}, 0], [0, 1j]])
def test_other_values_are_refused(values) -> None:
    with pytest.raises(InputError):
        ClassTable().read("labels", values, 2)
