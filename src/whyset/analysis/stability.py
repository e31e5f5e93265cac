"""Stability of clusters when some samples are left out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.pipelines.pipeline import Pipeline, step_seed
from whyset.analysis.scores.clusters import compute_recovery
from whyset.analysis.subsamples import SubsampleNeighbors
from whyset.errors import InputError


@dataclass(frozen=True)
class Stability:
    """Agreement of the clusterings of `runs` subsamples with that of all samples.

    `adjusted_rand` (runs,) is the adjusted Rand index (Hubert, Arabie 1985) over the subsample: 1 for the same
    clusters, 0 for chance. `recovery` (clusters,) is, for each cluster, the mean over runs of the largest Jaccard
    index with any cluster of the run (Hennig 2007); he calls a cluster dissolved below 0.5 and stable from 0.75. It is
    NaN for a cluster of which no subsample holds a sample.
    """

    adjusted_rand: NDArray[np.float64]
    recovery: NDArray[np.float64]

    @property
    def mean(self) -> float:
        return float(self.adjusted_rand.mean())


@dataclass(frozen=True)
class Resampling:
    """Run a pipeline again on `runs` subsamples without replacement, each a `share` of the samples.

    Subsamples (Ben-Hur, Elisseeff, Guyon 2002) are used instead of draws with replacement, in which a sample drawn
    twice is its own nearest neighbor, so that the neighbor graph has components that are not in the data. Neighbors are
    searched once, and those in each subsample taken from longer lists (`SubsampleNeighbors`), with the same result.
    """

    runs: int = 20
    share: float = 0.8

    def __post_init__(self) -> None:
        if self.runs < 1 or not 0.5 <= self.share < 1:
            raise InputError(f"Resampling needs runs >= 1 and a share in [0.5, 1), got {self}.")

    def __call__(
        self, features: NDArray[np.floating], labels: NDArray[np.integer], pipeline: Pipeline, result: str, *, seed: int
    ) -> Stability:
        """Compare `labels` (N,), found in `features` (N, D), with the clustering `result` of the pipeline's runs.

        Noise (-1) counts as one cluster in the Rand index and has no recovery.
        """
        from sklearn.metrics import adjusted_rand_score

        neighbors = SubsampleNeighbors.of(pipeline.until(result), features, self.share)
        rng = np.random.default_rng(step_seed(seed, "stability"))
        agreement, recovery = [], []
        for number in range(self.runs):
            rows = np.sort(rng.choice(len(features), round(self.share * len(features)), replace=False))
            chain, given = neighbors.prepare(rows)
            found: Any = chain.run({"features": features[rows]} | given, seed=seed + number)[result]
            agreement.append(adjusted_rand_score(labels[rows], found.labels))
            recovery.append(compute_recovery(labels[rows], found.labels, int(labels.max(initial=-1)) + 1))
        return Stability(np.array(agreement), np.ma.masked_invalid(recovery).mean(axis=0).filled(np.nan))
