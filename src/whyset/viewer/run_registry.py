"""The opened runs under their ids; each is read again when it has grown, and a broken one harms no other."""

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
    """A run as it was when it was read: the status of its rows, and further columns once they are asked for."""

    id: str
    run: Run
    committed: int
    status: NDArray[np.uint8]
    damage: dict[int, str] = field(default_factory=dict)
    """What is wrong with shards, by number; more of it is found when more columns are read."""
    version: str = ""
    """A name for this state of the run."""
    members: CategoryMembers = field(default_factory=CategoryMembers, repr=False)
    _reading: RLock = field(default_factory=RLock, repr=False)
    """Held while columns are read: who asks for one that is being read waits for it."""
    _columns: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    _rows_in: dict[str, tuple[Run, NDArray[np.int32]]] = field(default_factory=dict, repr=False)
    class_counts: dict[str, int] = field(default_factory=dict, repr=False)
    """How many classes the explained samples have, by what they are grouped by."""
    scales: dict[object, ScaleTable] = field(default_factory=dict, repr=False)
    """Scales that were taken from maps of this state of the run, by the columns that say which maps."""

    @classmethod
    def read(cls, id: str, path: AnyPath) -> Self:
        """Open the folder. Commits are counted first, so that a run that grows meanwhile never looks complete."""
        stamp, run = get_stamp(path), open_run(path)
        committed, status = int(run.committed.sum()), read_column(run, STATUS)
        version = stamp.version(run.config_hash)
        damage, columns = dict(status.damage), {STATUS: status.values}
        known = status.values.astype(np.uint8)
        return cls(id, run, committed, known, damage, version, CategoryMembers(len(run)), _columns=columns)

    def column(self, name: str) -> NDArray[Any]:
        """A whole column, read once; what a damaged shard holds is not known."""
        with self._reading:
            if name == "label":
                return self.run.labels
            if name not in self._columns:
                read = read_column(self.run, name)
                self._columns[name] = read.values
                self.damage.update({shard: why for shard, why in read.damage.items() if shard not in self.damage})
            return self._columns[name]

    def get_damage(self, row: int) -> str | None:
        """What is wrong with the shard of this row, as far as that is known."""
        return self.damage.get(row // self.run.config.shard_rows)

    def rows_in(self, other: Self) -> NDArray[np.int32]:
        """For each row the row of the same sample in another run, or -1; found once."""
        of, rows = self._rows_in.get(other.id, (None, None))
        if of is not other.run or rows is None:
            rows = rows_in(self.run, other.run)
            self._rows_in[other.id] = other.run, rows
        return rows

    @property
    def columns(self) -> Mapping[str, CodedColumn]:
        """Every column with one value per sample that can be asked for."""
        with self._reading:
            return self._code_columns

    @cached_property
    def _code_columns(self) -> Mapping[str, CodedColumn]:
        return {name: CodedColumn(self.column(name)) for name in COLUMNS} | dict(further_columns(self.run, self.column))

    @property
    def samples(self) -> pa.Table:
        """What is known of the samples, a line per row."""
        with self._reading:
            return self.run.samples

    def class_name(self, number: int | None) -> str | None:
        """The name of a class; None where it is unknown or has none."""
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
        """How much relevance arrives at the input; None where the run does not know."""
        known = self._measures
        if known is None:
            return None
        parts = [commit.losses for commit in self._commits if commit.losses is not None]
        return summarize_columns(*known, average_losses(parts))

    @cached_property
    def relevance_checks(self) -> tuple[Check, ...]:
        """What is suspicious about the relevance of the explanations."""
        known = self._measures
        return (
            () if known is None else check_relevance(*known, [failure.error for failure in get_failures(self._commits)])
        )

    @cached_property
    def _commits(self) -> list[Commit]:
        """The commits that can be read; `damage` tells of the others."""
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
        """Whether nothing will be added to the run, or mended in it, so that its columns may be cached for good."""
        return self.committed == len(self.run) and not self.damage

    @property
    def problem(self) -> str | None:
        """What a person should know of a half-finished or damaged run."""
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
        return [f"{what}, the first of them number {shard}: {why}"]

    @property
    def accuracy(self) -> float | None:
        """The share of explained samples with a known label whose prediction is that label."""
        labels, prediction, explained = self.column("label"), self.column("prediction"), self.status == DONE
        return compute_accuracy(labels, prediction, explained, targets_per_sample=self.run.config.targets_per_sample)


class RunHandle:
    """One place in the library: a run folder, read when asked for and again whenever its records changed."""

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
        """The run as it is now; a WhysetError or OSError says why it cannot be read."""
        with self._lock:
            stamp = get_stamp(self.path)
            if self._opened is None or stamp != self._stamp:
                self._opened, self._stamp = LoadedRun.read(self.id, self.path), stamp
            return self._opened

    def open_or_problem(self) -> LoadedRun | str:
        """The run, or what is wrong with it."""
        return self.read(lambda opened: opened)

    def read(self, use: Callable[[LoadedRun], T]) -> T | str:
        """What `use` makes of the run, or why this run cannot be read.

        A run may come from anyone: whatever it raises is its own problem, and no other run's.
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
    """The place that a path leads to; itself where its links lead in a circle, or its name is too long."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


class RunRegistry:
    """Runs by id; ids are made from folder names, so that no path ever comes from a request."""

    def __init__(self, paths: Sequence[AnyPath]) -> None:
        self.shelves: dict[str, RunHandle] = {}
        for path in paths:
            id = self._free_id(_resolve(path).name)
            self.shelves[id] = RunHandle(id, path)

    def shelf(self, id: str) -> RunHandle:
        if id not in self.shelves:
            raise not_found("run", id, "/api/runs")
        return self.shelves[id]

    def run(self, id: str) -> LoadedRun:
        """The run of this id; 404 for an unknown id, 409 for a run that cannot be read."""
        opened = self.shelf(id).open_or_problem()
        if isinstance(opened, str):
            raise unreadable(opened)
        return opened

    def readable(self) -> list[LoadedRun]:
        """The runs that can be read now."""
        opened = (shelf.open_or_problem() for shelf in self.shelves.values())
        return [run for run in opened if isinstance(run, LoadedRun)]

    def read_ahead(self) -> None:
        """Read the first run, which the page shows first, in the order of its questions; what is wrong, these tell."""
        with suppress(WhysetError, OSError, ValueError):
            first = next(iter(self.shelves.values()), None)
            if first is not None:
                opened = first.open()
                _ = opened.columns, opened.samples

    def _free_id(self, name: str) -> str:
        base = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:80] or "run"
        candidate, number = base, 1
        while candidate in self.shelves:
            number += 1
            candidate = f"{base}-{number}"
        return candidate
