"""Lazy arrays: indexed like NumPy arrays; only the selected rows are read, and only committed ones."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.errors import BrokenRunError, WhysetError
from whyset.store.arrays import ArraySpec
from whyset.store.encoding import read_entries
from whyset.store.files import each
from whyset.store.indexing import Index, Rows, distinct, rows_and_rest
from whyset.store.integrity import Integrity
from whyset.store.layout import advice, shard_file
from whyset.store.remote import AnyPath
from whyset.store.scaling import unscale_rows

Numbers = npt.NDArray[np.generic]


@dataclass(frozen=True, repr=False)
class LazyArray:
    """One array of a run, indexed as NumPy's arrays are: `run.relevance[17]`, `[3:9, 0, ::2]`, `[[3, 99]]`, `[mask]`.

    A row is read whole and once: one read of its shard's index and one of the row. Rows are returned as they are
    stored, except that a scaled float16 array is returned as float32 with its scale applied. Rows of failed samples
    hold the fill value; see `run.column("status")`. `require_committed` is called with the row numbers before anything
    is read, and raises UncommittedRowsError. `integrity` compares files with checksums. `rows_each` rows share one
    stored entry: the targets of one sample have one input.
    """

    run_path: AnyPath
    spec: ArraySpec
    rows: int
    shard_rows: int
    require_committed: Callable[[Rows], None]
    integrity: Integrity
    rows_each: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.rows, *self.spec.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32 if self.spec.scaled else self.spec.dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self.rows

    def __repr__(self) -> str:
        return f"<{self.spec.name} {self.shape} {self.dtype}, read when indexed>"

    def __getitem__(self, key: Index) -> Any:
        rows, rest = rows_and_rest(key, self.shape)
        return self._read(rows)[rest]

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Numbers:
        if copy is False:
            raise ValueError("a lazy array is read from disk, so copy=False is not possible")
        whole: Numbers = self[:]
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def _read(self, rows: Rows) -> Numbers:
        self.require_committed(rows)
        values = self._allocate(len(rows))
        shard_entries = self.shard_rows // self.rows_each
        parts = {self._file(self.spec, part[0]): part for part in by_shard(rows // self.rows_each, shard_entries)}

        def read(file: AnyPath) -> None:
            shard, places, numbers = parts[file]
            wanted, found = distinct(numbers)
            if isinstance(places, slice) and len(wanted) == len(numbers):
                self._read_shard(shard, shard_entries, wanted, values[places])
            else:
                block = np.empty((len(wanted), *self.spec.shape), self.dtype)
                self._read_shard(shard, shard_entries, wanted, block)
                values[places] = block[found]

        for _ in each(read, list(parts)):
            pass
        return values

    def _allocate(self, rows: int) -> Numbers:
        try:
            return np.empty((rows, *self.spec.shape), self.dtype)
        except (MemoryError, ValueError) as error:
            size = rows * math.prod(self.spec.shape) * self.dtype.itemsize
            message = (
                f"{rows} rows of {self.spec.name} in {self.run_path} take {size:,} bytes, more than the free memory"
            )
            raise WhysetError(f"{message}: read fewer at a time") from error

    def _read_shard(self, shard: int, shard_entries: int, wanted: Rows, out: npt.NDArray[Any]) -> None:
        stored: npt.NDArray[Any] = self._read_file(self.spec, shard, shard_entries, wanted)
        if self.spec.scaled:
            unscale_rows(stored, self._read_scales(shard, shard_entries)[wanted], out)
        else:
            out[...] = stored

    def _read_scales(self, shard: int, shard_entries: int) -> Numbers:
        """Read all scales of a shard, so that they are always compared with the checksum of its commit.

        The file is small, 4 bytes a map, and a wrong scale makes a whole map wrong.
        """
        scales = ArraySpec(self.spec.scale_name, (), "float32")
        return self._read_file(scales, shard, shard_entries, np.arange(self._count(shard, shard_entries)))

    def _file(self, spec: ArraySpec, shard: int) -> AnyPath:
        return shard_file(self.run_path, spec.name, shard, 1 + len(spec.shape))

    def _read_file(self, spec: ArraySpec, shard: int, shard_entries: int, wanted: Rows) -> Numbers:
        file, count = self._file(spec, shard), self._count(shard, shard_entries)
        with _name_damage(file, advice(self.run_path, shard)):
            if self.integrity.thorough and len(wanted) < count:
                self.integrity.require_file(file, spec, shard, shard_entries, count)
            entries = read_entries(file, spec, shard_entries, wanted)
        if len(wanted) == count:
            self.integrity.require_entries(file, spec, shard, entries)
        return entries

    def require_whole(self, rows: Rows) -> None:
        """Raise BrokenRunError unless all files that hold some of these rows have the checksums of their commits."""
        self.require_committed(rows)
        shard_entries = self.shard_rows // self.rows_each
        scales = [ArraySpec(self.spec.scale_name, (), "float32")] if self.spec.scaled else []
        for shard in np.unique(rows // self.shard_rows).tolist():
            for spec in (self.spec, *scales):
                file, count = self._file(spec, shard), self._count(shard, shard_entries)
                with _name_damage(file, advice(self.run_path, shard)):
                    self.integrity.require_file(file, spec, shard, shard_entries, count)

    def _count(self, shard: int, shard_entries: int) -> int:
        """Return the number of entries in a shard; the last one may have fewer."""
        return min(shard_entries, self.rows // self.rows_each - shard * shard_entries)


@contextmanager
def _name_damage(file: AnyPath, advice: str) -> Iterator[None]:
    """Turn errors of reading into BrokenRunError: a committed shard must have all of its files."""
    try:
        yield
    except FileNotFoundError as error:
        raise BrokenRunError(f"{file} is missing, but its shard has a commit: {advice}") from error
    except WhysetError:
        raise
    except (OSError, ValueError) as error:
        raise BrokenRunError(f"{file} cannot be read ({error}): {advice}") from error


def by_shard(entries: Rows, shard_entries: int) -> Iterator[tuple[int, slice | Rows, Rows]]:
    """Yield for each shard that holds some entries: its number, their places in `entries`, their numbers in it.

    >>> [(shard, places, numbers.tolist()) for shard, places, numbers in by_shard(np.array([1, 2, 9]), 8)]
    [(0, slice(0, 2, None), [1, 2]), (1, slice(2, 3, None), [1])]
    """
    order = np.argsort(entries, kind="stable")
    shards = entries[order] // shard_entries
    for places in np.split(order, np.flatnonzero(np.diff(shards)) + 1) if len(order) else ():
        shard = int(entries[places[0]]) // shard_entries
        numbers = entries[places] - shard * shard_entries
        first, last = int(places[0]), int(places[-1])
        in_order = last - first + 1 == len(places) and bool(np.all(np.diff(places) == 1))
        yield shard, slice(first, last + 1) if in_order else places, numbers
