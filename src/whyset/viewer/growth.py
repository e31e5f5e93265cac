"""Progress of a run from the number of its commits, and the number of classes that an analysis will have."""

import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.groups import get_classes, is_grouping
from whyset.errors import BrokenRunError, WhysetError
from whyset.store import DONE, open_run
from whyset.store.analyses import analysis_names, open_analysis
from whyset.store.jsonfile import JSON
from whyset.store.layout import ANALYSES, LEASES
from whyset.store.lease import EXPIRY_SECONDS, read_holder
from whyset.store.remote import AnyPath
from whyset.viewer.changes import AnalysisStamp, get_stamp
from whyset.viewer.run_registry import LoadedRun
from whyset.viewer.schemas import AnalysisProgress, RunProgress

SMALL = 2**20


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


def count_expected_classes(opened: LoadedRun, config: Mapping[str, JSON]) -> int | None:
    """Count the classes of the explained rows as `whyset analyze` groups them; None if another tool made the analysis.

    The column is read as text from the configuration; no code named by a run is loaded.
    """
    by = _get_grouping(config)
    if by is None:
        return None
    if by not in opened.class_counts:
        try:
            classes = get_classes(opened.run, np.flatnonzero(opened.status == DONE), by, opened.column)
        except WhysetError:
            return None  # an imported or damaged run may lack the column
        opened.class_counts[by] = _different(classes[classes >= 0])
    return opened.class_counts[by]


def _different(numbers: NDArray[np.int64]) -> int:
    """Count the distinct numbers; small ones, such as classes, are counted, which is faster than sorting."""
    small = numbers < SMALL
    return int(np.count_nonzero(np.bincount(numbers[small]))) + len(np.unique(numbers[~small]))


def _get_grouping(config: Mapping[str, JSON]) -> str | None:
    pipeline = config.get("pipeline")
    fields = pipeline.get("fields") if isinstance(pipeline, dict) else None
    by = fields.get("group_by") if isinstance(fields, dict) else None
    return by if isinstance(by, str) and is_grouping(by) else None
