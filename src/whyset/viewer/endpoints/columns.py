"""Columns of a run as binary data, whole or for the rows of a category."""

from fastapi import Request, Response

from whyset.viewer.columns import answer, encode
from whyset.viewer.errors import not_found
from whyset.viewer.parameters import CategoryRows, ColumnName, Kept, OneRun, OtherRun


def get_run_column(request: Request, opened: OneRun, rows: CategoryRows, column: ColumnName, keep: Kept) -> Response:
    """Get one value per row; unknown or uncommitted values are -1 (integers), NaN (float32) or 0 (status).

    The description of the run lists the columns. Texts are sent as codes; their `values` are in the description. With
    `analysis` and `category`, only the values of that category's rows are sent, in its order.
    """
    if column not in opened.columns:
        raise not_found("column", column, f"/api/runs/{opened.id}")
    numbers = opened.columns[column].numbers
    if rows is None:
        return answer(request, encode(numbers), immutable=keep and opened.complete)  # damage is found by reading
    return answer(request, encode(numbers[rows]), immutable=False)


def get_correspondence(request: Request, opened: OneRun, other: OtherRun) -> Response:
    """Get, for each row of the run, the row of the same sample id in the other run, or -1: int32."""
    return answer(request, encode(opened.rows_in(other)), immutable=False)
