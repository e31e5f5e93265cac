"""Analyses, their categories (classes) and the columns of these."""

import math
from collections.abc import Mapping

import numpy as np
from fastapi import Request, Response

from whyset.store.analyses import CATEGORY, Category
from whyset.viewer.columns import answer, encode, wire_type
from whyset.viewer.errors import ApiError, damage_told, not_found, unreadable
from whyset.viewer.parameters import Name, OneAnalysis, OneCategory
from whyset.viewer.schemas import AnalysisDetail, CategoryColumn, CategoryDetail, CategoryRow


def get_analysis(opened: OneAnalysis) -> AnalysisDetail:
    """All categories with their scores, the most separable first."""
    rows = sorted((_row_or_problem(category) for category in opened.categories), key=_rank)
    return AnalysisDetail.model_validate({"name": opened.name, "config": opened.config, "categories": rows})


def get_category(opened: OneCategory) -> CategoryDetail:
    """What the analysis found in one category."""
    found = _readable(opened)
    with damage_told(found.path / CATEGORY):
        columns = [_column(name, described) for name, described in found.described.items()]
        fields = {"id": found.id, "name": found.name, "info": found.info, "columns": columns}
        return CategoryDetail.model_validate(fields)


def get_category_column(request: Request, opened: OneCategory, column: Name) -> Response:
    """One array of a category: sample indices, an embedding, cluster numbers (-1 is noise), mean maps, ..."""
    found = _readable(opened)
    if column not in found.columns:
        raise not_found("column", column, f"the category {found.id!r}")
    with damage_told(found.path / CATEGORY):
        values = found.column(column)
    return answer(request, encode(values), immutable=False)


def _row_or_problem(category: Category) -> CategoryRow:
    try:
        with damage_told(category.path / CATEGORY):
            return _row(category)
    except ApiError as error:
        row: dict[str, object] = dict.fromkeys(CategoryRow.model_fields)
        name = category.path.name
        return CategoryRow.model_validate(row | {"id": name, "name": name, "size": 0, "problem": error.message})


def _row(category: Category) -> CategoryRow:
    info, scores = category.info, ("scores",)
    clusters = _at(info, "clusterings", _at(info, "default_clustering"), "clusters")
    size = _number(_at(info, "size"))
    return CategoryRow(
        id=category.id,
        name=category.name,
        size=0 if size is None else int(size),
        accuracy=_number(_at(info, *scores, "accuracy")),
        separability=_number(_at(info, *scores, "separability", "value")),
        p_value=_number(_at(info, *scores, "separability", "p_value")),
        eigengap=_number(_at(info, *scores, "eigengap", "value")),
        clusters=len(clusters) if isinstance(clusters, list) else None,
        problem=category.problem,
    )


def _rank(row: CategoryRow) -> tuple[bool, float, str]:
    return row.separability is None, -(row.separability or 0.0), row.id


def _at(value: object, *keys: object) -> object:
    """What stands at this place in a JSON value, or None: a category's info is whatever lies on the disk."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) and isinstance(key, str) else None
    return value


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _readable(category: Category) -> Category:
    if category.problem is not None:
        raise unreadable(category.problem)
    return category


def _column(name: str, described: Mapping[str, object]) -> CategoryColumn:
    dtype = np.dtype(str(described.get("dtype")))
    return CategoryColumn.model_validate({"name": name, "dtype": wire_type(dtype), "shape": described.get("shape")})
