"""Runs: crash-safe folders of explanations. docs/file-format.md specifies their content."""

from whyset.store.analyses import Analysis, Category, ListedClass
from whyset.store.analysis_writer import AnalysisWriter, CategoryResult
from whyset.store.arrays import ArraySpec
from whyset.store.checks import Check
from whyset.store.commits import Commit, Failure
from whyset.store.completeness import Completeness
from whyset.store.config import RunConfig
from whyset.store.create import create_run, require_free_space
from whyset.store.default_arrays import estimate_bytes, shard_rows_for, shard_rows_within, standard_arrays
from whyset.store.evidence import ClassEvidence, ClusterEvidence
from whyset.store.layout import DONE, FAILED, NEVER_WRITTEN, is_run
from whyset.store.lazy import LazyArray
from whyset.store.lease import Lease, LeaseHeldError, LeaseLostError
from whyset.store.losses import Losses, ShardLosses, average_losses
from whyset.store.problems import Problem
from whyset.store.rank_lease import RankLease, run_lease
from whyset.store.remote import AnyPath, RemotePath, as_path
from whyset.store.remote_errors import RemoteError
from whyset.store.run import Run, open_run
from whyset.store.samples import samples_table
from whyset.store.scaling import non_finite_rows
from whyset.store.shards import discard_shard, write_shard

__all__ = [
    "DONE",
    "FAILED",
    "NEVER_WRITTEN",
    "Analysis",
    "AnalysisWriter",
    "AnyPath",
    "ArraySpec",
    "Category",
    "CategoryResult",
    "Check",
    "ClassEvidence",
    "ClusterEvidence",
    "Commit",
    "Completeness",
    "Failure",
    "LazyArray",
    "Lease",
    "LeaseHeldError",
    "LeaseLostError",
    "ListedClass",
    "Losses",
    "Problem",
    "RankLease",
    "RemoteError",
    "RemotePath",
    "Run",
    "RunConfig",
    "ShardLosses",
    "as_path",
    "average_losses",
    "create_run",
    "discard_shard",
    "estimate_bytes",
    "is_run",
    "non_finite_rows",
    "open_run",
    "require_free_space",
    "run_lease",
    "samples_table",
    "shard_rows_for",
    "shard_rows_within",
    "standard_arrays",
    "write_shard",
]
