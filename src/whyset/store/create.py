"""Creation of a run folder, or continuation of one with the same configuration."""

import hashlib
import shutil
import sys
from collections.abc import Sequence

import pyarrow as pa

from whyset.errors import InputError, RunMismatchError
from whyset.printable import show_bytes
from whyset.store.arrays import ArraySpec
from whyset.store.commits import list_committed_shards
from whyset.store.config import RunConfig, require_same, require_same_config
from whyset.store.default_arrays import RELEVANCE_COLUMNS, estimate_bytes, list_stored_arrays
from whyset.store.files import explain_disk_errors, find_unfinished, remove, sync_folder
from whyset.store.layout import ANALYSES, COMMITS, DATA, LEASES, OWN_NAMES, RUN, SAMPLES, SELECTIONS, is_run
from whyset.store.lease import Lease
from whyset.store.preallocate import create_arrays
from whyset.store.record import RunRecord, create_record
from whyset.store.remote import AnyPath, RemotePath, as_path, require_exclusive_creation
from whyset.store.run import Run, open_run
from whyset.store.samples import check_samples, write_samples

_UNFINISHED = ".*.partial"
"""Temporary files of a creation, which stay if it is killed."""
_PATIENCE_SECONDS = 600.0
"""Ranks of one job begin together: one creates the run, and the others wait for it this long."""


def create_run(path: str | AnyPath, config: RunConfig, samples: pa.Table, arrays: Sequence[ArraySpec]) -> Run:
    """Create a run in an absent or empty folder, or open the same run to continue it.

    An existing run keeps its `shard_rows`. Raises RunMismatchError, which names the differences, if the folder holds
    another run, and InputError if it holds something else, which stays untouched. `run.json` is written last, so a
    killed creation is repeated.
    """
    folder = as_path(path)
    table = check_samples(samples, config.targets_per_sample)
    _refuse_wrong_labels(table, config)
    specs = list_stored_arrays(arrays)
    if isinstance(folder, RemotePath):
        require_exclusive_creation(folder / LEASES)
    if not is_run(folder):
        _refuse_foreign(folder)
        with explain_disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with Lease(folder / LEASES / "creation.json", f"the creation of {folder}", patience=_PATIENCE_SECONDS):
                if not is_run(folder):
                    _create(folder, config, table, specs)
                    return open_run(folder)
    return _continue(open_run(folder), config, table, specs)


def require_free_space(path: str | AnyPath, arrays: Sequence[ArraySpec], rows: int, targets_per_sample: int = 1) -> int:
    """Return the estimated bytes of `rows` rows; InputError if the disk has too little free space.

    Object stores do not report their free space.
    """
    needed = estimate_bytes(arrays, rows, targets_per_sample)
    folder = as_path(path)
    if isinstance(folder, RemotePath):
        return needed
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        wanted, there = show_bytes(needed, free)
        raise InputError(
            f"{path} needs about {wanted}, but its disk has {there} free; "
            "choose another disk, or store less (no inputs, fewer samples)"
        )
    return needed


def _create(folder: AnyPath, config: RunConfig, table: pa.Table, specs: tuple[ArraySpec, ...]) -> None:
    for remains in (folder / DATA, folder / SAMPLES, *find_unfinished(folder, _UNFINISHED)):
        remove(remains)
    write_metadata(folder, config, table, specs)


def write_metadata(folder: AnyPath, config: RunConfig, table: pa.Table, specs: tuple[ArraySpec, ...]) -> None:
    """Write everything but the shards: the samples, the metadata of the arrays and, last of all, run.json."""
    write_samples(folder / SAMPLES, table)
    create_arrays(folder / DATA, specs, table.num_rows, config.shard_rows, config.targets_per_sample)
    for name in (COMMITS, ANALYSES):
        (folder / name).mkdir(exist_ok=True)
    sync_folder(folder)
    # run.json is written after all else is on the disk, because it makes the folder a run.
    digest = "sha256:" + hashlib.sha256((folder / SAMPLES).read_bytes()).hexdigest()
    create_record(folder, RunRecord(config, config.hash, specs, table.num_rows, digest))


def _continue(run: Run, config: RunConfig, table: pa.Table, specs: tuple[ArraySpec, ...]) -> Run:
    require_same_config(run.config, config, run.path)
    if run.config_hash != config.with_shard_rows(run.config.shard_rows).hash:
        raise RunMismatchError(
            f"{run.path} cannot be continued: it was made by a newer whyset with settings unknown to this one: "
            "update whyset, or choose another folder"
        )
    if len(run) != table.num_rows:
        raise RunMismatchError(
            f"{run.path} is another run: expected {table.num_rows} rows, got {len(run)}; "
            "choose another folder or the same data set"
        )
    if not run.samples["id"].equals(table["id"]):
        raise RunMismatchError(f"{run.path} is another run: the samples' ids differ; choose another folder")
    there, here = ({spec.name: spec.to_json() for spec in of} for of in (run.arrays, specs))
    for column in RELEVANCE_COLUMNS:  # a run begun before version 1.3 goes on without them
        if column.name not in there:
            here.pop(column.name, None)
    require_same({"arrays": there}, {"arrays": here}, run.path)
    _remove_torn_commits(run)
    return run


def _remove_torn_commits(run: Run) -> None:
    """Remove temporary files of writers that were killed between the two steps of creating a commit."""
    committed = {f"{shard:06d}.json" for shard in list_committed_shards(run.path)}
    for torn in find_unfinished(run.path / COMMITS, ".*.json.*.partial"):
        if ".".join(torn.name.split(".")[1:3]) in committed:
            remove(torn)


def _refuse_foreign(folder: AnyPath) -> None:
    """Refuse a folder that is not empty, except remains of an interrupted creation (they always include `leases`)."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: expected a folder for the run")
    entries = {entry.name for entry in folder.iterdir() if not entry.match(_UNFINISHED)} if folder.exists() else set()
    if entries and not (LEASES in entries and entries <= OWN_NAMES):
        shown = ", ".join(sorted(entries)[:3])
        raise InputError(f"{folder} is neither empty nor a run (it holds {shown}); choose another folder")
    kept = [name for name in (COMMITS, ANALYSES, SELECTIONS) if name in entries and any((folder / name).iterdir())]
    if kept and RUN not in entries:
        raise InputError(
            f"{folder} is a run without its {RUN} (it has {' and '.join(kept)}): restore that file, or choose another "
            "folder"
        )


def _refuse_wrong_labels(table: pa.Table, config: RunConfig) -> None:
    """Refuse labels that are not numbers of outputs of the model."""
    labels = [label for label in table["label"].unique().to_pylist() if label is not None]
    wrong = sorted(label for label in labels if not 0 <= label < (len(config.class_names) or sys.maxsize))
    if wrong:
        raise InputError(f"labels must be numbers of the model's {len(config.class_names)} classes, got {wrong[:5]}")
