"""Findings: groups of samples that share a piece of evidence, as typed records that are stored in the run."""

from whyset.store.findings.files import Findings, list_findings, open_findings
from whyset.store.findings.records import FINDINGS_SCHEMA, Finding, FoundExample, Kind
from whyset.store.findings.writer import write_findings

__all__ = [
    "FINDINGS_SCHEMA",
    "Finding",
    "Findings",
    "FoundExample",
    "Kind",
    "list_findings",
    "open_findings",
    "write_findings",
]
