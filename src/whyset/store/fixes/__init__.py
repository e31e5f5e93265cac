"""Fixes of a finding, compared on held-out samples, as typed records that are stored in the run."""

from whyset.store.fixes.files import list_fixes, open_fix, write_fix
from whyset.store.fixes.origin import FixedModelOrigin, read_fixed_origin
from whyset.store.fixes.records import (
    FIX_SCHEMA,
    ClassChange,
    FixComparison,
    FixSplit,
    HeldOutData,
    HeldOutShares,
    ListedFix,
    TriedFix,
)

__all__ = [
    "FIX_SCHEMA",
    "ClassChange",
    "FixComparison",
    "FixSplit",
    "FixedModelOrigin",
    "HeldOutData",
    "HeldOutShares",
    "ListedFix",
    "TriedFix",
    "list_fixes",
    "open_fix",
    "read_fixed_origin",
    "write_fix",
]
