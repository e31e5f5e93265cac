"""Verification: everything that is committed is read and compared with its checksum."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from whyset.errors import BrokenRunError, WhysetError
from whyset.store.analyses import verify_analyses
from whyset.store.arrays import ArraySpec
from whyset.store.checks import read_checks
from whyset.store.commits import Commit, committed_shards, read_commit
from whyset.store.entries import stored_checksum
from whyset.store.layout import CHECKS, COMMITS, DATA, SAMPLES, commit_path, inside, shard_file
from whyset.store.problems import Problem
from whyset.store.record import read_record
from whyset.store.strays import verify_metadata, verify_strays
from whyset.store.trust import contradiction

if TYPE_CHECKING:
    from whyset.store.run import Run

_READERS = min(8, 2 * (os.cpu_count() or 1))
"""Shards that are read side by side: checksums are computed while others wait for the disk."""


def verify_run(run: "Run") -> Iterator[Problem]:
    """All problems of a run: samples, arrays, shards, leftovers, strays, analyses, one at a time as they are found."""
    yield from _verify_samples(run)
    yield from verify_metadata(run)
    committed = committed_shards(run.path)
    readers = ThreadPoolExecutor(_READERS)
    try:
        for problems in readers.map(lambda shard: list(_verify_commit(run, shard)), committed):
            yield from problems
    finally:
        readers.shutdown(cancel_futures=True)
    yield from _verify_leftovers(run, set(committed))
    yield from _verify_checks(run)
    yield from verify_strays(run)
    yield from verify_analyses(run.path)


def _verify_samples(run: "Run") -> Iterator[Problem]:
    file = run.path / SAMPLES
    if not file.is_file():
        yield Problem("missing", SAMPLES, "the table of samples is missing")
        return
    if "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest() != read_record(run.path).samples_hash:
        yield Problem("damaged", SAMPLES, "its checksum is not the one in run.json")


def _verify_checks(run: "Run") -> Iterator[Problem]:
    try:
        read_checks(run.path)
    except (BrokenRunError, OSError) as error:
        yield Problem("damaged", CHECKS, str(error))


def _verify_commit(run: "Run", shard: int) -> Iterator[Problem]:
    where = inside(run.path, commit_path(run.path, shard))
    try:
        commit = read_commit(run.path, shard)
    except BrokenRunError as error:
        yield Problem("damaged", where, str(error), shard)
        return
    wrong = contradiction(run, shard, commit)
    if wrong:
        yield Problem("mismatch", where, wrong, shard)
        return
    for spec in run.arrays:
        yield from _verify_array(run, spec, commit)


def _verify_array(run: "Run", spec: ArraySpec, commit: Commit) -> Iterator[Problem]:
    file = shard_file(run.path, spec.name, commit.shard, 1 + len(spec.shape))
    where = inside(run.path, file)
    start, stop = run.entries(spec, commit.shard)
    try:
        found = stored_checksum(file, spec, run.shard_entries(spec), stop - start)
    except FileNotFoundError:
        yield Problem("missing", where, f"shard {commit.shard} is committed; {_remedy(commit)}", commit.shard)
    except WhysetError:
        raise
    except (OSError, ValueError) as error:
        yield Problem("damaged", where, f"{error}; {_remedy(commit)}", commit.shard)
    else:
        if found != commit.checksums[spec.name]:
            message = f"CRC32 is {found}, the commit says {commit.checksums[spec.name]}; {_remedy(commit)}"
            yield Problem("damaged", where, message, commit.shard)


def _remedy(commit: Commit) -> str:
    return f"to make it anew, delete {COMMITS}/{commit.shard:06d}.json and give the same `explain` again"


def _verify_leftovers(run: "Run", committed: set[int]) -> Iterator[Problem]:
    """Data that no commit vouches for: an attempt was interrupted or is still at work."""
    found: set[int] = set()
    for spec in run.arrays:
        for entry in (run.path / DATA / spec.name / "c").glob("*"):
            number = entry.name.partition(".")[0]
            if number.isdigit():
                found.add(int(number))
    for shard in sorted(found - committed):
        message = "written in part and not committed; the same `explain` again makes it anew"
        yield Problem("uncommitted", f"{DATA}, shard {shard}", message, shard)
