"""On which scale the pictures of a class can be compared."""

import numpy as np

from whyset.store.analyses import CATEGORY
from whyset.store.layout import DONE
from whyset.viewer.endpoints.analyses import readable
from whyset.viewer.endpoints.exports import CLUSTERING
from whyset.viewer.errors import damage_told, not_found
from whyset.viewer.parameters import ClusteringName, OneCategory, OneRun, require_in_run
from whyset.viewer.scales import scale_table
from whyset.viewer.schemas import ScaleTable


def get_scales(opened: OneRun, category: OneCategory, clustering: ClusteringName) -> ScaleTable:
    """What full colour stands for where maps are compared within a cluster or the class."""
    found, name = readable(category), f"{CLUSTERING}{clustering}"
    if name not in found.columns:
        raise not_found("clustering", clustering, f"the category {found.id!r}")
    key = (str(found.path), found.folder, *(found.described[column].get("crc32") for column in ("index", name)))
    if key not in opened.scales:
        with damage_told(found.path / CATEGORY):
            rows, clusters = np.asarray(found.column("index"), np.int64), np.asarray(found.column(name), np.int64)
        if rows.size:
            require_in_run(rows, opened)
        done = opened.status[rows] == DONE
        opened.scales[key] = scale_table(opened.run.relevance, rows[done], clusters[done], clustering)
    return opened.scales[key]
