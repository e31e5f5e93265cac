"""The most typical samples of a cluster."""

import numpy as np
from numpy.typing import NDArray


def medoids(features: NDArray[np.floating], members: NDArray[np.integer], count: int = 8) -> NDArray[np.int64]:
    """Give up to `count` of the `members` (row numbers) with the least Σ_j |x_i - x_j|², the medoid first.

    That sum is N|x_i - μ|² plus a constant, so the samples nearest the cluster's mean are exactly these.
    """
    own = features[members].astype(np.float64)
    from_mean = ((own - own.mean(axis=0)) ** 2).sum(axis=1)
    return np.asarray(members)[np.argsort(from_mean, kind="stable")[:count]].astype(np.int64)
