"""The null of the separability: data like the features, but without clusters; and its p-value."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError


@dataclass(frozen=True)
class CopulaSurrogates(Processor):
    """Draw `count` data sets of the same size with the features' marginal distributions and a Gaussian copula.

    The labels of a clustering come from the data that they are scored on, so shuffling them tests nothing; all steps,
    with the same choice of k, are repeated on data without clusters instead. Normal scores z = Φ⁻¹((rank - ½)/N) of
    each feature have the covariance S, shrunk as by Ledoit and Wolf (2004); a surrogate draws g ~ N(0, (1 - a)S + aμI)
    and gives the i-th smallest g of a feature the i-th smallest of the feature's own values (Cario, Nelson 1997; for
    time series Theiler et al. 1992). Skewed and heavy-tailed features, as in normalized relevance, are thus kept, and
    so is the meaning of every distance; dependence beyond the correlation of ranks is removed.
    """

    count: int = 99

    seeded = True

    def __post_init__(self) -> None:
        if self.count < 0:
            raise InputError(f"CopulaSurrogates: count must be 0 or more, got {self.count}.")

    def __call__(self, features: NDArray[np.floating], *, seed: int) -> Iterator[NDArray[np.floating]]:
        if self.count == 0:
            return
        draw = _make_sampler(normal_scores(features))
        ordered = np.sort(features, axis=0)
        for child in np.random.SeedSequence(seed).spawn(self.count):
            ranks = draw(np.random.default_rng(child)).argsort(axis=0).argsort(axis=0)
            yield np.take_along_axis(ordered, ranks, axis=0)


def normal_scores(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return Φ⁻¹((rank - ½)/N) of each value in its feature (N, D); equal values have their mean rank."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    scores = np.empty(features.shape, np.float32)
    for column, values in enumerate(features.T):
        scores[:, column] = ndtri((rankdata(values) - 0.5) / len(values))
    scores -= scores.mean(axis=0)
    return scores


def _make_sampler(scores: NDArray[np.float32]) -> Callable[[np.random.Generator], NDArray[np.float32]]:
    """Return a function that draws N rows from N(0, (1 - a)S + aμI), with S = scoresᵀscores/N.

    W scores/√N with W standard normal (N, N) has the covariance S, so no D x D matrix is needed where N < D; where
    N is larger, the root of S takes the place of scores/√N.
    """
    from sklearn.covariance import ledoit_wolf_shrinkage

    n, dimensions = scores.shape
    shrinkage = float(ledoit_wolf_shrinkage(scores, assume_centered=True))
    mean_variance = float(np.square(scores).mean(dtype=np.float64))
    root = scores / np.sqrt(n) if n < dimensions else _root(scores.T @ scores / n)
    own, common = np.float32(np.sqrt(1 - shrinkage)), np.float32(np.sqrt(shrinkage * mean_variance))

    def draw(rng: np.random.Generator) -> NDArray[np.float32]:
        correlated = rng.standard_normal((n, len(root)), dtype=np.float32) @ root
        independent = rng.standard_normal((n, dimensions), dtype=np.float32)
        drawn: NDArray[np.float32] = own * correlated + common * independent
        return drawn

    return draw


def _root(covariance: NDArray[np.float32]) -> NDArray[np.float32]:
    values, vectors = np.linalg.eigh(covariance)
    root: NDArray[np.float32] = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    return root.astype(np.float32)


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
