"""The most typical samples of a cluster."""

import numpy as np
from numpy.typing import NDArray


def medoids(features: NDArray[np.floating], members: NDArray[np.integer], count: int = 8) -> NDArray[np.int64]:
    """Return up to `count` of the `members` (row numbers) with the smallest Σ_j |x_i - x_j|², the medoid first.

    That sum is N|x_i - μ|² plus a constant, so these are the samples nearest to the mean of the cluster.
    """
    own = features[members].astype(np.float64)
    from_mean = ((own - own.mean(axis=0)) ** 2).sum(axis=1)
    return np.asarray(members)[np.argsort(from_mean, kind="stable")[:count]].astype(np.int64)
