"""Whole columns of a run, as binary."""

from fastapi import Request, Response

from whyset.viewer.columns import answer, encode
from whyset.viewer.errors import not_found
from whyset.viewer.parameters import Name, OneRun, OtherRun


def get_run_column(request: Request, opened: OneRun, column: Name) -> Response:
    """One value per sample; what is not known or not committed is -1 (int32), NaN (float32) or 0 (status).

    The description of the run lists the columns; of texts the codes come, whose `values` stand there.
    """
    if column not in opened.columns:
        raise not_found("column", column, f"/api/runs/{opened.id}")
    return answer(request, encode(opened.columns[column].numbers), immutable=opened.complete)


def get_correspondence(request: Request, opened: OneRun, other: OtherRun) -> Response:
    """For each row of the run the row of the sample with the same id in the other run, or -1: int32."""
    return answer(request, encode(opened.rows_in(other)), immutable=True)
