"""Read a column of a run in which some shards are damaged; the other shards remain readable."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.errors import BrokenRunError
from whyset.store import Run
from whyset.store.commits import Commit, list_committed_shards, read_commit
from whyset.store.files import each
from whyset.store.layout import commit_path
from whyset.store.remote import AnyPath


@dataclass(frozen=True)
class ReadColumn:
    """A column and the problems of its damaged shards, whose rows hold the value for "unknown"."""

    values: NDArray[np.generic]
    damage: Mapping[int, str]


def read_column(run: Run, name: str) -> ReadColumn:
    """Read a whole column. BrokenRunError: none of its committed shards can be read."""
    try:
        return ReadColumn(run.column(name), {})
    except BrokenRunError as error:
        array = run.array(name)
        values = np.full(len(run), array.spec.fill, array.dtype)
        damage = dict(_read_shards(run, name, values))
        if len(damage) == len(list_committed_shards(run.path)):
            raise error
        return ReadColumn(values, damage)


def _read_shards(run: Run, name: str, values: NDArray[np.generic]) -> Iterator[tuple[int, str]]:
    """Fill in the values shard by shard; yield the number of each unreadable shard and the reason."""
    array = run.array(name)
    for shard in list_committed_shards(run.path):
        if shard >= run.shard_count:
            yield shard, f"the run has {run.shard_count} shards, but there is a commit of shard {shard}"
            continue
        start, stop = run.shard_range(shard)
        try:
            values[start:stop] = array[start:stop]
        except BrokenRunError as error:
            yield shard, str(error)


def readable_commits(path: AnyPath) -> Iterator[Commit]:
    """The commits of a run except those that cannot be read."""
    files = [commit_path(path, shard) for shard in list_committed_shards(path)]
    return (commit for commit in each(_read_commit_or_none, files) if commit is not None)


def _read_commit_or_none(file: AnyPath) -> Commit | None:
    try:
        return read_commit(file.parent.parent, int(file.stem))
    except BrokenRunError:
        return None
