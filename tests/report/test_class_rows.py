"""Ranks and q-values of classes."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from whyset.report.class_rows import ClassRow, rank_rows
from whyset.store.analyses import Completeness
from whyset.store.category import OUTDATED


def row(name: str, p_value: float | None, problem: str | None = None) -> ClassRow:
    return ClassRow(0, name, name, 20, 20, separability=1.0, p_value=p_value, problem=problem)


def test_q_values_are_those_of_scipy() -> None:
    p_values = [0.03, 0.04, 0.9, 0.002]
    rows = rank_rows([row(str(n), p) for n, p in enumerate(p_values)], Completeness(4, 4, (), sealed=True))
    found = {one.name: one.q_value for one in rows}
    np.testing.assert_allclose([found[str(n)] for n in range(4)], false_discovery_control(p_values))


def test_the_p_value_of_a_class_left_over_from_another_configuration_does_not_count() -> None:
    """An analysis under the same name with other groups leaves the folders of classes that it does not list."""
    listed = [row("cat", 0.03), row("dog", 0.04)]
    alone = rank_rows(listed, Completeness(2, 2, (), sealed=True))
    beside = rank_rows([*listed, row("old", 0.9, OUTDATED)], Completeness(2, 2, (), sealed=True))
    expected = dict(zip(("cat", "dog"), false_discovery_control([0.03, 0.04]), strict=True))
    for rows in (alone, beside):
        found = {one.name: one.q_value for one in rows}
        assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert {one.name: one.q_value for one in beside}["old"] is None
