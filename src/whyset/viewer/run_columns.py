"""Columns of a run with one number per row: those of every run, and further metadata of its samples."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whyset.store import Run
from whyset.viewer.columns import fits_int32

COLUMNS = ("label", "prediction", "target", "confidence", "status")
"""Columns that every run has."""

MOST_VALUES, MOST_CHARACTERS = 250, 2**15
"""Maximum number of distinct texts of a categorical column, and their maximum total length."""

_OWN = frozenset({"index", "id", "uri", *COLUMNS})


@dataclass(frozen=True)
class CodedColumn:
    """One number per row; texts as codes, -1 where missing, with the text in `values[code]`."""

    numbers: NDArray[Any]
    values: tuple[str, ...] | None = None


def further_columns(run: Run, column: Callable[[str], NDArray[Any]]) -> Mapping[str, CodedColumn]:
    """Get every further column that can be sent: numbers, bools, texts with few values.

    `column` reads an array by its name. Texts with many values are not included; `whyset.viewer.search` searches them.
    """
    names = [name for name in run.sample_columns if name not in _OWN and _addressable(name)]
    table = run.sample_table(names) if names else {}
    coded = {name: _encode(table[name]) for name in names}
    arrays = [spec.name for spec in run.arrays if not spec.shape and _addressable(spec.name)]
    known = _OWN | run.own_arrays | coded.keys()
    coded |= {name: CodedColumn(_sendable(column(name))) for name in arrays if name not in known}
    return MappingProxyType({name: column for name, column in coded.items() if column is not None})


def _addressable(name: str) -> bool:
    """Return True if the name can be one part of an address."""
    return 1 <= len(name) <= 128 and "/" not in name and name not in (".", "..")


def _encode(column: pa.ChunkedArray) -> CodedColumn | None:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _encode(column.cast(kind.value_type))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _encode_text(column)
    if pa.types.is_boolean(kind):
        return _encode_bools(column)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return CodedColumn(_sendable(_numbers(column)))
    return None


def _numbers(column: pa.ChunkedArray) -> NDArray[Any]:
    """Convert a column to numbers; integers with missing values become float32, as missing values are NaN."""
    if column.null_count == 0:
        return np.asarray(column.to_numpy())
    return np.asarray(pc.fill_null(column.cast(pa.float64(), safe=False), float("nan")).to_numpy())


def _sendable(numbers: NDArray[Any]) -> NDArray[Any]:
    """Round integers of more than 32 bits to float32, like all numbers with a fraction."""
    whole = numbers.dtype.kind in "iu" and numbers.dtype != np.uint8
    return numbers if not whole or fits_int32(numbers) else numbers.astype(np.float32)


def _encode_bools(column: pa.ChunkedArray) -> CodedColumn:
    if column.null_count == 0:
        return CodedColumn(np.asarray(column.to_numpy()))
    codes = pc.fill_null(column.cast(pa.int32()), -1)
    return CodedColumn(np.asarray(codes.to_numpy()), ("no", "yes"))


def _encode_text(column: pa.ChunkedArray) -> CodedColumn | None:
    """Encode texts in alphabetical order, so that their codes do not depend on the order of the rows."""
    if len(column.slice(0, 10 * MOST_VALUES).unique()) > MOST_VALUES + 1:
        return None  # ids and the like; counting them all would take a second
    texts = sorted(text for text in column.unique().to_pylist() if text is not None)
    if len(texts) > MOST_VALUES or sum(map(len, texts)) > MOST_CHARACTERS:
        return None
    codes = pc.index_in(column, value_set=pa.array(texts, column.type))
    if column.null_count == 0:
        return CodedColumn(np.asarray(codes.to_numpy()).astype(np.uint8), tuple(texts))
    return CodedColumn(np.asarray(pc.fill_null(codes, -1).to_numpy()), tuple(texts))
