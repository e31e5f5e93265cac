"""Writing of shards: one whole shard, then its commit."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from whyset.errors import InputError
from whyset.store.arrays import ArraySpec
from whyset.store.commit_validation import require_valid_commits
from whyset.store.commits import Commit, Failure, Tally, create_commit
from whyset.store.encoding import closing, raw
from whyset.store.files import explain_disk_errors, find_unfinished, new_file, remove, sync_file, sync_folder
from whyset.store.input_hashes import InputHashes
from whyset.store.jsonfile import JSON
from whyset.store.layout import COMMITS, DATA, claim_path, commit_path, shard_file
from whyset.store.lease import Lease
from whyset.store.losses import ShardLosses
from whyset.store.remote import AnyPath
from whyset.store.remote_errors import RemoteError
from whyset.store.shard_arrays import Rows, ShardArray, prepare

if TYPE_CHECKING:
    from whyset.store.run import Run

_PATIENCE_SECONDS = 240.0
"""The lease of a writer that died on another host expires after two minutes, and is then watched for one."""


def write_shard(
    run: "Run",
    shard: int,
    rows: Rows,
    failures: Mapping[int, str] | None = None,
    provenance: Mapping[str, JSON] | None = None,
    losses: ShardLosses | None = None,
    tallies: Mapping[str, Tally] | None = None,
    inputs: Sequence[str | None] | None = None,
) -> Commit:
    """Write all rows of a shard and commit it; a committed shard stays as it is.

    `rows` holds one array for each array given to `create_run`, with the rows of `run.shard_range(shard)`, or the
    samples if an array has one entry per sample (`run.entries`); the store adds scales and status. `failures` maps row
    numbers to their errors; the values of these rows are replaced by fill values. `losses` and `tallies` are stored in
    the commit. `inputs` are the hexadecimal digests of the samples' inputs in order, None for unreadable ones.

    The second of two writers of one shard gets LeaseHeldError, or finds the commit.
    """
    start, stop = run.shard_range(shard)
    failed = _failures(run, shard, failures or {})
    arrays = prepare(run, shard, rows, [failure.index for failure in failed])
    with ExitStack() as stack:
        stack.enter_context(explain_disk_errors(run.path))
        claim = stack.enter_context(_claim(run, shard))
        if run.is_committed(shard):
            return require_valid_commits(run, [shard])[0]
        with _undone_on_errors(run, shard, claim):
            commit = Commit(
                shard=shard,
                start=start,
                stop=stop,
                checksums=_write_arrays(run, shard, arrays, claim),
                failed=failed,
                attempt=claim.attempt,
                config_hash=run.config_hash,
                provenance=provenance or {},
                time=datetime.now(UTC).isoformat(timespec="seconds"),
                losses=losses,
                tallies=tallies or {},
                inputs=None if inputs is None else InputHashes.of(inputs),
            )
            create_commit(run.path, commit)
            return commit


def discard_shard(run: "Run", shard: int) -> None:
    """Delete a damaged shard, first its commit, then its data, so that the next `explain` computes it again.

    Parameters
    ----------
    run : Run
        The run.
    shard : int
        Number of the shard, from 0.

    Raises
    ------
    LeaseHeldError
        Another job is writing the shard and did not finish within four minutes.
    """
    with _claim(run, shard):
        # In the reverse order of writing: a commit without data would be damage.
        commit_path(run.path, shard).unlink(missing_ok=True)
        run.known.pop(shard, None)
        run.verified.difference_update({(spec.name, shard) for spec in run.arrays})
        _delete(run, shard)


def _claim(run: "Run", shard: int) -> Lease:
    """Return the lease of a shard: a second writer waits until the first is done, and then finds its commit."""
    return Lease(claim_path(run.path, shard), f"shard {shard} of {run.path}", patience=_PATIENCE_SECONDS)


@contextmanager
def _undone_on_errors(run: "Run", shard: int, claim: Lease) -> Iterator[None]:
    """Delete a shard that could not be written or committed, unless another writer has taken it over."""
    try:
        yield
    except RemoteError:
        raise  # partial objects take no space, and the store probably cannot be reached for deleting either
    except OSError:
        claim.check()
        if not run.is_committed(shard):
            _delete(run, shard)
        raise


def _write_arrays(run: "Run", shard: int, arrays: Sequence[ShardArray], claim: Lease) -> dict[str, str]:
    """Write every array of a shard and wait until it is on the disk; return the checksums."""
    _delete(run, shard)
    checksums = {}
    for array in arrays:
        claim.check()
        checksums[array.spec.name] = _write(run, shard, array)
    # Data is on the disk before its commit is: after a power failure a commit must never precede its files.
    for array in arrays:
        _sync(_file(run, shard, array.spec), folders=len(array.spec.shape) + 2)
    claim.check()
    return checksums


def _write(run: "Run", shard: int, array: ShardArray) -> str:
    """Write one file, exclusively: a writer that lost its claim must not open the file of its successor."""
    file, checksum, count = _file(run, shard, array.spec), 0, 0
    with new_file(file) as stream:
        for entries in array.iterate_stored():
            data = raw(entries)
            checksum, count = zlib.crc32(data, checksum), count + len(entries)
            stream.write(data)
        stream.write(closing(array.spec, count, run.shard_entries(array.spec)))
    return f"{checksum:08x}"


def _sync(file: AnyPath, folders: int) -> None:
    """Wait until a file and the folders created for it are on the disk."""
    sync_file(file)
    for _ in range(folders):
        file = file.parent
        sync_folder(file)


def _file(run: "Run", shard: int, spec: ArraySpec) -> AnyPath:
    return shard_file(run.path, spec.name, shard, 1 + len(spec.shape))


def _delete(run: "Run", shard: int) -> None:
    """Delete the files of an earlier attempt: files are created exclusively, so none may exist."""
    for torn in find_unfinished(run.path / COMMITS, f".{commit_path(run.path, shard).name}.*.partial"):
        remove(torn)
    for spec in run.arrays:
        chunks = run.path / DATA / spec.name / "c"
        remove(chunks / str(shard))
        for leftover in find_unfinished(chunks, f"{shard}.*.partial"):
            remove(leftover)


def _failures(run: "Run", shard: int, errors: Mapping[int, str]) -> tuple[Failure, ...]:
    if not errors:
        return ()
    start, stop = run.shard_range(shard)
    outside = [index for index in errors if not start <= index < stop]
    if outside:
        raise InputError(f"failures: expected rows {start} to {stop - 1} of shard {shard}, got {outside[:5]}")
    ids = run.samples["id"]
    return tuple(Failure(int(index), ids[int(index)].as_py(), str(errors[index])) for index in sorted(errors))
