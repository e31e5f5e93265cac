"""How far a run is, told cheaply: commits are counted and nothing that they vouch for is read."""

import time

from whyset.errors import BrokenRunError, WhysetError
from whyset.store import open_run
from whyset.store.analyses import analysis_names, open_analysis
from whyset.store.layout import ANALYSES, LEASES
from whyset.store.lease import EXPIRY_SECONDS
from whyset.store.lease_record import read_holder
from whyset.store.remote import AnyPath
from whyset.viewer.changes import AnalysisStamp, get_stamp
from whyset.viewer.schemas import AnalysisProgress, RunProgress


def is_growing(path: AnyPath) -> bool:
    """Whether a job was heard of lately that explains samples of this run."""
    return any(_lives(lease) for lease in (path / LEASES).glob("rank-*.json"))


def compute_progress(path: AnyPath) -> RunProgress:
    """How far the run and its analyses are now."""
    stamp = get_stamp(path)
    run = open_run(path)
    return RunProgress(
        version=stamp.version(run.config_hash),
        n_explanations=len(run),
        n_samples=run.sample_count,
        committed=int(run.committed.sum()),
        growing=is_growing(path),
        analyses=[_analysis(path, name) for name in analysis_names(path)],
    )


def _analysis(path: AnyPath, name: str) -> AnalysisProgress:
    stamp = AnalysisStamp.of(path / ANALYSES / name)
    try:
        finished = sum(map(open_analysis(path, name).lists, stamp.categories))
    except (WhysetError, OSError):
        finished = 0  # the run's own answer says what is wrong with it
    return AnalysisProgress(name=name, categories=finished, version=stamp.version)


def _lives(lease: AnyPath) -> bool:
    try:
        holder = read_holder(lease)
        return holder is not None and not holder.has_ended() and abs(time.time() - holder.heartbeat) <= EXPIRY_SECONDS
    except (BrokenRunError, WhysetError, OSError, TypeError, ValueError):
        return False  # a lease that cannot be read says nothing about the run
