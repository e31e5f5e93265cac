"""Attributes of samples, read from a CSV file of the user."""

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
    """Read a CSV file with a column `id` and one column per attribute.

    Parameters
    ----------
    path : Path
        The CSV file, in UTF-8, with a heading.
    ids : sequence of str
        The ids (N,) of the run's rows: `run.ids`.

    Returns
    -------
    dict of str to ndarray
        The texts of each attribute (N,) by its name, "" where unknown.

    Raises
    ------
    InputError
        The table cannot be read, its heading lacks `id` or attributes, an id occurs twice, or none of the ids is in the
        run.
    """
    try:
        with TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            names = [name for name in table.fieldnames or [] if name != "id"]
            if "id" not in (table.fieldnames or []) or not names:
                raise InputError(
                    f"{path} has the columns {table.fieldnames}: expected id and at least one attribute in a heading"
                )
            lines: dict[str, dict[str, str]] = {}
            for line in table:
                own = text_of_cell(line["id"] or "")
                if own in lines:
                    raise InputError(f"{path} holds the id {own!r} twice: expected one line per sample")
                lines[own] = line
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table: {error}") from error
    if not any(name in lines for name in ids):
        raise InputError(f"none of the ids in {path} is in the run: expected ids such as {ids[0]!r}; see run.ids")
    return {name: np.array([(lines.get(own) or {}).get(name) or "" for own in ids], object) for name in names}
