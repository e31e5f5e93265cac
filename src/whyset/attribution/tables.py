"""Tables as data frames and as aligned text."""

from collections.abc import Iterable, Mapping
from typing import Any

from whyset.optional import import_optional


def data_frame(records: Iterable[Mapping[str, Any]]) -> Any:
    """Return records as a pandas data frame; MissingExtraError if pandas is not installed."""
    pandas = import_optional("pandas", "a data frame", "pip install pandas")
    return pandas.DataFrame(list(records))


def align(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Align rows of cells in columns, for printing."""
    lines = list(rows)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
