"""Local outlier factor of samples."""

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.neighbors import Neighbors


def local_outlier_factor(neighbors: Neighbors) -> NDArray[np.float64]:
    """Return the local outlier factor (N,) of each sample from its k nearest neighbors (Breunig et al. 2000).

    With d_k(b) the distance of b to its k-th neighbor, the reachability of a from b is max(d_k(b), d(a, b)); the
    density of a is one over its mean over the neighbors b of a, and LOF(a) = mean_b density(b) / density(a). It is
    about 1 inside a cluster and well above 1 for an isolated sample. A sample with k duplicates has density ∞ and the
    factor 1; its density counts as that of the closest samples that are not duplicates.
    """
    reach = np.maximum(neighbors.distances[:, -1][neighbors.indices], neighbors.distances).mean(axis=1)
    smallest = reach[reach > 0].min(initial=np.inf)
    density = 1 / np.maximum(reach, smallest)
    factors: NDArray[np.float64] = np.where(reach > 0, density[neighbors.indices].mean(axis=1) * reach, 1.0)
    return factors
