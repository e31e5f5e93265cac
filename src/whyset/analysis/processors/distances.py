"""Distances between feature vectors."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError

Rows = NDArray[np.floating]
Distances = NDArray[np.float64]


class Distance(Processor):
    """Base of the distances: called with features (N, D), it returns all distances, (N, N), in float64.

    A subclass defines `between`. If the distance is a monotonic function of the Euclidean distance of some other rows,
    `euclidean_rows` returns these and `from_euclidean` the distance, and the fast search for neighbors is used.
    """

    needs_shape: ClassVar[bool] = False

    def __call__(self, features: Rows) -> Distances:
        return self.between(features, features)

    def between(self, some: Rows, others: Rows) -> Distances:
        """Return the distances (n, m) of rows (n, D) to other rows (m, D)."""
        return self.from_euclidean(
            cdist(_wide(self.euclidean_rows(some)), _wide(self.euclidean_rows(others)), "euclidean")
        )

    def euclidean_rows(self, features: Rows) -> Rows | None:
        """Return rows, each computed from its own features, whose Euclidean distances have the same order."""
        return None

    def from_euclidean(self, distances: Distances) -> Distances:
        return distances

    def for_maps(self, shape: tuple[int, ...]) -> "Distance":
        """Return the distance for features that are flattened maps of this shape."""
        return self


@dataclass(frozen=True)
class Euclidean(Distance):
    """√Σ(x - y)²."""

    def euclidean_rows(self, features: Rows) -> Rows:
        return features


@dataclass(frozen=True)
class Cosine(Distance):
    """1 - xy/(‖x‖‖y‖), half the squared Euclidean distance of rows of unit length; undefined for zero rows."""

    def euclidean_rows(self, features: Rows) -> Rows:
        length = np.sqrt(np.einsum("nd,nd->n", features, features, dtype=np.float64))
        _require_positive(length, "the cosine distance is undefined for a row of zeros")
        unit: Rows = (features / length[:, None]).astype(features.dtype)
        return unit

    def from_euclidean(self, distances: Distances) -> Distances:
        return distances**2 / 2


@dataclass(frozen=True)
class Correlation(Cosine):
    """1 - the correlation of two rows: the cosine distance of rows minus their mean."""

    def euclidean_rows(self, features: Rows) -> Rows:
        centered = (features - features.mean(axis=1, keepdims=True, dtype=np.float64)).astype(features.dtype)
        _require_positive(np.ptp(features, axis=1), "the correlation distance is undefined for a constant row")
        return super().euclidean_rows(centered)


@dataclass(frozen=True)
class Cityblock(Distance):
    """Σ|x - y|."""

    def between(self, some: Rows, others: Rows) -> Distances:
        found: Distances = cdist(_wide(some), _wide(others), "cityblock")
        return found


def _wide(rows: Rows | None) -> Distances:
    assert rows is not None, "a distance defines `between`, or has Euclidean rows"
    return np.asarray(rows, np.float64)


def _require_positive(values: Rows, problem: str) -> None:
    bad = np.flatnonzero(~(values > 0))
    if len(bad):
        raise InputError(f"{problem}; there are {len(bad)} (the first: row {bad[0]}): leave them out.")
