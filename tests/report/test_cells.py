"""Cells of CSV files that spreadsheets would calculate."""

import pytest

from whyset.report.cells import text_cell, text_of_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1.5", "@SUM(A1)", "\t=1", "\r=1", "=", "-"])
def test_what_begins_a_formula_is_marked_as_text_and_comes_back(text: str) -> None:
    assert text_cell(text) == f"'{text}"
    assert text_of_cell(text_cell(text)) == text


@pytest.mark.parametrize("text", ["", "cat", "a=1", "'tis", "1-1", " =1", "ü", "'"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert text_cell(text) == text
    assert text_of_cell(text) == text
