"""Export rows of a class as a file for other programs: CSV, Parquet, JSON, or Python code that reads them."""

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO

import numpy as np
import pyarrow as pa
from fastapi import Response
from numpy.typing import NDArray
from pyarrow import csv, parquet

from whyset.report.cells import text_cell
from whyset.store.category import CATEGORY, Category
from whyset.store.cluster_names import Names
from whyset.store.layout import ARRIVED, LARGEST
from whyset.viewer.endpoints.analyses import get_numbers
from whyset.viewer.endpoints.notes import OfCategory
from whyset.viewer.errors import ApiError, explain_damage, unreadable
from whyset.viewer.members import get_rows, places_in
from whyset.viewer.parameters import OneCategory, OneRun, require_in_run
from whyset.viewer.run_registry import LoadedRun
from whyset.viewer.schemas import ExportOrder

CLUSTERING = "clustering."


def export_samples(order: ExportOrder, opened: OneRun, found: OneCategory, names: OfCategory) -> Response:
    """Export the requested rows, in that order, with their metadata and their clusters in the category.

    Names given to clusters are included.
    """
    rows = np.array(order.rows, np.int64)
    require_in_run(rows, opened)
    if len(rows) > len(opened.run):
        message = f"rows: expected at most the {len(opened.run)} of the run, got {len(rows)}"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message, "name each row once")
    media_type, ending, write = FORMS[order.form]
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", f"{opened.id}-{found.id}-{len(rows)}-samples.{ending}")
    with explain_damage(found.path / CATEGORY):
        content = write(opened, rows, found, names.read().names)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)


def _refuse_damaged(opened: LoadedRun, rows: NDArray[np.int64]) -> None:
    """Raise 409 for damaged rows: the viewer shows the rest of a column, but a file must not have gaps."""
    for row in rows.tolist():
        damage = opened.get_damage(row)
        if damage is not None:
            raise unreadable(f"row {row} cannot be exported: {damage}")


def make_table(opened: LoadedRun, rows: NDArray[np.int64], found: Category, names: Names) -> pa.Table:
    """Make a table with one line per row; unknown values and clusters of rows of other classes are null."""
    columns = {"index": pa.array(rows), "id": opened.run.samples["id"].take(rows)}
    for name in ("label", "prediction", "target"):
        numbers = opened.column(name)[rows]
        columns[name] = pa.array(numbers, mask=numbers < 0)
        columns[f"{name}_name"] = pa.array([opened.class_name(number) for number in numbers.tolist()], pa.string())
    columns["confidence"] = pa.array(opened.column("confidence")[rows], from_pandas=True)
    for name in (ARRIVED, LARGEST):
        if name in opened.columns:
            columns[name] = pa.array(_finite(opened.column(name)[rows]), from_pandas=True)
    columns["status"] = pa.array(opened.status[rows])
    _refuse_damaged(opened, rows)
    index = get_rows(found, len(opened.run))
    place, known = places_in(index, rows)
    for name in found.columns:
        if name.startswith(CLUSTERING):
            clustering = name.removeprefix(CLUSTERING)
            clusters = pa.array(get_numbers(found, name, index)[place], mask=~known)
            columns[f"cluster.{clustering}"] = clusters
            if of := names.get(clustering):
                columns[f"cluster_name.{clustering}"] = pa.array(
                    [of.get(str(number)) for number in clusters], pa.string()
                )
    return pa.table(columns)


def _finite(numbers: NDArray[np.floating]) -> NDArray[np.floating]:
    """Replace infinity by "unknown", as JSON has no number for it."""
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _csv(opened: LoadedRun, rows: NDArray[np.int64], found: Category, names: Names) -> bytes:
    content = BytesIO()
    csv.write_csv(_without_formulas(make_table(opened, rows, found, names)), content)
    return content.getvalue()


def _without_formulas(table: pa.Table) -> pa.Table:
    """Make the texts of the table safe for spreadsheets; numbers stay numbers."""
    for place, column in enumerate(table.columns):
        if pa.types.is_dictionary(column.type):  # texts of runs from other programs
            column = column.cast(column.type.value_type)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            cells = [None if text is None else text_cell(text) for text in column.to_pylist()]
            table = table.set_column(place, table.column_names[place], pa.array(cells, pa.string()))
    return table


def _parquet(opened: LoadedRun, rows: NDArray[np.int64], found: Category, names: Names) -> bytes:
    content = BytesIO()
    parquet.write_table(make_table(opened, rows, found, names), content)
    return content.getvalue()


def _json(opened: LoadedRun, rows: NDArray[np.int64], found: Category, names: Names) -> bytes:
    return json.dumps(
        make_table(opened, rows, found, names).to_pylist(), indent=1, ensure_ascii=False, allow_nan=False
    ).encode()


def _python(opened: LoadedRun, rows: NDArray[np.int64], found: Category, names: Names) -> bytes:
    return f"""import whyset as ws

run = ws.open_run({str(opened.run.path)!r})
rows = {rows.tolist()}
samples = run.samples.take(rows)  # a pyarrow table, one line per row
relevance = run.relevance[rows]  # float32, one relevance map per row
""".encode()


Writer = Callable[[LoadedRun, NDArray[np.int64], Category, Names], bytes]
FORMS: dict[str, tuple[str, str, Writer]] = {
    "csv": ("text/csv; charset=utf-8", "csv", _csv),
    "parquet": ("application/vnd.apache.parquet", "parquet", _parquet),
    "json": ("application/json", "json", _json),
    "python": ("text/x-python; charset=utf-8", "py", _python),
}
