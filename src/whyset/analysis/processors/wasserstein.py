"""Wasserstein distances of maps."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from whyset.analysis.processors.distances import Distance, Distances, Rows
from whyset.errors import InputError

_LARGEST = 144
"""Cells of a map: the linear program of a pair has the square of this number of unknowns."""


@dataclass(frozen=True)
class Wasserstein(Distance):
    """The exact 1-Wasserstein distance of |R|, normalized to a sum of 1 (Villani 2009, chapter 6).

    Without `shape` a row is a histogram over ordered cells one apart: W₁ = Σ|F_x - F_y|, F the running sums. With a
    `shape`, relevance moves in the plane, by the linear program of SciPy for each pair: for maps of up to 144 cells and
    a few hundred samples. `SlicedWasserstein` is for larger maps.

    Parameters
    ----------
    shape : tuple of int, optional
        The shape (H, W) of the flattened maps; an analysis sets it.

    Raises
    ------
    InputError
        Maps of this shape have more than 144 cells.
    """

    shape: tuple[int, int] | None = None

    needs_shape: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.shape is not None and self.shape[0] * self.shape[1] > _LARGEST:
            raise InputError(
                f"Wasserstein: maps of {self.shape[0]} x {self.shape[1]} are too large for exact transport (at most "
                f"{_LARGEST} cells): pool them to 12, or use SlicedWasserstein."
            )

    def for_maps(self, shape: tuple[int, ...]) -> "Wasserstein":
        return replace(self, shape=shape) if len(shape) == 2 else self

    def between(self, some: Rows, others: Rows) -> Distances:
        if self.shape is None:
            runs: Distances = cdist(_masses(some).cumsum(axis=1), _masses(others).cumsum(axis=1), "cityblock")
            return runs
        from scipy.stats import wasserstein_distance_nd

        places = _places(self.shape, some.shape[1])
        pairs = [(x, y) for x in _masses(some) for y in _masses(others)]
        found = [
            0.0 if np.array_equal(x, y) else wasserstein_distance_nd(places[x > 0], places[y > 0], x[x > 0], y[y > 0])
            for x, y in pairs
        ]
        return np.array(found).reshape(len(some), len(others))


@dataclass(frozen=True)
class SlicedWasserstein(Distance):
    """√ of the mean squared 2-Wasserstein distance of |R| along directions in the plane (Bonneel et al. 2015).

    Along one direction W₂² = ∫(F_x⁻¹ - F_y⁻¹)², evaluated at the middles of equal shares of relevance. It is thus the
    Euclidean distance of rows of directions · quantiles values. Nothing is random.

    Parameters
    ----------
    directions : int, default 16
        The number of directions, evenly spaced over half a turn.
    quantiles : int, default 64
        The number of equal shares of relevance, at least 2.
    shape : tuple of int, optional
        The shape (H, W) of the flattened maps; an analysis sets it.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    directions: int = 16
    quantiles: int = 64
    shape: tuple[int, int] | None = None

    needs_shape: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.directions < 1 or self.quantiles < 2:
            raise InputError(f"SlicedWasserstein needs directions >= 1 and quantiles >= 2, got {self}.")

    def for_maps(self, shape: tuple[int, ...]) -> "SlicedWasserstein":
        return replace(self, shape=shape) if len(shape) == 2 else self

    def euclidean_rows(self, features: Rows) -> Rows:
        if self.shape is None:
            raise InputError("SlicedWasserstein needs the shape (H, W) of the maps that were flattened.")
        places, masses = _places(self.shape, features.shape[1]), _masses(features)
        angles = np.pi * np.arange(self.directions) / self.directions
        rows = [self._quantiles(masses, places @ np.array([np.sin(a), np.cos(a)])) for a in angles]
        joined: Rows = np.hstack(rows) / np.sqrt(self.directions * self.quantiles)
        return joined

    def _quantiles(self, masses: NDArray[np.float64], along: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the quantiles of relevance along a direction, (N, quantiles)."""
        order = np.argsort(along, kind="stable")
        reached = masses[:, order].cumsum(axis=1)
        levels = (np.arange(self.quantiles) + 0.5) / self.quantiles
        last = len(along) - 1
        found = np.array([np.minimum(np.searchsorted(row, levels), last) for row in reached])
        reached_at: NDArray[np.float64] = along[order][found]
        return reached_at


def _masses(rows: Rows) -> NDArray[np.float64]:
    sizes = np.abs(rows.astype(np.float64))
    total = sizes.sum(axis=1, keepdims=True)
    if not (total > 0).all():
        raise InputError("The Wasserstein distance is undefined for a map without relevance: leave it out.")
    masses: NDArray[np.float64] = sizes / total
    return masses


def _places(shape: tuple[int, int], cells: int) -> NDArray[np.float64]:
    """Return (row, column) of every cell of a map, (H·W, 2)."""
    if shape[0] * shape[1] != cells:
        raise InputError(f"Expected features of maps of {shape[0]} x {shape[1]}, got {cells} values.")
    return np.indices(shape).reshape(2, -1).T.astype(np.float64)
