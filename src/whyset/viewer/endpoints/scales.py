"""Scales on which the heatmaps of a class can be compared."""

import numpy as np

from whyset.store.category import CATEGORY
from whyset.store.layout import DONE
from whyset.viewer.endpoints.analyses import get_numbers, readable
from whyset.viewer.endpoints.exports import CLUSTERING
from whyset.viewer.errors import explain_damage, not_found
from whyset.viewer.members import get_rows
from whyset.viewer.parameters import ClusteringName, OneCategory, OneRun
from whyset.viewer.scales import scale_table
from whyset.viewer.schemas import ScaleTable


def get_scales(opened: OneRun, category: OneCategory, clustering: ClusteringName) -> ScaleTable:
    """Get the relevance of full color for heatmaps compared within a cluster or the class."""
    found, name = readable(category), f"{CLUSTERING}{clustering}"
    if name not in found.columns:
        raise not_found("clustering", clustering, f"the category {found.id!r}")
    key = (str(found.path), found.folder, *(found.described[column].get("crc32") for column in ("index", name)))
    if key not in opened.scales:
        with explain_damage(found.path / CATEGORY):
            rows = get_rows(found, len(opened.run))
            clusters = get_numbers(found, name, rows).astype(np.int64)
        done = opened.status[rows] == DONE
        opened.scales[key] = scale_table(opened.run.relevance, rows[done], clusters[done], clustering)
    return opened.scales[key]
