"""Lazy arrays: index a run's array like NumPy; only the rows asked for are read, and only committed ones."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import zarr

from whyset.errors import BrokenRunError
from whyset.store.arrays import ArraySpec
from whyset.store.layout import DATA, shard_file
from whyset.store.preallocate import zarr_settings
from whyset.store.scaling import unscale_rows

Index: TypeAlias = "int | slice | EllipsisType | Sequence[int] | npt.NDArray[Any] | tuple[Any, ...]"
Numbers = npt.NDArray[np.generic]

_GAP = 4
"""Rows up to this far apart are read in one call: a call costs as much as reading about three rows more."""


@dataclass(frozen=True)
class LazyArray:
    """One array of a run, e.g. `run.relevance[17]`, `[10:20]`, `[[3, 99]]`, `[mask]` or `[17, 0]`.

    Rows come as they are stored, except that a scaled float16 array comes as float32 with its scale applied.
    Rows of failed samples hold the fill value; `run.column("status")` tells them. `require_committed` is called
    with the row numbers before anything is read, and raises UncommittedRowsError. `rows_each` rows share one entry
    of what is stored: the targets of one sample have one input.
    """

    run_path: Path
    spec: ArraySpec
    rows: int
    shard_rows: int
    require_committed: Callable[[npt.NDArray[np.int64]], None]
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

    def __getitem__(self, key: Index) -> Any:
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) and key else (key, ())
        if first is Ellipsis:
            return self._read(np.arange(self.rows))[(Ellipsis, *rest)]
        chosen = np.asarray(np.arange(self.rows)[first])
        if chosen.ndim == 0:
            return self._read(chosen.reshape(1))[0][rest]
        if chosen.ndim > 1:
            raise IndexError(f"rows are chosen by one number, a slice, or one row of numbers; came {chosen.ndim} axes")
        return self._read(chosen)[(slice(None), *rest)]

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Numbers:
        if copy is False:
            raise ValueError("a lazy array is read from disk: an array without a copy is not possible")
        whole: Numbers = self[:]
        return whole if dtype is None else whole.astype(dtype)

    def _read(self, indices: npt.NDArray[np.int64]) -> Numbers:
        self.require_committed(indices)
        indices = indices // self.rows_each
        stored = self._read_stored(self.spec, indices)
        if not self.spec.scaled:
            return stored
        scale = self._read_stored(ArraySpec(self.spec.scale_name, (), "float32"), indices)
        return unscale_rows(stored, scale)  # type: ignore[arg-type]  # the specification says float16 and float32

    def _read_stored(self, spec: ArraySpec, indices: npt.NDArray[np.int64]) -> Numbers:
        array, shard_rows = open_array(self.run_path, spec.name), self.shard_rows // self.rows_each
        rows = np.empty((len(indices), *spec.shape), spec.dtype)
        for positions, start, stop in spans(indices, shard_rows, whole_shards=not spec.shape):
            shards = range(start // shard_rows, (stop - 1) // shard_rows + 1)
            block = read_block(self.run_path, array, spec, start, stop, shards)
            rows[positions] = block[indices[positions] - start]
        return rows


def spans(
    indices: npt.NDArray[np.int64], shard_rows: int, whole_shards: bool = False
) -> Iterator[tuple[npt.NDArray[np.int64], int, int]]:
    """Cut row numbers into few contiguous reads that touch no other shard: (positions in `indices`, start, stop).

    Rows of maps are read together if they are close and in one shard. Columns are small: `whole_shards` reads on
    through neighbouring shards that are all asked for, because a run of a million rows has thousands of them.

    >>> [(p.tolist(), a, b) for p, a, b in spans(np.array([9, 1, 2, 8]), 8)]
    [([1, 2], 1, 3), ([3, 0], 8, 10)]
    """
    if not len(indices):
        return
    order = np.argsort(indices, kind="stable")
    ordered = indices[order]
    shards = np.diff(ordered // shard_rows)
    cuts = shards > 1 if whole_shards else (shards > 0) | (np.diff(ordered) > _GAP)
    for part in np.split(order, np.flatnonzero(cuts) + 1):
        yield part, int(indices[part[0]]), int(indices[part[-1]]) + 1


def open_array(run: Path, name: str) -> "zarr.Array[Any]":
    try:
        array = zarr.open_array(run / DATA / name, mode="r")
    except (OSError, ValueError, KeyError) as error:
        raise BrokenRunError(f"{run / DATA / name} is damaged: {type(error).__name__}: {error}") from error
    return array


def read_block(
    run: Path, array: "zarr.Array[Any]", spec: ArraySpec, start: int, stop: int, shards: Iterable[int]
) -> Numbers:
    """Rows of committed shards. A missing file is an error here, where zarr would answer fill values."""
    advice = f"shards with a commit must be whole; `whyset verify {run}` says what is damaged"
    files = [shard_file(run, spec.name, shard, 1 + len(spec.shape)) for shard in shards]
    for file in files:
        if not file.is_file():
            raise BrokenRunError(f"{file} is missing: {advice}")
    try:
        with zarr_settings():
            return np.asarray(array[start:stop])
    except Exception as error:  # zarr and its codecs raise many kinds for a damaged file
        where = files[0] if len(files) == 1 else f"one of {files[0]} to {files[-1]}"
        raise BrokenRunError(f"{where} cannot be read ({type(error).__name__}: {error}): {advice}") from error
