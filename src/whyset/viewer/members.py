"""Which samples of a run a category holds, and in which categories a sample lies."""

from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from whyset.errors import WhysetError
from whyset.store.analyses import Analysis, Category, read_category, require_rows
from whyset.store.remote import AnyPath
from whyset.viewer.changes import AnalysisStamp


def get_rows(category: Category, count: int) -> NDArray[np.int64]:
    """The rows of a category in a run of `count` rows; of imported ones in any order. BrokenRunError: they are none."""
    rows = np.asarray(category.column("index"))
    require_rows(category.path, rows, count)
    return rows.astype(np.int64)


def places_in(index: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each row stands in an index that is not empty, and whether it stands there at all."""
    order = np.argsort(index, kind="stable")
    place = order[np.minimum(np.searchsorted(index, rows, sorter=order), len(index) - 1)]
    return place, index[place] == rows


@dataclass
class CategoryMembers:
    """The samples of every category, read once for each state of an analysis; unreadable categories have none."""

    count: int = 0
    """How many rows the run has."""
    _known: dict[str, tuple[object, dict[str, NDArray[np.int64]]]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def get_categories(self, analysis: Analysis, rows: NDArray[np.int64]) -> list[list[str]]:
        """The ids of the categories in which each row lies."""
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
            return np.zeros(0, np.int64)  # the class itself tells what is wrong with it
