"""Small clusters of a class, which the eigengap joins to larger ones."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.analysis.scores.clusters import compute_recovery, finite_mean
from whyset.analysis.scores.overclustering import ByKMeans, ByLeiden, OverClustering, overcluster
from whyset.analysis.scores.surrogates import CopulaSurrogates
from whyset.errors import InputError

MIN_SIZE = 3  # samples: the mean of the others, with which a member is compared, is that of two at least
_SUBSAMPLE = 0.8  # of the samples, as for the stability of clusterings
_STABLE = 0.75  # the recovery from which Hennig (2007) calls a cluster stable


@dataclass(frozen=True)
class SmallCluster:
    """A small cluster: `members` (n,) are places in the class, `effect` and `recovery` are explained in SmallClusters.

    `n_clusters` is the number of clusters of the clustering `found_by` that it is from: the given one of k-means, that
    found by Leiden.
    """

    members: NDArray[np.int64]
    effect: float
    recovery: float
    n_clusters: int
    found_by: OverClustering


@dataclass(frozen=True)
class SmallClusterSearch:
    """The small clusters that were found, the largest effect first, and the largest effects in the surrogates made."""

    clusters: tuple[SmallCluster, ...]
    null: NDArray[np.float64]
    n_candidates: int


@dataclass(frozen=True)
class SmallClusters(Processor):
    """Look for small clusters by clusterings with many clusters of the details of maps, of which few are kept.

    Clusters are found by k-means for each k in `n_clusters`, and by Leiden for each of the `resolutions`, sisters are
    joined (`JoinSisters`), and clusters of 3 samples up to the share `max_share` of the class are candidates. A
    candidate is kept if

    - its recovery is at least 0.75: the mean largest Jaccard index over `resamplings` subsamples (Hennig 2007);
    - its effect is larger than the largest of all candidates in every one of the `surrogates`, in which the same search
      is made: p = 1/(1 + surrogates) for the class as a whole. Surrogates are drawn from the class without all
      candidates of that recovery, because those of a class with a cluster have its values and correlations.

    The effect is Glass's delta (1976), (m_in - m_out)/s_out, of the samples projected on the difference of the mean
    features inside and outside. The projection of a member is that on the difference without itself, so that a cluster
    that was found by its own noise has no effect. s_out is the standard deviation of the rest of the class.

    Parameters
    ----------
    n_clusters : tuple of int, default (16, 30)
        The numbers of clusters k of k-means, fewer for fewer than 4 k samples.
    max_share : float, default 0.1
        The largest share of the class that is called small, between 0 and 1.
    resamplings : int, default 10
        The number of subsamples, each 80 % of the class.
    surrogates : int, default 19
        The number of surrogates; fewer are made if an early one shows that no candidate can be kept.
    resolutions : tuple of float, default ()
        Resolutions of `Leiden` on the graph of 10 neighbors, each greater than 0; its clusters are candidates as well.

    Raises
    ------
    InputError
        A parameter is out of range.
    MissingExtraError
        There are resolutions, and graspologic-native is not installed, when it is called.
    """

    n_clusters: tuple[int, ...] = (16, 30)
    max_share: float = 0.1
    resamplings: int = 10
    surrogates: int = 19
    resolutions: tuple[float, ...] = ()

    seeded = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_clusters", tuple(self.n_clusters))
        if not self.n_clusters or min(self.n_clusters) < 2:
            raise InputError(f"SmallClusters needs numbers of clusters of at least 2, got {self.n_clusters}.")
        object.__setattr__(self, "resolutions", tuple(self.resolutions))
        if not all(0 < resolution < np.inf for resolution in self.resolutions):
            raise InputError(f"SmallClusters: every resolution must be positive, got {self.resolutions}.")
        if not 0 < self.max_share < 1:
            raise InputError(f"SmallClusters: max_share must be between 0 and 1, got {self.max_share}.")
        if self.resamplings < 1 or self.surrogates < 1:
            raise InputError(f"SmallClusters needs at least one resampling and one surrogate, got {self}.")

    def __call__(self, features: NDArray[np.floating], *, seed: int) -> SmallClusterSearch:
        candidates = list(self._list_candidates(features, seed))
        found = [one for one in self._with_recovery(features, candidates, seed) if one.recovery >= _STABLE]
        if not found:
            return SmallClusterSearch((), np.empty(0), len(candidates))
        rest = np.delete(features, np.unique(np.concatenate([one.members for one in found])), axis=0)
        null = self._compute_null(rest, max(one.effect for one in found), seed)
        kept = [one for one in found if one.effect > null.max()]
        return SmallClusterSearch(_leave_out_overlapping(kept), null, len(candidates))

    def _compute_null(self, rest: NDArray[np.floating], largest: float, seed: int) -> NDArray[np.float64]:
        """Return the largest effect in each surrogate; no more are made once one is as large as the `largest` found."""
        null: list[float] = []
        for draw in CopulaSurrogates(self.surrogates)(rest, seed=seed):
            candidates = self._list_candidates(draw, seed + len(null) + 1)
            null.append(max((one.effect for one in candidates), default=0.0))
            if null[-1] >= largest:
                break
        return np.array(null)

    def _list_candidates(self, features: NDArray[np.floating], seed: int) -> Iterator[SmallCluster]:
        largest = self.max_share * len(features)
        for clustering in self._list_clusterings(len(features)):
            labels = overcluster(features, clustering, seed)
            k = clustering.n_clusters if isinstance(clustering, ByKMeans) else int(labels.max()) + 1
            effects = compute_effects(features, labels)
            for number, size in enumerate(np.bincount(labels)):
                if MIN_SIZE <= size <= largest:
                    yield SmallCluster(np.flatnonzero(labels == number), float(effects[number]), 0.0, k, clustering)

    def _list_clusterings(self, samples: int) -> list[OverClustering]:
        if samples < 8:
            return []
        numbers = sorted({min(k, samples // 4) for k in self.n_clusters})
        return [*map(ByKMeans, numbers), *map(ByLeiden, self.resolutions)]

    def _with_recovery(
        self, features: NDArray[np.floating], found: list[SmallCluster], seed: int
    ) -> Iterator[SmallCluster]:
        """Yield the clusters with their recovery."""
        rng = np.random.default_rng(seed)
        kept = round(_SUBSAMPLE * len(features))
        subsamples = [np.sort(rng.choice(len(features), kept, replace=False)) for _ in range(self.resamplings)]
        for clustering in dict.fromkeys(one.found_by for one in found):
            own = [one for one in found if one.found_by == clustering]
            labels = [overcluster(features[rows], clustering, seed + run) for run, rows in enumerate(subsamples, 1)]
            for one in own:
                inside = np.isin(np.arange(len(features)), one.members) - 1
                recovery = [
                    compute_recovery(inside[rows], clusters, 1)[0]
                    for rows, clusters in zip(subsamples, labels, strict=True)
                ]
                yield replace(one, recovery=finite_mean(np.array(recovery)) or 0.0)


def compute_effects(features: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the effect of each cluster in `labels` (N,) against the rest, as `SmallClusters` defines it.

    NaN for a cluster of one sample, or of all.
    """
    centered = features - features.mean(axis=0, dtype=np.float64)
    one_hot = np.eye(labels.max() + 1)[labels]
    sizes = one_hot.sum(axis=0)
    others = len(labels) - sizes
    with np.errstate(invalid="ignore", divide="ignore"):
        # The mean of the rest is -n/(N - n) times that inside, because the mean of all is 0.
        products = centered @ (one_hot.T @ centered / sizes[:, None]).T
        outside = (1 + sizes / others) * products
        without_self = (sizes * products - np.square(centered).sum(axis=1)[:, None]) / (sizes - 1)
        inside = without_self + sizes / others * products
        rest = 1 - one_hot
        mean_in, mean_out = (one_hot * inside).sum(axis=0) / sizes, (rest * outside).sum(axis=0) / others
        spread = np.sqrt((rest * np.square(outside - mean_out)).sum(axis=0) / others)
        effects: NDArray[np.float64] = (mean_in - mean_out) / spread
    return effects


def _leave_out_overlapping(found: list[SmallCluster]) -> tuple[SmallCluster, ...]:
    """Sort by effect, the largest first, and leave out clusters that share a sample with an earlier one."""
    kept: list[SmallCluster] = []
    for one in sorted(found, key=lambda each: -each.effect):
        if not any(np.isin(one.members, other.members).any() for other in kept):
            kept.append(one)
    return tuple(kept)
