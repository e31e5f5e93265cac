"""Samples by what is written about them: the whole table at once, never one row after the other."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whyset.viewer.run_registry import LoadedRun


@dataclass(frozen=True)
class FoundRows:
    """The first rows that match, the best ones in front, and how many there are in all."""

    rows: NDArray[np.int64]
    total: int


def find(opened: LoadedRun, text: str, limit: int) -> FoundRows:
    """First the sample of this id, then that of this number, then all whose texts or label's name contain the text.

    Case is not regarded. The texts are those of the samples' table: ids, addresses and further columns.
    """
    hits, exact = _hits(opened, text), _exact(opened, text)
    hits[exact] = False
    rows = np.concatenate([exact, np.flatnonzero(hits)[:limit]])[:limit]
    return FoundRows(rows.astype(np.int64), len(exact) + int(hits.sum()))


def find_all(opened: LoadedRun, text: str) -> NDArray[np.int64]:
    """Every row that `find` counts, rising."""
    hits = _hits(opened, text)
    hits[_exact(opened, text)] = True
    return np.flatnonzero(hits)


def _hits(opened: LoadedRun, text: str) -> NDArray[np.bool_]:
    """Which rows have the text in one of their texts or in the name of their label."""
    hits = _find_by_name(opened, text)
    for column in _texts(opened.run.samples):
        hits |= _true(pc.match_substring(column, text, ignore_case=True))
    return hits


def _exact(opened: LoadedRun, text: str) -> NDArray[np.int64]:
    """The rows with exactly this id, several where a sample has several targets, and the row of this number."""
    rows = np.flatnonzero(_true(pc.equal(opened.run.samples["id"], text)))
    number = int(text) if text.isascii() and text.isdecimal() else len(opened.run)
    return np.array([*rows, *({number} - set(rows.tolist()) if number < len(opened.run) else ())], np.int64)


def _find_by_name(opened: LoadedRun, text: str) -> NDArray[np.bool_]:
    """Which samples have a label whose name contains the text."""
    wanted = text.casefold()
    classes = [number for number, name in enumerate(opened.run.classes) if wanted in name.casefold()]
    return np.isin(opened.column("label"), classes)


def _texts(samples: pa.Table) -> list[pa.ChunkedArray]:
    """The columns of texts; a column in codes is written out, as it is searched once."""
    columns = (
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in samples.columns
    )
    return [column for column in columns if pa.types.is_string(column.type) or pa.types.is_large_string(column.type)]


def _true(mask: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(mask, False).to_numpy())
