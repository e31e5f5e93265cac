"""The contrast of details: how much more alike the maps of a cluster are than those of the rest of its class."""

from collections.abc import Sequence

import numpy as np

from whyset.store.evidence import ClusterEvidence


def modified_z(values: Sequence[float | None]) -> list[float | None]:
    """Return 0.6745 (x - median)/MAD; None for unknown values, and for all if fewer than three are known or MAD is 0.

    >>> modified_z([1.0, 2.0, 3.0, None])
    [-0.6745, 0.0, 0.6745, None]
    """
    known = np.array([value for value in values if value is not None])
    if len(known) < 3:
        return [None] * len(values)
    middle = float(np.median(known))
    spread = float(np.median(np.abs(known - middle)))
    return [None if value is None or spread == 0 else 0.6745 * (value - middle) / spread for value in values]


STANDS_OUT = 3.5
"""The modified z-score from which Iglewicz and Hoaglin (1993) call a value an outlier."""


def read_contrast(cluster: ClusterEvidence) -> float | None:
    """Return the coherence of the details of a cluster minus that of the rest of its class; None if unknown."""
    here, elsewhere = cluster.detail_coherence, cluster.detail_coherence_elsewhere
    return None if here is None or elsewhere is None else here - elsewhere
