"""Verification: everything that is committed is read and compared with its checksum."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from whyset.errors import BrokenRunError, WhysetError
from whyset.store.analyses import verify_analyses
from whyset.store.arrays import ArraySpec
from whyset.store.commits import Commit, committed_shards, read_commit
from whyset.store.entries import stored_checksum
from whyset.store.layout import COMMITS, DATA, SAMPLES, commit_path, shard_file
from whyset.store.problems import Problem
from whyset.store.record import read_record
from whyset.store.strays import verify_strays
from whyset.store.trust import contradiction

if TYPE_CHECKING:
    from whyset.store.run import Run

_READERS = min(8, 2 * (os.cpu_count() or 1))
"""Shards that are read side by side: checksums are computed while others wait for the disk."""


def verify_run(run: "Run") -> Iterator[Problem]:
    """All problems of a run, in the order samples, shards, leftovers, analyses, one at a time as they are found."""
    yield from _verify_samples(run)
    yield from _verify_metadata(run)
    committed = committed_shards(run.path)
    readers = ThreadPoolExecutor(_READERS)
    try:
        for problems in readers.map(lambda shard: list(_verify_commit(run, shard)), committed):
            yield from problems
    finally:
        readers.shutdown(cancel_futures=True)
    yield from _verify_leftovers(run, set(committed))
    yield from verify_strays(run)
    yield from verify_analyses(run.path)
