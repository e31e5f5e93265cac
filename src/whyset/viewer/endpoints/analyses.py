"""Analyses, their categories (classes) and the columns of these."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import numpy as np
from fastapi import Request, Response
from numpy.typing import NDArray

from whyset.report import ClassRow, ClusterRow
from whyset.report.class_rows import first_suspicious, most_distinct
from whyset.report.view_ranking import rank_views
from whyset.report.words import reason_to_look
from whyset.store.category import CATEGORY, Category
from whyset.viewer.columns import answer, encode, encode_places, encode_rows, wire_type
from whyset.viewer.effect_columns import PREFIX, read_effect_columns
from whyset.viewer.errors import ApiError, explain_damage, not_found, unreadable
from whyset.viewer.parameters import Axes, ColumnName, EmbeddingName, OneAnalysis, OneCategory, OneRun
from whyset.viewer.points import quantize
from whyset.viewer.schemas import AnalysisDetail, CategoryColumn, CategoryDetail, SearchHit

INDEX = "index"


def get_analysis(run: OneRun, opened: OneAnalysis) -> AnalysisDetail:
    """Get all categories with their scores, in the order of the ranking, and a recommended starting point.

    If the analysis has several views, each category has the scores of its best one.
    """
    ranking = rank_views(run.run, opened)
    return AnalysisDetail.model_validate(
        {
            "name": opened.name,
            "config": opened.config,
            "n_classes": ranking.completeness.n_classes,
            "n_finished": ranking.completeness.n_finished,
            "q_withheld": ranking.completeness.reason_without_q,
            "sealed": ranking.completeness.sealed,
            "outdated": ranking.completeness.outdated,
            "notices": list(ranking.completeness.notices),
            "categories": list(ranking.rows),
            "thumbnails": find_thumbnails(list(ranking.categories.values())),
            "finding": finding(list(ranking.categories.values()), ranking.rows),
        }
    )


def get_category(run: OneRun, opened: OneCategory) -> CategoryDetail:
    """Get the results of the analysis for one category; its columns include tested effects."""
    found = readable(opened)
    with explain_damage(found.path / CATEGORY):
        columns = [_column(name, described) for name, described in found.described.items()]
        for name, shares in read_effect_columns(run.run, found).items():
            columns.append(_column(name, {"dtype": shares.dtype.str, "shape": list(shares.shape)}))
        fields = {"id": found.id, "name": found.name, "evidence": found.evidence, "columns": columns}
        return CategoryDetail.model_validate(fields)


def get_category_column(request: Request, run: OneRun, opened: OneCategory, column: ColumnName) -> Response:
    """Get one array of a category: row indices, an embedding, cluster numbers (-1 is noise), mean maps, ..."""
    found = readable(opened)
    if column.startswith(PREFIX):
        with explain_damage(found.path / CATEGORY):
            shares = read_effect_columns(run.run, found)
        if column in shares:
            return answer(request, encode(shares[column]), immutable=False)
    if column not in found.columns:
        raise not_found("column", column, f"the category {found.id!r}")
    with explain_damage(found.path / CATEGORY):
        values = found.column(column)
    payload = encode_rows(values) if column == INDEX and values.ndim == 1 else encode(values)
    return answer(request, payload, immutable=False)


def get_points(request: Request, opened: OneCategory, embedding: EmbeddingName, axes: Axes = "0,1") -> Response:
    """Get two axes of an embedding as uint16 [n, 2], with one scale for both; 65535 for non-finite coordinates."""
    found, name = readable(opened), f"embedding.{embedding}"
    if name not in found.columns:
        raise not_found("embedding", embedding, f"the category {found.id!r}")
    with explain_damage(found.path / CATEGORY):
        values = found.column(name)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.dtype.kind not in "fiu":
        raise unreadable(f"{name}: expected numbers (rows, dimensions), got {values.dtype} {values.shape}")
    across, upwards = map(int, axes.split(","))
    chosen = (across, upwards)
    if max(chosen) >= max(2, values.shape[1]):
        message = f"axes: expected two of the {values.shape[1]} dimensions of {embedding!r} from 0, got {axes}"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message)
    return answer(request, encode_places(quantize(values, chosen)), immutable=False)


def readable(category: Category) -> Category:
    """Return the category; 409 if it is damaged."""
    if category.problem is not None:
        raise unreadable(category.problem)
    return category


def get_numbers(found: Category, name: str, rows: NDArray[np.int64]) -> NDArray[np.generic]:
    """Read a column with one number for each of these rows of the category; 409 if its shape differs."""
    values = np.asarray(found.column(name))
    if values.shape != rows.shape:
        raise unreadable(f"{found.path} is damaged: expected {len(rows)} numbers in {name}, got {values.shape}")
    return values


def _column(name: str, described: Mapping[str, object]) -> CategoryColumn:
    dtype = np.dtype(str(described.get("dtype")))
    return CategoryColumn.model_validate({"name": name, "dtype": wire_type(dtype), "shape": described.get("shape")})


def find_thumbnails(categories: Sequence[Category]) -> dict[str, int]:
    """Find a row that shows each class: the most typical explanation of its most distinct cluster."""
    clusters = {one.id: most_distinct(one) for one in categories if one.problem is None}
    return {id: one.evidence.medoids[0] for id, one in clusters.items() if one is not None and one.evidence.medoids}


def finding(categories: Sequence[Category], rows: Sequence[ClassRow]) -> SearchHit | None:
    """Get the most distinct cluster of the first class that has clusters; damaged classes are skipped."""
    by_id = {category.id: category for category in categories}
    cluster = first_suspicious(rows, lambda id: most_distinct(by_id[id]))
    return None if cluster is None else _describe(cluster, rows)


def _describe(cluster: ClusterRow, rows: Sequence[ClassRow]) -> SearchHit:
    return SearchHit(
        analysis=next((row.analysis for row in rows if row.id == cluster.category), None),
        category=cluster.category,
        class_name=cluster.class_name,
        clustering=cluster.clustering,
        cluster=cluster.evidence.id,
        n_explanations=cluster.evidence.n_explanations,
        n_samples=cluster.evidence.n_samples,
        medoids=list(cluster.evidence.medoids),
        reason=reason_to_look(cluster, rows),
    )
