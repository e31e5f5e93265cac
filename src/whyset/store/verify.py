"""Verification: everything that is committed is read and compared with its checksum."""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from whyset.errors import BrokenRunError
from whyset.store.analyses import verify_analyses
from whyset.store.arrays import ArraySpec
from whyset.store.commits import Commit, checksum, committed_shards, read_commit
from whyset.store.layout import COMMITS, DATA, SAMPLES, commit_path, shard_file
from whyset.store.lazy import open_array, read_block
from whyset.store.problems import Problem
from whyset.store.record import read_record

if TYPE_CHECKING:
    from whyset.store.run import Run


def verify_run(run: "Run") -> Iterator[Problem]:
    """All problems of a run, in the order samples, shards, leftovers, analyses, one at a time as they are found."""
    yield from _verify_samples(run)
    committed = committed_shards(run.path)
    for shard in committed:
        yield from _verify_commit(run, shard)
    yield from _verify_leftovers(run, set(committed))
    yield from verify_analyses(run.path)


def _verify_samples(run: "Run") -> Iterator[Problem]:
    file = run.path / SAMPLES
    if not file.is_file():
        yield Problem("missing", SAMPLES, "the table of samples is missing")
        return
    if "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest() != read_record(run.path).samples_hash:
        yield Problem("damaged", SAMPLES, "its checksum is not the one in run.json")


def _verify_commit(run: "Run", shard: int) -> Iterator[Problem]:
    where = commit_path(run.path, shard).relative_to(run.path).as_posix()
    try:
        commit = read_commit(run.path, shard)
    except BrokenRunError as error:
        yield Problem("damaged", where, str(error), shard)
        return
    wrong = _contradiction(run, shard, commit)
    if wrong:
        yield Problem("mismatch", where, wrong, shard)
        return
    for spec in run.arrays:
        yield from _verify_array(run, spec, commit)


def _contradiction(run: "Run", shard: int, commit: Commit) -> str | None:
    """What the commit says that the run does not."""
    if shard >= run.shard_count:
        return f"the run has {run.shard_count} shards"
    if (commit.shard, commit.start, commit.stop) != (shard, *run.shard_range(shard)):
        return f"it names shard {commit.shard}, rows {commit.start} to {commit.stop}"
    if commit.config_hash != run.config.hash:
        return "it was made with another configuration than run.json has"
    if commit.checksums.keys() != {spec.name for spec in run.arrays}:
        return f"it names the arrays {sorted(commit.checksums)}"
    return None


def _verify_array(run: "Run", spec: ArraySpec, commit: Commit) -> Iterator[Problem]:
    file = shard_file(run.path, spec.name, commit.shard, 1 + len(spec.shape))
    where = file.relative_to(run.path).as_posix()
    if not file.is_file():
        yield Problem("missing", where, f"shard {commit.shard} is committed; {_remedy(commit)}", commit.shard)
        return
    try:
        start, stop = run.entries(spec, commit.shard)
        rows = read_block(run.path, open_array(run.path, spec.name), spec, start, stop, [commit.shard])
    except BrokenRunError as error:
        yield Problem("damaged", where, f"{error.__cause__ or error}; {_remedy(commit)}", commit.shard)
        return
    found = checksum(rows)
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
