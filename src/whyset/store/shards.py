"""The only write call: one whole shard, then the commit that vouches for it."""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import zarr

from whyset.errors import InputError
from whyset.store.arrays import ArraySpec
from whyset.store.commits import Commit, Failure, checksum, create_commit, read_commit
from whyset.store.files import disk_errors_explained, sync_file, sync_folder
from whyset.store.jsonfile import JSON
from whyset.store.layout import COMMITS, DATA, DONE, FAILED, STATUS, claim_path, commit_path, shard_file
from whyset.store.lease import Lease
from whyset.store.preallocate import zarr_settings
from whyset.store.scaling import refuse_non_finite, scale_rows

if TYPE_CHECKING:
    from whyset.store.run import Run

_PATIENCE_SECONDS = 10.0

Rows = Mapping[str, npt.NDArray[np.generic]]


def write_shard(
    run: "Run",
    shard: int,
    rows: Rows,
    failures: Mapping[int, str] | None = None,
    provenance: Mapping[str, JSON] | None = None,
) -> Commit:
    """Write all rows of a shard and commit it; a shard that is committed already stays as it is.

    `rows` holds one array per array asked for in `create_run`, each with as many rows as `run.shard_range(shard)`, or
    as many samples where an array has one entry per sample (`run.entries`); scales and status are the store's own.
    `failures` maps row numbers to their errors; what `rows` says of them is replaced by fill values.
    Two writers of one shard: the second gets LeaseHeldError, or finds the commit.
    """
    start, stop = run.shard_range(shard)
    failed = _failures(run, shard, failures or {})
    values = _stored_rows(run, shard, rows, failed)
    with ExitStack() as stack:
        stack.enter_context(disk_errors_explained(run.path))
        claim = stack.enter_context(_claim(run, shard))
        if run.is_committed(shard):
            return read_commit(run.path, shard)
        _write_arrays(run, shard, values, claim)
        commit = Commit(
            shard=shard,
            start=start,
            stop=stop,
            checksums={name: checksum(array) for name, array in values.items()},
            failed=failed,
            attempt=claim.attempt,
            config_hash=run.config.hash,
            provenance=provenance or {},
            time=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        create_commit(run.path, commit)
        return commit


def discard_shard(run: "Run", shard: int) -> None:
    """Withdraw a damaged shard: first its commit, then its data, so that the next `explain` makes it again."""
    with _claim(run, shard):
        commit_path(run.path, shard).unlink(missing_ok=True)
        run.known.discard(shard)
        _delete(run, shard)


def _claim(run: "Run", shard: int) -> Lease:
    """One writer per shard; another one waits until the first is done, and then finds its commit."""
    return Lease(claim_path(run.path, shard), f"shard {shard} of {run.path}", patience=_PATIENCE_SECONDS)


def _write_arrays(run: "Run", shard: int, values: Rows, claim: Lease) -> None:
    _delete(run, shard)
    specs = {spec.name: spec for spec in run.arrays}
    try:
        for name, array in values.items():
            claim.check()
            start, stop = run.entries(specs[name], shard)
            with zarr_settings():
                zarr.open_array(run.path / DATA / name, mode="r+")[start:stop] = array
        for spec in run.arrays:
            file = shard_file(run.path, spec.name, shard, 1 + len(spec.shape))
            sync_file(file)
            sync_folder(file.parent)
        claim.check()
    except OSError:
        _delete(run, shard)  # a full disk: give the space back
        raise


def _delete(run: "Run", shard: int) -> None:
    """Remove what an earlier attempt left: zarr would read a truncated shard before it overwrites it, and fail."""
    for unfinished in (run.path / COMMITS).glob(f".{commit_path(run.path, shard).name}.*.partial"):
        _remove(unfinished)
    for spec in run.arrays:
        chunks = run.path / DATA / spec.name / "c"
        _remove(chunks / str(shard))
        for leftover in chunks.glob(f"{shard}.*.partial"):
            _remove(leftover)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _failures(run: "Run", shard: int, errors: Mapping[int, str]) -> tuple[Failure, ...]:
    if not errors:
        return ()
    start, stop = run.shard_range(shard)
    outside = [index for index in errors if not start <= index < stop]
    if outside:
        raise InputError(f"failures of rows {outside[:5]} do not belong to shard {shard}, rows {start} to {stop - 1}")
    ids = run.samples["id"]
    return tuple(Failure(int(index), ids[int(index)].as_py(), str(errors[index])) for index in sorted(errors))


def _stored_rows(run: "Run", shard: int, rows: Rows, failed: tuple[Failure, ...]) -> dict[str, npt.NDArray[np.generic]]:
    """What goes to disk: checked, cast, scaled, with fill values for failed rows, and the status column."""
    asked = {spec.name: spec for spec in run.arrays if spec.name not in run.own_arrays}
    if rows.keys() != asked.keys():
        raise InputError(f"a shard needs the arrays {sorted(asked)}; came {sorted(rows)}")
    start, stop = run.shard_range(shard)
    status = np.full(stop - start, DONE, np.uint8)
    status[[failure.index - start for failure in failed]] = FAILED
    stored: dict[str, npt.NDArray[np.generic]] = {}
    for name, spec in asked.items():
        each = spec.rows_each(run.config.targets_per_sample)
        bad = (status == FAILED).reshape(-1, each).all(axis=1)
        stored.update(_stored_array(spec, _filled(spec, rows[name], bad)))
    return stored | {STATUS: status}


def _filled(spec: ArraySpec, rows: npt.NDArray[np.generic], failed: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """The rows as they were given, checked, and those that failed replaced by the fill value."""
    given = np.asarray(rows)
    wanted_shape = (len(failed), *spec.shape)
    if given.shape != wanted_shape:
        raise InputError(f"array {spec.name!r} has the shape {given.shape}: expected {wanted_shape}")
    wanted = np.float32 if spec.scaled else np.dtype(spec.dtype)
    if not np.can_cast(given.dtype, wanted, "same_kind"):
        raise InputError(f"array {spec.name!r} came as {given.dtype}: expected {wanted}")
    if not failed.any():
        return given
    given = given.copy()
    given[failed] = spec.fill
    return given


def _stored_array(spec: ArraySpec, rows: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.generic]]:
    if spec.scaled:
        scaled, scale = scale_rows(rows)
        return {spec.name: scaled, spec.scale_name: scale}
    if spec.shape and np.dtype(spec.dtype).kind == "f":
        refuse_non_finite(rows)
    return {spec.name: rows.astype(spec.dtype, copy=False)}
