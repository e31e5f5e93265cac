"""The null of the separability: one group along a segment, with a neighbor graph like that of the class."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.affinity import Affinity, SymmetricNeighbors
from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.neighbors import KNearestNeighbors, Neighbors
from whyset.analysis.scores.bottleneck import Bottleneck, BottleneckOfGraph
from whyset.errors import InputError

_NOISE_DIMENSIONS = 50  # many, so that in noise alone the neighbors of a point have little in common
_WIDEST = 1.0  # standard deviation of the noise in each dimension, which hides a segment of length 1
_FIT_DRAWS = 3
_FIT_STEPS = 8  # of bisection, which determine the noise within 4 % for a thousand samples


@dataclass(frozen=True)
class Segment(Processor):
    """Draw bottlenecks of one group: points on a segment with noise, whose graph is nearly as wide as that of a class.

    Of all data in one group, a curve has the deepest bottlenecks by chance, since few edges cross any of its points,
    and noise in many dimensions the least deep. This null has both as limits. A point is (u, σz), u uniform in [0, 1]
    and z standard normal in 50 dimensions; σ is found by bisection so that the median width (see `Bottleneck`) of three
    graphs is `relative_width` times that of the class. It is below 1 because skewed features, with equal widths, have
    deeper bottlenecks than this null (docs/scores.md). Neighbors, affinity and bottleneck are computed as those of the
    class. Where the affinity has a given width, distances matter: those to the last neighbor are given the median of
    the class.

    Parameters
    ----------
    search : Processor, default KNearestNeighbors()
        The search for neighbors, with a Euclidean distance.
    affinity : Affinity, default SymmetricNeighbors()
        The affinity of the class.
    bottleneck : Bottleneck, default Bottleneck()
        The statistic.
    relative_width : float, default 0.75
        The width of the graphs relative to that of the class, greater than 0; p is larger for a smaller one.

    Raises
    ------
    InputError
        `relative_width` is not positive.
    """

    search: Processor = field(default_factory=KNearestNeighbors)
    affinity: Affinity = field(default_factory=SymmetricNeighbors)
    bottleneck: Bottleneck = field(default_factory=Bottleneck)
    relative_width: float = 0.75

    seeded = True

    def __post_init__(self) -> None:
        if not self.relative_width > 0:
            raise InputError(f"Segment: relative_width must be positive, got {self.relative_width}.")

    def __call__(self, neighbors: Neighbors, width: float, *, seed: int) -> Iterator[float]:
        """Yield depths of bottlenecks without end, for a class with these neighbors and a graph of this width."""
        fits, draws = np.random.SeedSequence(seed).spawn(2)
        noise = self.fit_noise(neighbors, self.relative_width * width, fits)
        while True:
            yield self.draw(neighbors, noise, draws.spawn(1)[0]).depth

    def fit_noise(self, neighbors: Neighbors, width: float, seeds: np.random.SeedSequence) -> float:
        """Return the σ from 0 to 1 for which graphs have the median `width`, or the nearest one if none has."""
        children = seeds.spawn(_FIT_DRAWS)

        def is_too_wide(noise: float) -> bool:
            return float(np.median([self.draw(neighbors, noise, child).width for child in children])) > width

        low, high = 0.1 / len(neighbors.indices), _WIDEST  # less noise than a tenth of the spacing changes no neighbor
        if is_too_wide(low):
            return 0.0
        if not is_too_wide(high):
            return high
        for _ in range(_FIT_STEPS):
            middle = float(np.sqrt(low * high))
            low, high = (low, middle) if is_too_wide(middle) else (middle, high)
        return low

    def draw(self, neighbors: Neighbors, noise: float, child: np.random.SeedSequence) -> BottleneckOfGraph:
        """Measure one graph; the same `child` gives the same points and noise, scaled by `noise`."""
        rng = np.random.default_rng(child)
        samples = len(neighbors.indices)
        position = rng.random((samples, 1), np.float32)
        around = rng.standard_normal((samples, _NOISE_DIMENSIONS), np.float32)
        seed = int(rng.integers(2**31))
        found = self._search(np.hstack([position, np.float32(noise) * around]), seed)
        found = replace(found, distances=found.distances * _ratio(neighbors.distances, found.distances))
        return self.bottleneck(self.affinity(found), seed=seed)

    def _search(self, rows: NDArray[np.float32], seed: int) -> Neighbors:
        given = {"seed": seed} if self.search.seeded else {}
        found: Neighbors = self.search(rows, **given)  # type: ignore[operator]  # each search has its own typed __call__
        return found


def _ratio(wanted: NDArray[np.float64], own: NDArray[np.float64]) -> float:
    """Return the ratio of the median distances to the last neighbor; 1 if that of the class is 0 (duplicates)."""
    return float(np.median(wanted[:, -1]) / np.median(own[:, -1])) or 1.0
