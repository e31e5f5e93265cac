"""Summaries of clusters: top words, columns or channels, and clusters that differ mainly in place."""

from whyset.report.shifted_clusters import find_shifted_clusters
from whyset.report.top_features import find_top_features
from whyset.store.category import CATEGORY
from whyset.viewer.endpoints.analyses import readable
from whyset.viewer.endpoints.exports import CLUSTERING
from whyset.viewer.errors import explain_damage, not_found
from whyset.viewer.parameters import ClusteringName, OneCategory, OneRun
from whyset.viewer.schemas import ClusterSummary


def list_summaries(opened: OneRun, category: OneCategory, clustering: ClusteringName) -> list[ClusterSummary]:
    """Get the clusters that have top words, columns or channels, or that differ from others mainly in place."""
    found = readable(category)
    if f"{CLUSTERING}{clustering}" not in found.columns:
        raise not_found("clustering", clustering, f"the category {found.id!r}")
    with explain_damage(found.path / CATEGORY):
        tops = {top.cluster: top for top in find_top_features(opened.run, found, clustering)}
        pairs = find_shifted_clusters(opened.run, found, clustering)
    clusters = sorted({*tops, *(cluster for pair in pairs for cluster in pair.clusters)})
    return [
        ClusterSummary(
            cluster=cluster,
            what=tops[cluster].what if cluster in tops else None,
            top=[str(one) for one in tops[cluster].features] if cluster in tops else [],
            shifted=[str(pair) for pair in pairs if cluster in pair.clusters],
        )
        for cluster in clusters
    ]
