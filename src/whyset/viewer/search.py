"""Search in the texts of the samples, vectorized over the whole table."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whyset.viewer.run_registry import LoadedRun


@dataclass(frozen=True)
class FoundRows:
    """The best matching rows and the total number of matching rows."""

    rows: NDArray[np.int64]
    total: int


def find(opened: LoadedRun, text: str, limit: int) -> FoundRows:
    """Find the row with this id, then the row with this number, then all whose texts or label name contain the text.

    Case is ignored. The texts are those of the samples' table: ids, addresses and further columns.
    """
    hits, exact = _hits(opened, text), _exact(opened, text)
    hits[exact] = False
    rows = np.concatenate([exact, np.flatnonzero(hits)[:limit]])[:limit]
    return FoundRows(rows.astype(np.int64), len(exact) + int(hits.sum()))


def find_all(opened: LoadedRun, text: str) -> NDArray[np.int64]:
    """Find every row that `find` counts, rising."""
    hits = _hits(opened, text)
    hits[_exact(opened, text)] = True
    return np.flatnonzero(hits)


def _hits(opened: LoadedRun, text: str) -> NDArray[np.bool_]:
    """Mark the rows with the text in one of their texts or in the name of their label."""
    hits = _find_by_name(opened, text)
    for column in _texts(opened.run.samples):
        hits |= _true(pc.match_substring(column, text, ignore_case=True))
    return hits


def _exact(opened: LoadedRun, text: str) -> NDArray[np.int64]:
    """Find the rows with exactly this id (several if a sample has several targets) and the row with this number."""
    rows = np.flatnonzero(_true(pc.equal(opened.run.samples["id"], text)))
    number = int(text) if text.isascii() and text.isdecimal() else len(opened.run)
    return np.array([*rows, *({number} - set(rows.tolist()) if number < len(opened.run) else ())], np.int64)


def _find_by_name(opened: LoadedRun, text: str) -> NDArray[np.bool_]:
    """Mark the rows whose label name contains the text."""
    wanted = text.casefold()
    classes = [number for number, name in enumerate(opened.run.classes) if wanted in name.casefold()]
    return np.isin(opened.column("label"), classes)


def _texts(samples: pa.Table) -> list[pa.ChunkedArray]:
    """Get the columns of texts; dictionary columns are decoded, as they are searched once."""
    columns = (
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in samples.columns
    )
    return [column for column in columns if pa.types.is_string(column.type) or pa.types.is_large_string(column.type)]


def _true(mask: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(mask, False).to_numpy())
