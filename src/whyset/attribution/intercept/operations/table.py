"""The table of torch functions, by subject."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from whyset.attribution.intercept.operations import (
    arithmetic,
    complex_numbers,
    functions,
    images,
    linear,
    no_values,
    norms,
    products,
    reductions,
    selections,
    shapes,
)
from whyset.attribution.intercept.operations.operation import Operation

SUBJECTS: Mapping[str, tuple[Operation, ...]] = MappingProxyType(
    {
        "Linear operations and recurrent networks": linear.ROWS,
        "Functions of one tensor, element by element": functions.ROWS,
        "Arithmetic": arithmetic.ROWS,
        "Products, contractions and attention": products.ROWS,
        "Reductions and softmax": reductions.ROWS,
        "Norms and distances": norms.ROWS,
        "Shapes, views and casts": shapes.ROWS,
        "Selections and assignments": selections.ROWS,
        "Pools, padding and resampling": images.ROWS,
        "Complex numbers": complex_numbers.ROWS,
        "Not operations on values": no_values.ROWS,
    }
)


def build_table(subjects: Mapping[str, Iterable[Operation]]) -> Mapping[str, Operation]:
    """Return all rows by name; ValueError: a name has two rows."""
    table: dict[str, Operation] = {}
    for subject, rows in subjects.items():
        for row in rows:
            if row.name in table:
                raise ValueError(f"{subject}: {row.name!r} has a row already: keep one of the two")
            table[row.name] = row
    return MappingProxyType(table)


OPERATIONS = build_table(SUBJECTS)


def find_operation(name: str) -> Operation:
    """Return the row of a function, or one without a kind if the table has none."""
    return OPERATIONS.get(name) or Operation(name)
