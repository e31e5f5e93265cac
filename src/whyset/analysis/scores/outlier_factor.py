"""How much lonelier a sample is than its neighbors."""

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.neighbors import Neighbors


def local_outlier_factor(neighbors: Neighbors) -> NDArray[np.float64]:
    """Give the local outlier factor (Breunig et al. 2000) of each sample from the k nearest neighbors, (N,).

    With d_k(b) the distance of b to its k-th neighbor, the reachability of a from b is max(d_k(b), d(a, b)); the
    density of a is one over its mean over the neighbors b of a, and LOF(a) = mean_b density(b) / density(a). About 1
    inside a cluster, well above 1 for a sample that lies apart. A sample with k duplicates has density ∞
    and the factor 1; its density counts as that of the closest samples that are no duplicates.
    """
    reach = np.maximum(neighbors.distances[:, -1][neighbors.indices], neighbors.distances).mean(axis=1)
    smallest = reach[reach > 0].min(initial=np.inf)
    density = 1 / np.maximum(reach, smallest)
    factors: NDArray[np.float64] = np.where(reach > 0, density[neighbors.indices].mean(axis=1) * reach, 1.0)
    return factors
