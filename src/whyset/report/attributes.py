"""What else is known of the samples: a table that a person brings along."""

import csv
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.report.cells import text_of_cell
from whyset.store.boundary import open_regular


def read_attributes(path: Path, ids: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read a CSV file with a column `id` and one column per attribute; give each as texts (N,), "" where unknown.

    `ids` (N,) are those of the run's rows. InputError: there is no such table, an id comes twice,
    or none is in the run.
    """
    try:
        with TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            names = [name for name in table.fieldnames or [] if name != "id"]
            if "id" not in (table.fieldnames or []) or not names:
                raise InputError(
                    f"{path} has the columns {table.fieldnames}: expected id and at least one attribute, with a heading"
                )
            lines: dict[str, dict[str, str]] = {}
            for line in table:
                own = text_of_cell(line["id"] or "")
                if own in lines:
                    raise InputError(f"{path} holds the id {own!r} twice: give each sample one line")
                lines[own] = line
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table: {error}") from error
    if not any(name in lines for name in ids):
        raise InputError(f"none of the ids in {path} is in the run, whose first is {ids[0]!r}; see run.ids")
    return {name: np.array([(lines.get(own) or {}).get(name) or "" for own in ids], object) for name in names}
