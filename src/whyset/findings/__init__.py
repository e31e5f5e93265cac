"""Findings: what decides the predictions of a class though it should not, found and confirmed by experiments.

`find` searches a run whose effects are measured; the record is in `whyset.store.findings`.
"""

from whyset.findings.finding import find

__all__ = ["find"]
