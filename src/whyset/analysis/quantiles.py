"""Grouping of samples by quantiles of a number, such as the true value of a regression."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.store import DONE, Run
from whyset.store.layout import OUTPUT_VALUE, STATUS, TRUE_VALUE

ERROR = "error"
"""The predicted value minus the true one."""

ReadColumn = Callable[[str], NDArray[Any]]
"""Reads a column of a run by its name, (N,)."""

_PATTERN = re.compile(r"(.+):(\d+)")


@dataclass(frozen=True)
class Quantiles:
    """Groups of equal size by a column of numbers.

    Parameters
    ----------
    column : str
        A column of the run or of its samples, or "error", the predicted value minus the true one.
    count : int
        The number of groups, 2 or more.

    Examples
    --------
    >>> Quantiles.parse("true_value:4")
    Quantiles(column='true_value', count=4)
    """

    column: str
    count: int

    @classmethod
    def parse(cls, text: str) -> "Quantiles | None":
        """Return the grouping of a text COLUMN:COUNT; None for other texts, or fewer than two groups."""
        found = _PATTERN.fullmatch(text)
        return cls(found[1], int(found[2])) if found is not None and int(found[2]) >= 2 else None

    def split(self, run: Run, column: ReadColumn) -> "QuantileGroups":
        """Split the explained samples of a run into groups; InputError: the column does not exist, or has no number."""
        values = _read(run, self.column, column)
        known = values[run.committed & (column(STATUS) == DONE) & np.isfinite(values)]
        if not len(known):
            raise InputError(f"{run.path}: no explained sample has a number in the column {self.column!r}.")
        return QuantileGroups(self.column, values, np.quantile(known, np.linspace(0, 1, self.count + 1)))


@dataclass(frozen=True, eq=False)
class QuantileGroups:
    """The `values` of a column (N,), and the `edges` of its groups: group i is from edge i up to edge i + 1."""

    column: str
    values: NDArray[np.float64]
    edges: NDArray[np.float64]

    def get_classes(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the group of each of the rows `indices`, -1 where its number is unknown."""
        values = self.values[indices]
        return np.where(np.isfinite(values), np.searchsorted(self.edges[1:-1], values, side="right"), -1)

    def name(self, number: int) -> str:
        """Return the name of a group: the column and its bounds."""
        return f"{self.column} {self.edges[number]:.4g} to {self.edges[number + 1]:.4g}"


def _read(run: Run, name: str, column: ReadColumn) -> NDArray[np.float64]:
    """Read a column of numbers, NaN where unknown."""
    if name == ERROR:
        return _read(run, OUTPUT_VALUE, column) - _read(run, TRUE_VALUE, column)
    arrays = [spec.name for spec in run.arrays if not spec.shape]
    if name in arrays:
        return column(name).astype(np.float64)
    if name not in run.sample_columns:
        known = ", ".join(arrays + run.sample_columns)
        raise InputError(f"{run.path} has no column {name!r} to group by; it has {known}.")
    found = run.sample_table([name])[name]
    if not (pa.types.is_floating(found.type) or pa.types.is_integer(found.type)):
        raise InputError(f"{run.path}: the column {name!r} holds {found.type}: it does not hold numbers.")
    return np.array([np.nan if value is None else value for value in found.to_pylist()], np.float64)
