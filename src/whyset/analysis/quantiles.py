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

_PATTERN = re.compile(r"(.+):(\d+)")


@dataclass(frozen=True)
class Quantiles:
    """Groups of equal size by a column of numbers: class i holds the values from edge i up to edge i + 1.

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

    def get_classes(
        self, run: Run, indices: NDArray[np.int64], column: Callable[[str], NDArray[Any]]
    ) -> NDArray[np.int64]:
        """Return the group of each of the rows `indices`, -1 where its number is unknown."""
        values = self._read(run, column)
        edges = self._edges(run, values, column)
        found = np.searchsorted(edges[1:-1], values[indices], side="right")
        return np.where(np.isfinite(values[indices]), found, -1)

    def name(self, run: Run, number: int) -> str:
        """Return the name of a group: the column and its bounds."""
        edges = self._edges(run, self._read(run, run.column), run.column)
        return f"{self.column} {edges[number]:.4g} to {edges[number + 1]:.4g}"

    def _edges(
        self, run: Run, values: NDArray[np.float64], column: Callable[[str], NDArray[Any]]
    ) -> NDArray[np.float64]:
        known = values[run.committed & (column(STATUS) == DONE) & np.isfinite(values)]
        if not len(known):
            raise InputError(f"{run.path}: no explained sample has a number in the column {self.column!r}.")
        return np.asarray(np.quantile(known, np.linspace(0, 1, self.count + 1)))

    def _read(self, run: Run, column: Callable[[str], NDArray[Any]]) -> NDArray[np.float64]:
        if self.column == ERROR:
            return Quantiles(OUTPUT_VALUE, 2)._read(run, column) - Quantiles(TRUE_VALUE, 2)._read(run, column)
        if any(spec.name == self.column and not spec.shape for spec in run.arrays):
            return column(self.column).astype(np.float64)
        if self.column not in run.sample_columns:
            known = [spec.name for spec in run.arrays if not spec.shape] + run.sample_columns
            raise InputError(f"{run.path} has no column {self.column!r} to group by; it has {', '.join(known)}.")
        found = run.sample_table([self.column])[self.column]
        if not (pa.types.is_floating(found.type) or pa.types.is_integer(found.type)):
            raise InputError(f"{run.path}: the column {self.column!r} holds {found.type}: it does not hold numbers.")
        return np.array([np.nan if value is None else value for value in found.to_pylist()], np.float64)
