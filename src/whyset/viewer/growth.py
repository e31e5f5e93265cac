"""Progress of a run from the number of its commits, without reading the data that they describe."""

import time

from whyset.errors import BrokenRunError, WhysetError
from whyset.store import open_run
from whyset.store.analyses import analysis_names, open_analysis
from whyset.store.layout import ANALYSES, LEASES
from whyset.store.lease import EXPIRY_SECONDS, read_holder
from whyset.store.remote import AnyPath
from whyset.viewer.changes import AnalysisStamp, get_stamp
from whyset.viewer.schemas import AnalysisProgress, RunProgress


def is_growing(path: AnyPath) -> bool:
    """Return True if a job that explains samples of this run has recently renewed its lease."""
    return any(_lives(lease) for lease in (path / LEASES).glob("rank-*.json"))


def compute_progress(path: AnyPath) -> RunProgress:
    """Compute the progress of a run and its analyses."""
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
        finished = 0  # the endpoint of the run reports the problem
    return AnalysisProgress(name=name, categories=finished, version=stamp.version)


def _lives(lease: AnyPath) -> bool:
    try:
        holder = read_holder(lease)
        return holder is not None and not holder.has_ended() and abs(time.time() - holder.heartbeat) <= EXPIRY_SECONDS
    except (BrokenRunError, WhysetError, OSError, TypeError, ValueError):
        return False  # an unreadable lease shows nothing about the run
