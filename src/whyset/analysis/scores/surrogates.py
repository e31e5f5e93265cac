"""The null of the separability: Gaussian noise with the covariance of the features."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError


@dataclass(frozen=True)
class GaussianSurrogates(Processor):
    """Draw `count` data sets of the same size from one Gaussian with the mean and covariance of the features.

    The labels of a clustering come from the data that they are scored on, so shuffling them tests nothing. A surrogate
    has the same directions of variance and no clusters; all steps, with the same choice of k, are repeated on it.

    The covariance is Ledoit and Wolf's (2004), (1 - a)S + a·tr(S)/D·I: with fewer samples than dimensions the plain S
    has too few directions, so its surrogates look more clustered than noise. Draws are made in principal coordinates,
    where the covariance is diagonal, and centered; the mean and the rotation back are left out, because Euclidean
    neighbors do not depend on them. Analyses use `CopulaSurrogates`: skewed features look clustered to this null
    (docs/scores.md).
    """

    count: int = 99

    seeded = True

    def __post_init__(self) -> None:
        if self.count < 0:
            raise InputError(f"GaussianSurrogates: count must be 0 or more, got {self.count}.")

    def __call__(self, features: NDArray[np.floating], *, seed: int) -> Iterator[NDArray[np.floating]]:
        deviations = principal_deviations(features).astype(features.dtype)
        for child in np.random.SeedSequence(seed).spawn(self.count):
            noise = np.random.default_rng(child).standard_normal(features.shape, dtype=features.dtype)
            yield noise * deviations


def principal_deviations(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the standard deviation along each of the D principal axes of the shrunk covariance, descending."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    n, dimensions = features.shape
    centered = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    gram = centered @ centered.T if n < dimensions else centered.T @ centered
    variances = np.zeros(dimensions)
    variances[: len(gram)] = np.maximum(np.linalg.eigvalsh(gram)[::-1], 0) / n
    shrinkage = float(ledoit_wolf_shrinkage(centered, assume_centered=True))
    deviations: NDArray[np.float64] = np.sqrt((1 - shrinkage) * variances + shrinkage * variances.mean())
    return deviations


def p_value(observed: float, under_null: NDArray[np.floating]) -> float:
    """Return (1 + #{null ≥ observed}) / (1 + B), which is never 0 (Phipson, Smyth 2010)."""
    return float((1 + np.count_nonzero(under_null >= observed)) / (1 + len(under_null)))
