"""In which categories of an analysis a sample lies."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from whyset.errors import WhysetError
from whyset.store.analyses import Analysis, category_folders, read_category
from whyset.store.remote import AnyPath


@dataclass
class Members:
    """The samples of every category, read once for each state of an analysis; unreadable categories have none."""

    _known: dict[str, tuple[object, dict[str, NDArray[np.int64]]]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def categories_of(self, analysis: Analysis, rows: NDArray[np.int64]) -> list[list[str]]:
        """The ids of the categories in which each row lies."""
        found: list[list[str]] = [[] for _ in rows]
        for id, index in self._of(analysis).items():
            place = np.minimum(np.searchsorted(index, rows), len(index) - 1)
            for position in np.flatnonzero(index[place] == rows):
                found[position].append(id)
        return found

    def _of(self, analysis: Analysis) -> dict[str, NDArray[np.int64]]:
        folders = category_folders(analysis.path)
        state = (analysis.config_hash, *((folder.name, _changed(folder)) for folder in folders))
        with self._lock:
            if self._known.get(analysis.name, (None,))[0] != state:
                indices = {folder.name: _index(folder) for folder in folders}
                self._known[analysis.name] = state, {id: index for id, index in indices.items() if len(index)}
            return self._known[analysis.name][1]


def _index(folder: AnyPath) -> NDArray[np.int64]:
    try:
        return np.array(read_category(folder).column("index"), np.int64)
    except (WhysetError, OSError, AttributeError, TypeError, ValueError):
        return np.zeros(0, np.int64)  # the class itself tells what is wrong with it


def _changed(folder: AnyPath) -> int | None:
    """A category that is done again is another folder; an object store does not tell."""
    return folder.stat().st_mtime_ns if isinstance(folder, Path) else None
