"""Verification: all committed data is read and compared with its checksums."""

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from whyset.errors import BrokenRunError, WhysetError
from whyset.store.arrays import ArraySpec
from whyset.store.checks import CHECKS_MISSING, read_checks
from whyset.store.cluster_names import find_damaged_names
from whyset.store.commit_validation import contradiction
from whyset.store.commits import Commit, list_committed_shards, read_commit
from whyset.store.encoding import compute_stored_checksum
from whyset.store.geometry import RunGeometry
from whyset.store.layout import (
    CHECKS,
    CONCEPT_VECTORS,
    DATA,
    EFFECTS,
    EVALUATIONS,
    FINDINGS,
    FIXES,
    SAMPLES,
    SELECTIONS,
    commit_path,
    inside,
    remedy,
    shard_file,
)
from whyset.store.orphans import verify_metadata, verify_strays
from whyset.store.problems import Problem, error_text
from whyset.store.record import read_record
from whyset.store.remote import AnyPath
from whyset.store.remote_errors import RemoteError
from whyset.store.samples import require_samples_hash
from whyset.store.selections import Selections
from whyset.store.verify_analyses import verify_analyses
from whyset.store.verify_concept_vectors import verify_concept_vectors
from whyset.store.verify_effects import verify_effects
from whyset.store.verify_evaluations import verify_evaluations
from whyset.store.verify_findings import verify_findings
from whyset.store.verify_fixes import verify_fixes

_READERS = min(8, 2 * (os.cpu_count() or 1))
"""Shards that are read concurrently: checksums are computed while other threads wait for the disk."""

_NUMBER = re.compile(r"[0-9]+")
"""ASCII digits only: `str.isdigit` accepts "²", which `int` refuses."""


def verify_run(run: RunGeometry) -> Iterator[Problem]:
    """Yield all problems as they are found: in rows, strays, analyses, effects, findings, evaluations,
    concept vectors, fixes, selections.

    An error in one place becomes a problem of that place and does not end the verification. Raises RemoteError if the
    object store does not answer.
    """
    yield from _complete(SAMPLES, partial(_verify_samples, run))
    yield from _complete(DATA, partial(verify_metadata, run))
    committed = list_committed_shards(run.path)
    readers = ThreadPoolExecutor(_READERS)
    try:
        for problems in readers.map(partial(_verify_shard, run), committed):
            yield from problems
    finally:
        readers.shutdown(cancel_futures=True)
    yield from _complete(DATA, partial(_verify_leftovers, run, set(committed)))
    yield from _complete(CHECKS, partial(_verify_checks, run))
    yield from _complete("the folder", partial(verify_strays, run))
    yield from _complete("analyses", partial(verify_analyses, run.path, len(run)))
    yield from _complete(EFFECTS, partial(verify_effects, run.path, len(run)))
    yield from _complete(FINDINGS, partial(verify_findings, run))
    yield from _complete(EVALUATIONS, partial(verify_evaluations, run.path, len(run)))
    yield from _complete(CONCEPT_VECTORS, partial(verify_concept_vectors, run))
    yield from _complete(FIXES, partial(verify_fixes, run.path))
    yield from _complete(SELECTIONS, partial(_verify_selections, run))


def _complete(where: str, verify: Callable[[], Iterator[Problem]], shard: int | None = None) -> Iterator[Problem]:
    """Yield the problems of a check, and an unexpected error as one more problem."""
    try:
        yield from verify()
    except RemoteError:
        raise
    except Exception as error:
        yield Problem("damaged", where, error_text(error), shard)


def _verify_samples(run: RunGeometry) -> Iterator[Problem]:
    file = run.path / SAMPLES
    try:
        require_samples_hash(file, read_record(run.path).samples_hash)
    except BrokenRunError as error:
        missing = isinstance(error.__cause__, FileNotFoundError)
        yield Problem("missing" if missing else "damaged", SAMPLES, str(error))


def _verify_checks(run: RunGeometry) -> Iterator[Problem]:
    if run.expects_checks and not (run.path / CHECKS).exists():
        yield Problem("unfinished", CHECKS, CHECKS_MISSING)
    try:
        read_checks(run.path)
    except (BrokenRunError, OSError) as error:
        yield Problem("damaged", CHECKS, str(error))


def _verify_shard(run: RunGeometry, shard: int) -> list[Problem]:
    where = inside(run.path, commit_path(run.path, shard))
    return list(_complete(where, partial(_verify_commit, run, shard, where), shard))


def _verify_commit(run: RunGeometry, shard: int, where: str) -> Iterator[Problem]:
    commit = read_commit(run.path, shard)
    wrong = contradiction(run, shard, commit)
    if wrong:
        yield Problem("mismatch", where, wrong, shard)
        return
    for spec in run.arrays:
        file = inside(run.path, shard_file(run.path, spec.name, shard, 1 + len(spec.shape)))
        yield from _complete(file, partial(_verify_array, run, spec, commit), shard)


def _verify_array(run: RunGeometry, spec: ArraySpec, commit: Commit) -> Iterator[Problem]:
    file = shard_file(run.path, spec.name, commit.shard, 1 + len(spec.shape))
    where = inside(run.path, file)
    start, stop = run.entries(spec, commit.shard)
    try:
        found = compute_stored_checksum(file, spec, run.shard_entries(spec), stop - start)
    except FileNotFoundError:
        yield Problem(
            "missing",
            where,
            f"shard {commit.shard} is committed; {remedy(commit.shard)}",
            commit.shard,
        )
    except WhysetError:
        raise
    except (OSError, ValueError) as error:
        yield Problem("damaged", where, f"{error}; {remedy(commit.shard)}", commit.shard)
    else:
        if found != commit.checksums[spec.name]:
            message = f"CRC32 is {found}, the commit has {commit.checksums[spec.name]}; {remedy(commit.shard)}"
            yield Problem("damaged", where, message, commit.shard)


def _verify_leftovers(run: RunGeometry, committed: set[int]) -> Iterator[Problem]:
    """Yield data without a commit: an attempt was interrupted or is still running."""
    found: set[int] = set()
    for spec in run.arrays:
        entries: list[AnyPath] = sorted((run.path / DATA / spec.name / "c").glob("*"), key=str)
        for entry in entries:
            number = entry.name.partition(".")[0]
            if _NUMBER.fullmatch(number):
                found.add(int(number))
            elif not entry.name.startswith("."):
                yield Problem("stray", inside(run.path, entry), "it is not a shard and is not read")
    for shard in sorted(found - committed):
        message = "written in part and not committed; run the same `explain` again to compute it"
        yield Problem("uncommitted", f"{DATA}, shard {shard}", message, shard)


def _verify_selections(run: RunGeometry) -> Iterator[Problem]:
    folder = run.path / SELECTIONS
    for file, problem in (*Selections(folder, len(run)).find_damaged(), *find_damaged_names(folder)):
        yield Problem("damaged", inside(run.path, file), problem)
