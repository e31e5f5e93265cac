"""Locally linear embedding."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError


@dataclass(frozen=True)
class LLE(Processor):
    """Embed the samples in the plane, (N, 2), by locally linear embedding of the features (Roweis, Saul 2000).

    Each sample is written as a weighted sum of its neighbors, and the embedding keeps the weights. The solver is dense
    up to 600 samples, and Arnoldi iteration beyond.

    Parameters
    ----------
    n_neighbors : int, default 12
        The number of neighbors, at least 3; at most N - 1 are used.
    reg : float, default 1e-3
        Regularization of the weights, relative to the trace of the local covariance.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    n_neighbors: int = 12
    reg: float = 1e-3

    seeded = True
    inputs: ClassVar = ("features",)

    def __post_init__(self) -> None:
        if self.n_neighbors < 3 or not self.reg > 0:
            raise InputError(f"LLE needs n_neighbors >= 3 and reg > 0, got {self}.")

    @property
    def name(self) -> str:
        return "lle"

    def __call__(self, features: NDArray[np.floating], *, seed: int) -> NDArray[np.float32]:
        from sklearn.manifold import LocallyLinearEmbedding

        n = len(features)
        if n < 5:
            raise InputError(f"LLE needs at least 5 explanations, got {n}.")
        layout = LocallyLinearEmbedding(
            n_neighbors=min(self.n_neighbors, n - 1),
            n_components=2,
            reg=self.reg,
            eigen_solver="dense" if n <= 600 else "arpack",
            random_state=seed,
        )
        plane: NDArray[np.float32] = layout.fit_transform(features.astype(np.float64)).astype(np.float32)
        return plane
