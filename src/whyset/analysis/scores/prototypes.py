"""Prototypes of a class in the relevance of concepts (PCX; Dreyer et al. 2024, arXiv 2311.16681)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError


@dataclass(frozen=True)
class Prototypes:
    """A Gaussian mixture fitted to a class.

    For each of K components, the most frequent first: its share of the class (`weights` (K,)), `means` (K, channels)
    and the row of the `prototypes` (K,), the sample nearest the mean. For each sample: its component (`members` (N,)),
    and its `log_likelihood` (N,), which is low for outliers.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    prototypes: NDArray[np.int64]
    members: NDArray[np.int32]
    log_likelihood: NDArray[np.float64]

    def outliers(self, count: int = 8) -> NDArray[np.int64]:
        """Return the rows of the `count` least likely samples, the least likely first."""
        return np.argsort(self.log_likelihood, kind="stable")[:count]


@dataclass(frozen=True)
class GaussianPrototypes(Processor):
    """Fit a Gaussian mixture of `components` to the concept relevance (N, channels) of one class.

    p(ν) = Σ_k λ_k N(ν; μ_k, Σ_k). A prototype is the sample nearest its mean; a sample with a low p(ν) is predicted for
    other reasons than its class. `covariance` is "full" as in the paper, or "diag", which analyses use if a component
    has fewer samples than channels; `ridge` is added to its diagonal, relative to the mean variance.
    """

    components: int = 8
    covariance: str = "full"
    ridge: float = 1e-3

    seeded = True

    def __post_init__(self) -> None:
        if self.components < 1 or self.covariance not in ("full", "diag") or not self.ridge > 0:
            raise InputError(
                f'GaussianPrototypes needs components >= 1, covariance "full" or "diag" and a ridge > 0, got {self}.'
            )

    def __call__(self, concepts: NDArray[np.floating], *, seed: int) -> Prototypes:
        from sklearn.mixture import GaussianMixture

        rows = concepts.astype(np.float64)
        if len(rows) < 2 * self.components:
            raise InputError(f"{self.components} prototypes need {2 * self.components} explanations, got {len(rows)}.")
        scale = float(np.sqrt(rows.var(axis=0).mean())) or 1.0
        mixture = GaussianMixture(
            self.components, covariance_type=self.covariance, reg_covar=self.ridge, random_state=seed
        ).fit(rows / scale)
        order = np.argsort(-mixture.weights_, kind="stable")
        rank = np.argsort(order).astype(np.int32)
        means = mixture.means_[order] * scale
        # The density in the units of the relevance, not of the scaled rows.
        likelihood = mixture.score_samples(rows / scale) - rows.shape[1] * np.log(scale)
        return Prototypes(
            mixture.weights_[order], means, _nearest(rows, means), rank[mixture.predict(rows / scale)], likelihood
        )


def _nearest(rows: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the row nearest to each mean."""
    return np.array([int(np.square(rows - mean).sum(axis=1).argmin()) for mean in means], np.int64)
