"""How numbers are written; the viewer reads the same table in its own test."""

import json
from pathlib import Path

import pytest

from whyset.report.numbers import SIGNIFICANT, number, percent

TABLE = json.loads((Path(__file__).parents[2] / "web/tests/numbers.json").read_text())


@pytest.mark.parametrize(("value", "digits", "written"), TABLE["numbers"])
def test_zero_and_one_are_written_only_where_they_are_exact(value: float, digits: int, written: str) -> None:
    assert number(value, digits) == written


@pytest.mark.parametrize(("value", "written"), TABLE["percents"])
def test_percents_follow_the_same_rule(value: float, written: str) -> None:
    assert percent(value) == written


def test_the_viewer_calls_the_same_significant() -> None:
    assert TABLE["significant"] == SIGNIFICANT
