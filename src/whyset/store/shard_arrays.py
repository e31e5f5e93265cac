"""Arrays of a shard: checked before anything is written, and converted to their stored form while writing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyset.errors import InputError
from whyset.store.arrays import ArraySpec
from whyset.store.layout import DONE, FAILED, STATUS
from whyset.store.scaling import Floats, compute_scales, divide_rows, refuse_non_finite, row_peaks

if TYPE_CHECKING:
    from whyset.store.run import Run

_BLOCK_BYTES = 2**22

Rows = Mapping[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class ShardArray:
    """The entries of one array in one shard: the given values, the mask of failed ones, and their scales."""

    spec: ArraySpec
    given: npt.NDArray[Any]
    failed: npt.NDArray[np.bool_]
    scale: Floats | None = None

    def iterate_stored(self) -> Iterator[npt.NDArray[np.generic]]:
        """Yield the entries in their stored form, a few megabytes at a time, so that nothing is copied whole."""
        for part, block in self.blocks():
            yield (
                block.astype(self.spec.dtype, copy=False)
                if self.scale is None
                else divide_rows(self.scale[part], block)
            )

    def blocks(self) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
        """Yield the given entries, with fill values for failed ones."""
        size = max(1, _BLOCK_BYTES // max(1, self.given[:1].nbytes))
        for start in range(0, len(self.given), size):
            part = slice(start, start + size)
            block, failed = self.given[part], self.failed[part]
            if failed.any():
                block = block.copy()
                block[failed] = self.spec.fill
            yield part, block


def prepare(run: "Run", shard: int, rows: Rows, failures: Sequence[int]) -> list[ShardArray]:
    """Check the arrays of a shard, and add those of the store: scales, and the status of the rows."""
    own = run.own_arrays
    asked = {spec.name: spec for spec in run.arrays if spec.name not in own}
    if rows.keys() != asked.keys():
        raise InputError(f"a shard: expected the arrays {sorted(asked)}, got {sorted(rows)}")
    start, stop = run.shard_range(shard)
    failed = np.isin(np.arange(start, stop), failures)
    values: dict[str, npt.NDArray[np.generic]] = {STATUS: np.where(failed, FAILED, DONE).astype(np.uint8)}
    ready = []
    for name, spec in asked.items():
        each = spec.rows_each(run.config.targets_per_sample)
        array = check_array(spec, rows[name], np.logical_and.reduce(failed.reshape(-1, each), axis=1))
        ready.append(array)
        if array.scale is not None:
            values[spec.scale_name] = array.scale
    kept = np.zeros_like(failed)
    return [*ready, *(ShardArray(spec, values[spec.name], kept) for spec in run.arrays if spec.name in own)]


def check_array(spec: ArraySpec, rows: npt.NDArray[np.generic], failed: npt.NDArray[np.bool_]) -> ShardArray:
    """Check shape and type, and that relevance is finite; InputError if not. Scaled arrays get their scales."""
    given = np.asarray(rows)
    wanted_shape = (len(failed), *spec.shape)
    if given.shape != wanted_shape:
        raise InputError(f"array {spec.name!r} has the shape {given.shape}: expected {wanted_shape}")
    wanted = np.float32 if spec.scaled else np.dtype(spec.dtype)
    if not np.can_cast(given.dtype, wanted, "same_kind"):
        raise InputError(f"array {spec.name!r} has the dtype {given.dtype}: expected {wanted}")
    array = ShardArray(spec, given, failed)
    if not spec.shape or np.dtype(spec.dtype).kind != "f":
        return array
    peaks = np.concatenate([row_peaks(block) for _, block in array.blocks()])
    refuse_non_finite(peaks)
    return replace(array, scale=compute_scales(peaks)) if spec.scaled else array
