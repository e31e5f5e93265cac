"""A run that is written to a hidden folder next to its place, and appears there whole."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from whyset.errors import InputError, RunMismatchError
from whyset.store.arrays import ArraySpec
from whyset.store.commits import create_commit, read_commit
from whyset.store.config import RunConfig, require_same
from whyset.store.create import write_metadata
from whyset.store.default_arrays import list_stored_arrays
from whyset.store.files import explain_disk_errors, remove, sync_folder
from whyset.store.layout import commit_path, is_run
from whyset.store.lease import Lease
from whyset.store.maps.description import ARRAYS, ORIGIN
from whyset.store.run import Run, open_run
from whyset.store.shard_arrays import Rows
from whyset.store.shards import write_shard

_UNBOUNDED = 2**62
"""The number of rows of a run whose last map is not known yet."""


@dataclass(frozen=True, repr=False)
class GrowingRun(Run):
    """A run without run.json, whose number of rows is not known yet; `ids` returns those so far."""

    get_ids: Any = field(default=None, compare=False)

    @property
    def samples(self) -> pa.Table:
        return pa.table({"id": self.get_ids()})


@dataclass(frozen=True)
class RunPlace:
    """The place of a run that is made of maps: an absent or empty folder, or the same run, made before."""

    out: Path
    existing: Run | None = None

    @classmethod
    def of(cls, out: Any) -> "RunPlace":
        """Check a path; InputError if something else is there, which stays untouched."""
        if not isinstance(out, str | Path) or "://" in str(out):
            raise InputError(f"out is {out!r}: expected the path of a local folder; copy a finished run elsewhere")
        path = Path(out)
        if path.is_dir() and is_run(path):
            run = open_run(path)
            if run.config.origin.get(ORIGIN) != ARRAYS:
                raise RunMismatchError(
                    f"{path} is another run, which was not made of given maps: choose another folder"
                )
            return cls(path, run)
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise InputError(f"{path} exists and is not empty: choose another folder")
        above = next(folder for folder in path.absolute().parents if folder.exists())
        if not above.is_dir():
            raise InputError(f"{path} cannot be created: {above} is not a folder")
        return cls(path)

    @property
    def hidden(self) -> Path:
        return self.out.absolute().with_name(f".{self.out.absolute().name}.maps.partial")

    @contextmanager
    def hold(self) -> Iterator[Path]:
        """Yield the hidden folder, absent at first; it is deleted at the end, unless it was renamed.

        One writer at a time: a second one gets LeaseHeldError. The remains of a killed writer are deleted.
        """
        with explain_disk_errors(self.out):
            self.hidden.parent.mkdir(parents=True, exist_ok=True)
            with Lease(self.hidden.with_suffix(".lease"), f"the run {self.out}, which is being written,"):
                remove(self.hidden)
                try:
                    yield self.hidden
                finally:
                    remove(self.hidden)


@dataclass(frozen=True)
class StagedRun:
    """The shards of a run in a hidden folder, before the number of its rows and the names of its classes are known."""

    place: RunPlace
    folder: Path
    config: RunConfig
    arrays: tuple[ArraySpec, ...]

    @classmethod
    def begin(cls, place: RunPlace, folder: Path, config: RunConfig, arrays: Sequence[ArraySpec]) -> "StagedRun":
        """Create the folder; RunMismatchError if the existing run has other arrays."""
        specs = list_stored_arrays(arrays)
        if place.existing is not None:
            _require_same_arrays(place.existing, specs)
        folder.mkdir()
        return cls(place, folder, config, specs)

    def write(self, shard: int, rows: Rows, failures: Mapping[int, str], get_ids: Any, *, last: int | None) -> None:
        """Write and commit a shard; `last` is the number of rows of the run if this is its last shard."""
        size = _UNBOUNDED if last is None else last
        run = GrowingRun(self.folder, self.config, self.config.hash, self.arrays, size, get_ids=get_ids)
        write_shard(run, shard, rows, failures)

    def publish(self, config: RunConfig, table: pa.Table) -> Run:
        """Complete the run with its configuration and samples, and rename it to its place.

        If the same run is there already, it stays. RunMismatchError: another run is there.
        """
        shards = range(-(-table.num_rows // config.shard_rows))
        if config.hash != self.config.hash:
            for shard in shards:
                self._commit_again(shard, config)
        write_metadata(self.folder, config, table, self.arrays)
        made = open_run(self.folder)
        if self.place.existing is not None:
            require_same_content(self.place.existing, made)
            return self.place.existing
        try:
            self.folder.replace(self.place.out)
        except OSError as error:
            if not self.place.out.exists():
                raise
            raise InputError(f"{self.place.out} was created in the meantime: choose another folder") from error
        sync_folder(self.place.out.absolute().parent)
        return open_run(self.place.out)

    def _commit_again(self, shard: int, config: RunConfig) -> None:
        """Replace a commit by one of the final configuration, which is not known before the last map."""
        commit = read_commit(self.folder, shard)
        commit_path(self.folder, shard).unlink()
        create_commit(self.folder, replace(commit, config_hash=config.hash))


def require_same_content(there: Run, here: Run) -> None:
    """Raise RunMismatchError unless two runs have the same configuration, samples and values."""
    require_same(there.config.get_compared_fields(), here.config.get_compared_fields(), there.path)
    _require_same_arrays(there, here.arrays)
    if not there.samples.equals(here.samples) or there.tokens(range(len(there))) != here.tokens(range(len(here))):
        raise RunMismatchError(f"{there.path} is another run: its samples differ; choose another folder")
    for shard in range(here.shard_count):
        if not there.is_committed(shard):
            raise RunMismatchError(f"{there.path} lacks shard {shard}: choose another folder, or delete this one")
        commits = read_commit(there.path, shard), read_commit(here.path, shard)
        if commits[0].checksums != commits[1].checksums or commits[0].failed != commits[1].failed:
            names = [name for name, value in commits[1].checksums.items() if commits[0].checksums.get(name) != value]
            start, stop = here.shard_range(shard)
            raise RunMismatchError(
                f"{there.path} is another run: {', '.join(names) or 'failures'} of rows {start} to {stop - 1} differ; "
                "choose another folder"
            )


def _require_same_arrays(there: Run, specs: Sequence[ArraySpec]) -> None:
    require_same(
        {"arrays": {spec.name: spec.to_json() for spec in there.arrays}},
        {"arrays": {spec.name: spec.to_json() for spec in specs}},
        there.path,
    )
