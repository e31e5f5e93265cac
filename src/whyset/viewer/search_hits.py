"""Recommended starting point of an analysis, worded as in the report."""

from collections.abc import Sequence

from whyset.report import ClassRow, ClusterRow
from whyset.report.cluster_rows import first_suspicious, most_coherent
from whyset.report.words import reason_to_look
from whyset.store.category import Category
from whyset.viewer.schemas import SearchHit


def finding(categories: Sequence[Category], rows: Sequence[ClassRow]) -> SearchHit | None:
    """Get the most coherent cluster of the first class that has clusters; damaged classes are skipped."""
    by_id = {category.id: category for category in categories}
    cluster = first_suspicious(rows, lambda id: most_coherent(by_id[id]))
    return None if cluster is None else _describe(cluster, rows)


def _describe(cluster: ClusterRow, rows: Sequence[ClassRow]) -> SearchHit:
    return SearchHit(
        category=cluster.category,
        class_name=cluster.class_name,
        clustering=cluster.clustering,
        cluster=cluster.evidence.id,
        n_explanations=cluster.evidence.n_explanations,
        n_samples=cluster.evidence.n_samples,
        medoids=list(cluster.evidence.medoids),
        reason=reason_to_look(cluster, rows),
    )
