"""Groups of seeds: those whose evidence changes hosts in the same way."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from whyset.findings.views import ChannelView, Features

_DISTANCE = 0.5
"""Groups are joined while the mean cosine distance of their changes is below this."""


def group_seeds(
    changes: Mapping[ChannelView, Features], scales: Mapping[ChannelView, Features], least: int
) -> list[NDArray[np.int64]]:
    """Group seeds by the changes of their hosts: agglomerative clustering by average linkage of cosine distances.

    Parameters
    ----------
    changes : Mapping of ChannelView to ndarray
        For each view, the mean change (seeds, channels) of hosts by the evidence of each seed.
    scales : Mapping of ChannelView to ndarray
        For each view, the standard deviation of each channel over samples.
    least : int
        The least number of seeds of a group.

    Returns
    -------
    list of ndarray of int
        The places of the seeds of each group with enough seeds, the largest first; all seeds as one group if there is
        none.
    """
    from sklearn.cluster import AgglomerativeClustering

    parts = [changes[view] / np.where(scales[view] > 0, scales[view], 1) for view in changes]
    joined = np.concatenate([part / np.sqrt(part.shape[1]) for part in parts], axis=1).astype(np.float64)
    everything = [np.arange(len(joined))]
    known = np.linalg.norm(joined, axis=1) > 0
    if len(joined) < 2 or not known.all():  # a cosine of an evidence that changes nothing has no meaning
        return everything
    clustering = AgglomerativeClustering(None, metric="cosine", linkage="average", distance_threshold=_DISTANCE)
    labels = clustering.fit_predict(joined)
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    kept = sorted((group for group in groups if len(group) >= least), key=lambda group: (-len(group), group[0]))
    return kept or everything
