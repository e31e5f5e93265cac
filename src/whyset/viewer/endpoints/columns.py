"""Columns of a run, whole or for the samples of a category, as binary."""

from fastapi import Request, Response

from whyset.viewer.columns import answer, encode
from whyset.viewer.errors import not_found
from whyset.viewer.parameters import CategoryRows, ColumnName, Kept, OneRun, OtherRun


def get_run_column(request: Request, opened: OneRun, rows: CategoryRows, column: ColumnName, keep: Kept) -> Response:
    """One value per sample; what is not known or not committed is -1 (integers), NaN (float32) or 0 (status).

    The description of the run lists the columns; of texts the codes come, whose `values` stand there. With `analysis`
    and `category`, only the values of that category's samples come, in its order.
    """
    if column not in opened.columns:
        raise not_found("column", column, f"/api/runs/{opened.id}")
    numbers = opened.columns[column].numbers
    if rows is None:
        return answer(request, encode(numbers), immutable=keep and opened.complete)  # damage is found by reading
    return answer(request, encode(numbers[rows]), immutable=False)


def get_correspondence(request: Request, opened: OneRun, other: OtherRun) -> Response:
    """For each row of the run the row of the sample with the same id in the other run, or -1: int32."""
    return answer(request, encode(opened.rows_in(other)), immutable=False)
