"""What to look at first in an analysis, in the report's words."""

from collections.abc import Sequence

from whyset.errors import WhysetError
from whyset.report import ClassRow, first_suspicious, most_coherent, reason_to_look
from whyset.store.analyses import CATEGORY, Category
from whyset.viewer.errors import ApiError, damage_told
from whyset.viewer.schemas import Finding


def finding(categories: Sequence[Category], rows: Sequence[ClassRow]) -> Finding | None:
    """The most coherent cluster of the first class that has clusters; a damaged class is passed over."""
    by_id = {category.id: category for category in categories}
    return first_suspicious(rows, lambda id: _of(by_id[id], rows))


def _of(category: Category, rows: Sequence[ClassRow]) -> Finding | None:
    try:
        with damage_told(category.path / CATEGORY):
            cluster = most_coherent(category)
            if cluster is None:
                return None
            return Finding(
                category=cluster.category,
                class_name=cluster.class_name,
                clustering=cluster.clustering,
                cluster=cluster.evidence.id,
                n_explanations=cluster.evidence.n_explanations,
                n_samples=cluster.evidence.n_samples,
                medoids=list(cluster.evidence.medoids),
                reason=reason_to_look(cluster, rows),
            )
    except (ApiError, WhysetError):
        return None  # the table tells what is wrong with it
