"""Rows of the categories of an analysis, and the categories of a row."""

from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from whyset.errors import WhysetError
from whyset.store.analyses import Analysis
from whyset.store.category import Category, read_category, require_rows
from whyset.store.remote import AnyPath
from whyset.viewer.changes import AnalysisStamp


def get_rows(category: Category, count: int) -> NDArray[np.int64]:
    """Get the rows of a category in a run of `count` rows; imported ones are in any order.

    BrokenRunError: the category does not hold valid rows.
    """
    rows = np.asarray(category.column("index"))
    require_rows(category.path, rows, count)
    return rows.astype(np.int64)


def places_in(index: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find the position of each row in a non-empty index, and if the index contains the row."""
    order = np.argsort(index, kind="stable")
    place = order[np.minimum(np.searchsorted(index, rows, sorter=order), len(index) - 1)]
    return place, index[place] == rows


@dataclass
class CategoryMembers:
    """Rows of every category, read once for each state of an analysis; unreadable categories have none."""

    count: int = 0
    """Number of rows of the run."""
    _known: dict[str, tuple[object, dict[str, NDArray[np.int64]]]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def get_categories(self, analysis: Analysis, rows: NDArray[np.int64]) -> list[list[str]]:
        """Get the ids of the categories that contain each row."""
        found: list[list[str]] = [[] for _ in rows]
        for id, index in self._get_members(analysis).items():
            for position in np.flatnonzero(places_in(index, rows)[1]):
                found[position].append(id)
        return found

    def _get_members(self, analysis: Analysis) -> dict[str, NDArray[np.int64]]:
        state = AnalysisStamp.of(analysis.path)
        with self._lock:
            if self._known.get(analysis.name, (None,))[0] != state:
                indices = {name: self._index(analysis.path / name) for name in state.categories if analysis.lists(name)}
                self._known[analysis.name] = state, {id: index for id, index in indices.items() if len(index)}
            return self._known[analysis.name][1]

    def _index(self, folder: AnyPath) -> NDArray[np.int64]:
        try:
            return get_rows(read_category(folder), self.count)
        except (WhysetError, OSError, AttributeError, TypeError, ValueError):
            return np.zeros(0, np.int64)  # the endpoint of the class reports the problem
