"""Separability: the distance of clusters relative to their width."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.clustering import Clustering
from whyset.errors import InputError


@dataclass(frozen=True)
class Separability(Processor):
    """Compute the largest eigenvalue of (S_w + εI)⁻¹ S_b, Fisher's discriminant (Fisher 1936), of a clustering.

    With N_c samples around the mean μ_c in cluster c, the scatter inside and between clusters is S_w = 1/N Σ_c Σ_(i in
    c) (x_i - μ_c)(x_i - μ_c)ᵀ and S_b = 1/N Σ_c N_c (μ_c - μ)(μ_c - μ)ᵀ, in the space of the clustering. Noise takes no
    part; with fewer than two clusters the score is 0. Where clusters are separate components, S_w is 0 and the score is
    close to 1/ε times the variance between them. Anders et al. 2022 rank classes by such a score.

    Parameters
    ----------
    epsilon : float, default 1e-3
        Regularization ε, greater than 0; rows have length 1, so it is on the scale of 1.

    Raises
    ------
    InputError
        `epsilon` is not positive.
    """

    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        if not self.epsilon > 0:
            raise InputError(f"Separability: epsilon must be positive, got {self.epsilon}.")

    def __call__(self, clustering: Clustering) -> float:
        return self.of(clustering.coordinates, clustering.labels)

    def one_against_rest(self, clustering: Clustering) -> list[float]:
        """Return the score of each cluster against all other samples in clusters."""
        labels = clustering.labels
        return [
            self.of(clustering.coordinates, np.where(labels < 0, labels, labels == cluster))
            for cluster in range(len(clustering.sizes))
        ]

    def of(self, coordinates: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
        """Return the score of `labels` (N,), -1 for noise, among `coordinates` (N, k)."""
        inside = coordinates[labels >= 0].astype(np.float64)
        names, members = np.unique(labels[labels >= 0], return_inverse=True)
        if len(names) < 2:
            return 0.0
        one_hot = np.eye(len(names))[members]
        sizes = one_hot.sum(axis=0)
        means = one_hot.T @ inside / sizes[:, None]
        spread = inside - means[members]
        apart = (means - inside.mean(axis=0)) * np.sqrt(sizes)[:, None]
        within = spread.T @ spread / len(inside) + self.epsilon * np.eye(inside.shape[1])
        between = apart.T @ apart / len(inside)
        last = inside.shape[1] - 1
        return max(0.0, float(eigh(between, within, eigvals_only=True, subset_by_index=(last, last))[0]))
