"""samples.parquet: the table of the samples, written before anything is computed."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whyset.errors import BrokenRunError, InputError
from whyset.store.boundary import open_foreign
from whyset.store.files import replace_file
from whyset.store.remote import AnyPath
from whyset.store.remote_errors import RemoteError

SCHEMA = pa.schema(
    [
        pa.field("index", pa.int64(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("label", pa.int64()),
        pa.field("uri", pa.string()),
    ]
)
SAMPLE = pa.field("sample", pa.int64(), nullable=False)
"""The sample that a row explains; only if a sample has several rows, one per target."""


TOKENS = pa.field("tokens", pa.list_(pa.string()))
"""The words of each text; only for runs of texts with known words."""

_MOST_EXPANSION = 4096
"""Limit of the compression ratio, which equal texts reach."""

_WIDTH = 8
"""Bytes of a number, or of the offset of a text, at most."""

_THREADS = False
"""For `use_threads` and `pre_buffer`: a thread of Arrow that still frees a Python buffer while the interpreter ends
aborts the process, although its work is complete."""

_TOKEN_ROWS = 4096
"""Rows per row group, which is read to get the tokens of one row."""


def samples_table(
    ids: Sequence[str],
    labels: Iterable[int | None] | None = None,
    uris: Iterable[str | None] | None = None,
    targets_per_sample: int = 1,
    tokens: Iterable[Sequence[str]] | None = None,
    further: Mapping[str, Sequence[object]] | None = None,
) -> pa.Table:
    """Make the table of a run's rows from the columns of its samples; the index is the position.

    `tokens` are the words of each text in order, without padding. The viewer can search and color by `further` columns,
    with one value per sample.

    >>> samples_table(["cat/1.png", "dog/2.png"], [0, 1]).column_names
    ['index', 'id', 'label', 'uri']
    >>> samples_table(["cat/1.png", "dog/2.png"], targets_per_sample=2)["sample"].to_pylist()
    [0, 0, 1, 1]
    """
    known = {"id": ids, "label": labels, "uri": uris}
    given = {name: values for name, values in known.items() if values is not None}
    columns = {name: pa.array(values, SCHEMA.field(name).type) for name, values in given.items()}
    if tokens is not None:
        columns[TOKENS.name] = pa.array(map(list, tokens), TOKENS.type)
    table = pa.table(columns | {name: pa.array(values) for name, values in (further or {}).items()})
    rows = np.arange(table.num_rows * targets_per_sample)
    table = table.take(pa.array(rows // targets_per_sample)).append_column("index", pa.array(rows))
    return check_samples(table, targets_per_sample)


def check_samples(table: pa.Table, targets_per_sample: int = 1) -> pa.Table:
    """Return the table in the stored form: index 0..N-1, unique ids; label and uri may be missing.

    With several targets the rows of a sample are consecutive and have one id, and `sample` counts the samples. Further
    columns of numbers, booleans, texts and times follow. Raises InputError for other tables.
    """
    if table.num_rows == 0:
        raise InputError("a run needs at least one sample; the data set is empty")
    for name in ("index", "id"):
        if name not in table.column_names:
            raise InputError(f"the samples lack the column {name!r}; they have {table.column_names}")
    columns = [
        table[field.name].combine_chunks().cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in SCHEMA
    ]
    if not np.array_equal(columns[0].to_numpy(zero_copy_only=False), np.arange(table.num_rows)):
        raise InputError("the samples' column 'index' must count 0, 1, 2, ...")
    _refuse_other_rows(columns[1], targets_per_sample)
    _refuse_repeated_ids(columns[1].take(pa.array(np.arange(0, table.num_rows, targets_per_sample))))
    rows = pa.table(columns, schema=SCHEMA)
    if targets_per_sample > 1:
        rows = rows.append_column(SAMPLE, pa.array(np.arange(table.num_rows) // targets_per_sample))
    if TOKENS.name in table.column_names:
        rows = rows.append_column(TOKENS, table[TOKENS.name].combine_chunks().cast(TOKENS.type))
    for name in table.column_names:
        if name not in rows.column_names and name != SAMPLE.name:
            rows = rows.append_column(name, _further(name, table[name]))
    return rows


def write_samples(path: AnyPath, table: pa.Table) -> None:
    content = BytesIO()
    size = _TOKEN_ROWS if TOKENS.name in table.column_names else None
    pq.write_table(table, content, row_group_size=size, write_page_checksum=True)
    replace_file(path, content.getvalue())


def read_samples(path: AnyPath, columns: Sequence[str] | None = None, rows: int | None = None) -> pa.Table:
    """Read the table without the tokens, or some of its columns.

    Raises BrokenRunError if the file is missing or damaged, or, before reading, if it has another number of `rows`.
    """
    with _open(path) as (file, probe):
        names = file.schema_arrow.names
        if rows is not None and file.metadata.num_rows != rows:
            raise BrokenRunError(f"{path} has {file.metadata.num_rows} rows: expected {rows}")
        chosen = columns or [name for name in names if name != TOKENS.name]
        probe.require_possible(chosen, range(file.num_row_groups))
        table = file.read(columns=chosen, use_threads=_THREADS)
    if names[: len(SCHEMA)] != SCHEMA.names:
        raise BrokenRunError(f"{path} has the columns {names}: expected {SCHEMA.names}")
    return table


def require_samples_hash(path: AnyPath, expected: str) -> None:
    """Raise BrokenRunError unless the file has the SHA-256 that run.json states."""
    try:
        with open_foreign(path) as file:
            found = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    except RemoteError:
        raise
    except FileNotFoundError as error:
        raise BrokenRunError(f"{path} is missing: restore it from a copy of the run") from error
    except OSError as error:
        raise BrokenRunError(f"{path} cannot be read: {error}") from error
    if found != expected:
        raise BrokenRunError(
            f"{path} is damaged: its SHA-256 is {found}, run.json has {expected}; restore it from a copy of the run, "
            "or explain again into another folder"
        )


def sample_columns(path: AnyPath) -> list[str]:
    """Return the names of the table's columns without the tokens; errors as in `read_samples`."""
    with _open(path) as (file, _):
        return [name for name in file.schema_arrow.names if name != TOKENS.name]


def read_tokens(path: AnyPath, rows: npt.NDArray[np.int64]) -> list[list[str]] | None:
    """Read the tokens of some rows, None if the run has none; only the row groups that hold them are read."""
    with _open(path) as (file, probe):
        if TOKENS.name not in file.schema_arrow.names:
            return None
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        starts = np.cumsum([0, *sizes])
        groups = np.searchsorted(starts, rows, side="right") - 1
        found: dict[int, list[str]] = {}
        probe.require_possible([TOKENS.name], np.unique(groups).tolist())
        for group in np.unique(groups).tolist():
            places = np.flatnonzero(groups == group)
            column = file.read_row_group(group, [TOKENS.name], use_threads=_THREADS)[TOKENS.name]
            words = column.take(pa.array(rows[places] - starts[group])).to_pylist()
            found.update(zip(places.tolist(), words, strict=True))
        return [found[place] or [] for place in range(len(rows))]


def _open_parquet(source: BinaryIO, **options: Any) -> pq.ParquetFile:
    return pq.ParquetFile(source, pre_buffer=_THREADS, **options)


@contextmanager
def _open(path: AnyPath) -> Iterator[tuple[pq.ParquetFile, "_Probe"]]:
    try:
        with open_foreign(path) as source, _open_parquet(source, page_checksum_verification=True) as file:
            size = source.seek(0, os.SEEK_END)
            _require_possible(file.metadata, size)
            _require_types(file.schema_arrow)
            yield file, _Probe(source, file, size)
    except RemoteError:
        raise
    except FileNotFoundError as error:
        raise BrokenRunError(f"{path} is missing") from error
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise BrokenRunError(f"{path} is damaged: {error}") from error


def _require_possible(footer: pq.FileMetaData, size: int) -> None:
    """Raise ValueError for a footer that claims more than a file of this size can hold."""
    groups = [footer.row_group(group) for group in range(footer.num_row_groups)]
    if sum(group.num_rows for group in groups) != footer.num_rows:
        raise ValueError("its footer has inconsistent numbers of rows")
    _require_held(sum(group.total_byte_size for group in groups), size)
    _require_held(footer.num_rows * _WIDTH * footer.num_columns, size)


def _require_held(claimed: int, size: int) -> None:
    if not 0 <= claimed <= _MOST_EXPANSION * size:
        raise ValueError(f"it claims {claimed:,} bytes of values, which {size:,} bytes cannot hold")


def _require_types(schema: pa.Schema) -> None:
    """Raise ValueError unless the columns have the types that `check_samples` makes."""
    known = {field.name: field.type for field in (*SCHEMA, SAMPLE)}
    for field in schema:
        if field.name == TOKENS.name:
            fits = pa.types.is_list(field.type) and field.type.value_type == pa.string()
        else:
            fits = known[field.name] == field.type if field.name in known else _is_further(field.type)
        if not fits:
            raise ValueError(f"its column {field.name[:80]!r} holds {str(field.type)[:80]}")


@dataclass(frozen=True)
class _Probe:
    """Bounds the memory of texts before they are read: many rows may refer to one long text of a dictionary."""

    source: BinaryIO
    file: pq.ParquetFile
    size: int

    def require_possible(self, columns: Sequence[str], groups: Iterable[int]) -> None:
        """Raise ValueError if the texts in these columns could take more memory than the file can reasonably hold.

        The first row of a group loads its whole dictionary; texts outside it are counted by the footer.
        """
        leaves = {name: path for name, path in self._leaves().items() if name in columns}
        if not leaves or not self.file.metadata.num_rows:
            return
        probe = _open_parquet(self.source, read_dictionary=list(leaves.values()))
        claimed = 0
        for group in groups:
            for batch in probe.iter_batches(1, [group], list(leaves), use_threads=_THREADS):
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    codes = column.values if name == TOKENS.name else column
                    longest = pc.max(pc.binary_length(codes.dictionary)).as_py() or 0
                    claimed += longest * self._values(group, leaves[name])
                break
        _require_held(claimed, self.size)

    def _leaves(self) -> dict[str, str]:
        """Return the path in the schema of each column of texts."""
        paths = [self.file.schema.column(place).path for place in range(self.file.metadata.num_columns)]
        own = {path.partition(".")[0]: path for path in paths}
        return {field.name: own[field.name] for field in self.file.schema_arrow if _holds_texts(field.type)}

    def _values(self, group: int, path: str) -> int:
        described = self.file.metadata.row_group(group)
        columns = map(described.column, range(described.num_columns))
        return int(next(column.num_values for column in columns if column.path_in_schema == path))


def _holds_texts(kind: pa.DataType) -> bool:
    return any(is_kind(kind) for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_list))


def label_array(table: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return labels as int64, -1 where unknown."""
    column = table["label"]
    if (
        column.null_count == 0
    ):  # by DLPack: PyArrow's conversions import pandas if it is installed, which takes far longer
        return np.concatenate([np.empty(0, np.int64), *map(np.from_dlpack, column.chunks)])
    labels: np.ndarray[tuple[int], np.dtype[np.int64]] = pc.fill_null(column, -1).to_numpy()
    return labels


def _further(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a further column, decoded if it is a dictionary."""
    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    if not _is_further(plain.type):
        raise InputError(
            f"the samples' column {name!r} holds {plain.type}: expected numbers, booleans, texts or times; omit it"
        )
    return plain


def _is_further(kind: pa.DataType) -> bool:
    """True if a further column may have this type."""
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_temporal, pa.types.is_string)
    return any(is_kind(kind) for is_kind in (*kinds, pa.types.is_large_string, pa.types.is_null))


def _refuse_other_rows(ids: pa.Array, targets_per_sample: int) -> None:
    """Require that row r explains sample r // targets_per_sample."""
    whole = len(ids) // targets_per_sample * targets_per_sample
    first = ids.take(pa.array(np.arange(whole) // targets_per_sample * targets_per_sample))
    if whole != len(ids) or not first.equals(ids):
        raise InputError(
            f"the samples' rows must be in groups of {targets_per_sample} with one id, one row for each target"
        )


def _refuse_repeated_ids(ids: pa.Array) -> None:
    if ids.null_count:
        raise InputError(f"{ids.null_count} samples have no id")
    counts = ids.value_counts()
    if len(counts) < len(ids):
        repeated = next(entry["values"].as_py() for entry in counts if entry["counts"].as_py() > 1)
        raise InputError(
            f"sample ids must be unique, but {repeated!r} occurs more than once: remove repeated samples, such as an "
            "index that a Subset lists twice"
        )
