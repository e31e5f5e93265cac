"""The columns of a run with one number per sample: those of every run, and whatever else is known of its samples."""

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
"""Those that every run has."""

MOST_VALUES, MOST_CHARACTERS = 250, 2**15
"""How many different texts a column may have to be a set of choices, and how long they may be together."""

_OWN = frozenset({"index", "id", "uri", *COLUMNS})


@dataclass(frozen=True)
class CodedColumn:
    """One number per sample; of texts their codes, -1 where there is none, with `values[code]` the text."""

    numbers: NDArray[Any]
    values: tuple[str, ...] | None = None


def further_columns(run: Run, column: Callable[[str], NDArray[Any]]) -> Mapping[str, CodedColumn]:
    """Every further column of the samples and of the arrays that can be sent: numbers, bools, texts of few values.

    `column` reads an array by its name.
    Texts that differ from sample to sample are no column of numbers; `whyset.viewer.search` searches them.
    """
    names = [name for name in run.sample_columns if name not in _OWN and _addressable(name)]
    table = run.sample_table(names) if names else {}
    coded = {name: _encode(table[name]) for name in names}
    arrays = [spec.name for spec in run.arrays if not spec.shape and _addressable(spec.name)]
    known = _OWN | run.own_arrays | coded.keys()
    coded |= {name: CodedColumn(_sendable(column(name))) for name in arrays if name not in known}
    return MappingProxyType({name: column for name, column in coded.items() if column is not None})


def _addressable(name: str) -> bool:
    """Whether the name can be one part of an address."""
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
    """Unknown numbers are NaN, which whole numbers do not have: a column that lacks some travels as float32."""
    if column.null_count == 0:
        return np.asarray(column.to_numpy())
    return np.asarray(pc.fill_null(column.cast(pa.float64(), safe=False), float("nan")).to_numpy())


def _sendable(numbers: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers beyond 32 bits are rounded as float32, as all numbers with a fraction are."""
    whole = numbers.dtype.kind in "iu" and numbers.dtype != np.uint8
    return numbers if not whole or fits_int32(numbers) else numbers.astype(np.float32)


def _encode_bools(column: pa.ChunkedArray) -> CodedColumn:
    if column.null_count == 0:
        return CodedColumn(np.asarray(column.to_numpy()))
    codes = pc.fill_null(column.cast(pa.int32()), -1)
    return CodedColumn(np.asarray(codes.to_numpy()), ("no", "yes"))


def _encode_text(column: pa.ChunkedArray) -> CodedColumn | None:
    """The texts in the order of the alphabet, so that their codes do not depend on the order of the samples."""
    if len(column.slice(0, 10 * MOST_VALUES).unique()) > MOST_VALUES + 1:
        return None  # ids and the like; counting them all would take a second
    texts = sorted(text for text in column.unique().to_pylist() if text is not None)
    if len(texts) > MOST_VALUES or sum(map(len, texts)) > MOST_CHARACTERS:
        return None
    codes = pc.index_in(column, value_set=pa.array(texts, column.type))
    if column.null_count == 0:
        return CodedColumn(np.asarray(codes.to_numpy()).astype(np.uint8), tuple(texts))
    return CodedColumn(np.asarray(pc.fill_null(codes, -1).to_numpy()), tuple(texts))
