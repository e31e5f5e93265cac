"""The table of torch functions: `OPERATIONS` has one row for each, in one file per subject.

To treat a function, add its name to the rows with the same treatment, or a line with its own.
"""

from whyset.attribution.intercept.operations.names import canonical_name, is_in_place, raw_name
from whyset.attribution.intercept.operations.operation import (
    Arithmetic,
    Contraction,
    Descent,
    Integers,
    Loss,
    Operation,
    OperationKind,
    Twin,
)
from whyset.attribution.intercept.operations.table import OPERATIONS, SUBJECTS, build_table, find_operation

__all__ = [
    "OPERATIONS",
    "SUBJECTS",
    "Arithmetic",
    "Contraction",
    "Descent",
    "Integers",
    "Loss",
    "Operation",
    "OperationKind",
    "Twin",
    "build_table",
    "canonical_name",
    "find_operation",
    "is_in_place",
    "raw_name",
]
