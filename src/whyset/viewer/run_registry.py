"""Registry of the open runs by id. A run is read again when it has grown; a broken one does not affect others."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock, RLock
from typing import Any, Self, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whyset.errors import WhysetError
from whyset.report.accuracy import compute_accuracy
from whyset.report.relevance import RelevanceSummary, summarize_columns
from whyset.store import Check, Run, open_run
from whyset.store.checks import check_relevance
from whyset.store.commits import Commit, get_failures
from whyset.store.layout import ARRIVED, DONE, FAILED, LARGEST, STATUS
from whyset.store.losses import average_losses
from whyset.store.remote import AnyPath
from whyset.viewer.changes import Stamp, get_stamp
from whyset.viewer.correspondence import rows_in
from whyset.viewer.corruption import read_column, readable_commits
from whyset.viewer.errors import ApiError, not_found, unreadable
from whyset.viewer.members import CategoryMembers
from whyset.viewer.run_columns import COLUMNS, CodedColumn, further_columns
from whyset.viewer.schemas import ScaleTable

logger = logging.getLogger(__name__)
LONGEST_REASON = 500
T = TypeVar("T")


@dataclass(frozen=True)
class LoadedRun:
    """State of a run at the time it was read: the status of its rows, and further columns, which are read on demand."""

    id: str
    run: Run
    committed: int
    status: NDArray[np.uint8]
    damage: dict[int, str] = field(default_factory=dict)
    """Problems of shards, by number; reading further columns may find more."""
    version: str = ""
    """A name for this state of the run."""
    members: CategoryMembers = field(default_factory=CategoryMembers, repr=False)
    _reading: RLock = field(default_factory=RLock, repr=False)
    """Lock held while columns are read: other requests for the same column wait for it."""
    _columns: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    _rows_in: dict[str, tuple[Run, NDArray[np.int32]]] = field(default_factory=dict, repr=False)
    class_counts: dict[str, int] = field(default_factory=dict, repr=False)
    """Number of classes of the explained rows, by the column that they are grouped by."""
    scales: dict[object, ScaleTable] = field(default_factory=dict, repr=False)
    """Scales computed from relevance maps of this state of the run, by the columns that select the maps."""

    @classmethod
    def read(cls, id: str, path: AnyPath) -> Self:
        """Open the folder. Commits are counted first, so that a growing run never appears complete."""
        stamp, run = get_stamp(path), open_run(path)
        committed, status = int(run.committed.sum()), read_column(run, STATUS)
        version = stamp.version(run.config_hash)
        damage, columns = dict(status.damage), {STATUS: status.values}
        known = status.values.astype(np.uint8)
        return cls(id, run, committed, known, damage, version, CategoryMembers(len(run)), _columns=columns)

    def column(self, name: str) -> NDArray[Any]:
        """Read a whole column once; values of damaged shards are unknown."""
        with self._reading:
            if name == "label":
                return self.run.labels
            if name not in self._columns:
                read = read_column(self.run, name)
                self._columns[name] = read.values
                self.damage.update({shard: why for shard, why in read.damage.items() if shard not in self.damage})
            return self._columns[name]

    def get_damage(self, row: int) -> str | None:
        """Get the known problem of the shard of this row, or None."""
        return self.damage.get(row // self.run.config.shard_rows)

    def rows_in(self, other: Self) -> NDArray[np.int32]:
        """Find, for each row, the row of the same sample in another run, or -1; computed once."""
        of, rows = self._rows_in.get(other.id, (None, None))
        if of is not other.run or rows is None:
            rows = rows_in(self.run, other.run)
            self._rows_in[other.id] = other.run, rows
        return rows

    @property
    def columns(self) -> Mapping[str, CodedColumn]:
        """Every available column with one value per row."""
        with self._reading:
            return self._code_columns

    @cached_property
    def _code_columns(self) -> Mapping[str, CodedColumn]:
        return {name: CodedColumn(self.column(name)) for name in COLUMNS} | dict(further_columns(self.run, self.column))

    @property
    def samples(self) -> pa.Table:
        """Metadata of the samples, one line per row."""
        with self._reading:
            return self.run.samples

    def class_name(self, number: int | None) -> str | None:
        """Get the name of a class; None if the class is unknown or unnamed."""
        classes = self.run.classes
        return classes[number] if number is not None and 0 <= number < len(classes) else None

    @cached_property
    def errors(self) -> dict[int, str]:
        """The errors of failed samples by index."""
        return {failure.index: failure.error for failure in self.run.failures}

    @property
    def n_failed(self) -> int:
        return int((self.status == FAILED).sum())

    @cached_property
    def relevance(self) -> RelevanceSummary | None:
        """Summary of the relevance that arrives at the input; None if the run has not recorded it."""
        known = self._measures
        if known is None:
            return None
        parts = [commit.losses for commit in self._commits if commit.losses is not None]
        return summarize_columns(*known, average_losses(parts))

    @cached_property
    def relevance_checks(self) -> tuple[Check, ...]:
        """Suspicious findings about the relevance of the explanations."""
        known = self._measures
        return (
            () if known is None else check_relevance(*known, [failure.error for failure in get_failures(self._commits)])
        )

    @cached_property
    def _commits(self) -> list[Commit]:
        """The readable commits; `damage` has the problems of the others."""
        return list(readable_commits(self.run.path))

    @property
    def _measures(self) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """Share that arrives and largest relevance of the explanations that are done."""
        if not self.run.states_relevance:
            return None
        done = self.status == DONE
        return self.column(ARRIVED)[done], self.column(LARGEST)[done]

    @property
    def complete(self) -> bool:
        """True if nothing will be added to or repaired in the run, so that its columns can be cached permanently."""
        return self.committed == len(self.run) and not self.damage

    @property
    def problem(self) -> str | None:
        """Message about an unfinished or damaged run, or None."""
        missing = len(self.run) - self.committed
        unfinished = [f"{missing} of {len(self.run)} {self._noun} yet"] if missing else []
        return "; ".join([*unfinished, *self._describe_damage()]) or None

    @property
    def _noun(self) -> str:
        single = self.run.config.targets_per_sample == 1
        return "samples have not been explained" if single else "explanations have not been computed"

    def _describe_damage(self) -> list[str]:
        if not self.damage:
            return []
        shard, why = min(self.damage.items())
        what = f"{len(self.damage)} of {self.run.shard_count} shards cannot be read"
        return [f"{what}; the first is shard {shard}: {why}"]

    @property
    def accuracy(self) -> float | None:
        """The share of explained samples with a known label whose prediction is that label."""
        labels, prediction, explained = self.column("label"), self.column("prediction"), self.status == DONE
        return compute_accuracy(labels, prediction, explained, targets_per_sample=self.run.config.targets_per_sample)


class RunHandle:
    """A run folder in the registry, read on demand and again whenever its records have changed."""

    def __init__(self, id: str, path: AnyPath) -> None:
        self.id, self.path = id, path
        self._lock = Lock()
        self._stamp: Stamp | None = None
        self._opened: LoadedRun | None = None

    @property
    def name(self) -> str:
        """The folder's name after its parent's, as runs are often called "run"."""
        return "/".join(_resolve(self.path).parts[1:][-2:]) or str(self.path)

    def open(self) -> LoadedRun:
        """Open the run in its current state; WhysetError or OSError if it cannot be read."""
        with self._lock:
            stamp = get_stamp(self.path)
            if self._opened is None or stamp != self._stamp:
                self._opened, self._stamp = LoadedRun.read(self.id, self.path), stamp
            return self._opened

    def open_or_problem(self) -> LoadedRun | str:
        """Open the run, or return its problem."""
        return self.read(lambda opened: opened)

    def read(self, use: Callable[[LoadedRun], T]) -> T | str:
        """Return the result of `use` for the run, or the reason why the run cannot be read.

        A run may come from anyone, so any exception is reported as a problem of this run only.
        """
        try:
            return use(self.open())
        except ApiError:
            raise
        except (WhysetError, OSError) as error:
            return f"this run cannot be read: {error}"
        except Exception as error:
            logger.exception("the run %s cannot be read", self.path)
            return f"this run cannot be read: {type(error).__name__}: {str(error)[:LONGEST_REASON]}"


def _resolve(path: AnyPath) -> AnyPath:
    """Resolve a path; return it unchanged if its links form a circle or its name is too long."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


class RunRegistry:
    """Runs by id; ids are made from folder names, so that no path is taken from a request."""

    def __init__(self, paths: Sequence[AnyPath]) -> None:
        self.handles: dict[str, RunHandle] = {}
        for path in paths:
            id = self._free_id(_resolve(path).name)
            self.handles[id] = RunHandle(id, path)

    def handle(self, id: str) -> RunHandle:
        if id not in self.handles:
            raise not_found("run", id, "/api/runs")
        return self.handles[id]

    def run(self, id: str) -> LoadedRun:
        """Get the run with this id; 404 for an unknown id, 409 for a run that cannot be read."""
        opened = self.handle(id).open_or_problem()
        if isinstance(opened, str):
            raise unreadable(opened)
        return opened

    def readable(self) -> list[LoadedRun]:
        """Get the runs that can be read now."""
        opened = (handle.open_or_problem() for handle in self.handles.values())
        return [run for run in opened if isinstance(run, LoadedRun)]

    def read_ahead(self) -> None:
        """Read the first run in the order of the page's requests, which report its problems."""
        with suppress(WhysetError, OSError, ValueError):
            first = next(iter(self.handles.values()), None)
            if first is not None:
                opened = first.open()
                _ = opened.columns, opened.samples

    def _free_id(self, name: str) -> str:
        base = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:80] or "run"
        candidate, number = base, 1
        while candidate in self.handles:
            number += 1
            candidate = f"{base}-{number}"
        return candidate
