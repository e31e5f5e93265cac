"""How far a run is, told cheaply: commits are counted and nothing that they vouch for is read."""

import hashlib
import time
from pathlib import Path

from whyset.errors import BrokenRunError, WhysetError
from whyset.store import AnyPath, open_run
from whyset.store.analyses import analysis_names, category_folders
from whyset.store.holder import read_holder
from whyset.store.layout import ANALYSES, COMMITS, LEASES, RUN
from whyset.store.lease import EXPIRY_SECONDS
from whyset.viewer.schemas import AnalysisProgress, RunProgress

Stamp = tuple[int | None, int | None, int]
"""When run.json and the folder of commits last changed, and how many commits there are."""


def stamp_of(path: AnyPath) -> Stamp:
    """What changes when a run grows; the number of commits too, as two may fall into one tick of the clock."""
    commits = path / COMMITS
    return changed_at(path / RUN), changed_at(commits), sum(1 for _ in commits.glob("*.json"))


def version_of(stamp: Stamp, config_hash: str) -> str:
    """A name for this state of the run, for caches: another state, and another run in the same place, has another.

    Claims come and go among the commits, so it is the number of these that counts, and not when their folder changed.
    """
    made, _, commits = stamp
    return hashlib.sha256(repr((config_hash, made, commits)).encode()).hexdigest()[:16]


def is_growing(path: AnyPath) -> bool:
    """Whether a job was heard of lately that explains samples of this run."""
    return any(_lives(lease) for lease in (path / LEASES).glob("rank-*.json"))


def progress_of(path: AnyPath) -> RunProgress:
    """How far the run and its analyses are now."""
    stamp = stamp_of(path)
    run = open_run(path)
    return RunProgress(
        version=version_of(stamp, run.config_hash),
        samples=len(run),
        committed=int(run.committed.sum()),
        growing=is_growing(path),
        analyses=[_analysis(path, name) for name in analysis_names(path)],
    )


def _analysis(path: AnyPath, name: str) -> AnalysisProgress:
    return AnalysisProgress(name=name, categories=len(category_folders(path / ANALYSES / name)))


def _lives(lease: AnyPath) -> bool:
    try:
        holder = read_holder(lease)
        return holder is not None and not holder.has_ended() and abs(time.time() - holder.heartbeat) <= EXPIRY_SECONDS
    except (BrokenRunError, WhysetError, OSError, TypeError, ValueError):
        return False  # a lease that cannot be read says nothing about the run


def changed_at(path: AnyPath) -> int | None:
    """When a file or folder last changed; an object store has no folders, there a run changes by its commits."""
    return path.stat().st_mtime_ns if isinstance(path, Path) and path.exists() else None
