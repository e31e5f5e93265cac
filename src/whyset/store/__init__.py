"""Runs: crash-safe folders of explanations. docs/file-format.md specifies their content."""

from whyset.store.analyses import Analysis
from whyset.store.analysis_writer import AnalysisWriter, CategoryResult
from whyset.store.arrays import ArraySpec
from whyset.store.category import Category
from whyset.store.checks import Check
from whyset.store.commits import Failure
from whyset.store.config import RunConfig
from whyset.store.evidence import ClassEvidence, ClusterEvidence
from whyset.store.layout import DONE, FAILED
from whyset.store.lazy import LazyArray
from whyset.store.lease import LeaseHeldError
from whyset.store.problems import Problem
from whyset.store.remote import RemotePath
from whyset.store.remote_errors import RemoteError
from whyset.store.run import Run, open_run
from whyset.store.shards import discard_shard

__all__ = [
    "DONE",
    "FAILED",
    "Analysis",
    "AnalysisWriter",
    "ArraySpec",
    "Category",
    "CategoryResult",
    "Check",
    "ClassEvidence",
    "ClusterEvidence",
    "Failure",
    "LazyArray",
    "LeaseHeldError",
    "Problem",
    "RemoteError",
    "RemotePath",
    "Run",
    "RunConfig",
    "discard_shard",
    "open_run",
]
