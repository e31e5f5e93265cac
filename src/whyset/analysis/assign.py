"""Assignment of new samples to clusters and positions in a finished analysis, which stays unchanged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whyset.analysis.data_issues import refuse_non_finite
from whyset.analysis.groups import find_explained, get_classes
from whyset.analysis.maps import class_features, get_prepared_shape
from whyset.analysis.pipelines import Spray
from whyset.analysis.pipelines.pipeline import UNJOINED
from whyset.analysis.pipelines.serialization import processor_from_dict
from whyset.analysis.processors import Affinity, Distance
from whyset.analysis.processors.clustering import NOISE
from whyset.errors import InputError
from whyset.store import Analysis, Category, Run, open_run
from whyset.store.remote import AnyPath

_BLOCK_VALUES = 8_000_000  # distances in memory at once
_SMALLEST = 1e-6  # of the eigenvalues that are used as divisors


@dataclass(frozen=True)
class Assignment:
    """Clusters and positions of new samples of one class, in the order of `index`.

    Parameters
    ----------
    category : str
        The id of the class.
    index : array (m,)
        The rows of the samples in the run, or the numbers that were passed.
    clusters : dict of arrays (m,)
        The clusters by the name of the clustering; -1 is noise.
    positions : dict of arrays (m, d)
        The positions by the name of the embedding.
    nearest : array (m,)
        The row of the nearest sample of the class.
    strangeness : array (m,)
        The distance to the nearest sample, divided by the median distance of the samples of the class to their last
        neighbor: a sample with a value well above 1 is unlike all that were analyzed.
    """

    category: str
    index: NDArray[np.int64]
    clusters: Mapping[str, NDArray[np.int32]]
    positions: Mapping[str, NDArray[np.float32]]
    nearest: NDArray[np.int64]
    strangeness: NDArray[np.float64]


@dataclass(frozen=True)
class FinishedClass:
    """A finished class to which new samples can be assigned; `FinishedClass.of` reads it from a run.

    Parameters
    ----------
    category : Category
        The class in the analysis.
    spray : Spray
        The configuration of the analysis.
    distance : Distance
        The distance of features.
    features : array (N, D)
        The features of the samples of the class.
    """

    category: Category
    spray: Spray
    distance: Distance
    features: NDArray[np.float32]

    @classmethod
    def of(cls, run: Run, analysis: Analysis, key: str) -> "FinishedClass":
        """Compute the features of the samples of a class again. InputError: the class has no result."""
        category, spray = analysis.category(key), get_spray(analysis)
        if category.problem or category.evidence.problem:
            raise InputError(f"{category.name!r} has no result: {category.problem or category.evidence.problem}")
        if "degree" not in category.columns:
            raise InputError(f"Analysis {analysis.name!r} comes from an earlier version: analyze again, then assign.")
        index = np.asarray(category.column("index"))
        features = class_features(run, spray, category.id, index)
        maps = spray.metric.needs_shape
        distance = spray.metric.for_maps(get_prepared_shape(run, spray, int(index[0]))) if maps else spray.metric
        return cls(category, spray, distance, features)

    def __call__(self, features: NDArray[np.floating], index: NDArray[np.int64] | None = None) -> Assignment:
        """Assign new features (m, D); `index` (m,) holds their numbers, by default 0, 1, 2, ...

        A new sample is joined to the graph like the old ones, W(x, i) = (A(x, i) + A(i, x))/2. Its spectral position is
        the Nyström extension y = W̃(x, ·)U/λ (Bengio et al. 2004), which reproduces the eigenvectors for the samples of
        the class. Other positions are means over the joined samples, weighted by W. In k-means the cluster is that with
        the nearest mean; in other clusterings that with the largest weight, where noise counts like a cluster. A sample
        without a nonzero weight is noise in every clustering.
        """
        features = np.asarray(features)
        if features.ndim != 2 or not len(features) or features.shape[1] != self.features.shape[1]:
            raise InputError(f"Expected features of shape (m, {self.features.shape[1]}), got {features.shape}.")
        index = np.arange(len(features)) if index is None else index
        refuse_non_finite(features, index)
        weights, nearest, distance = self._join(features)
        spectral = self._extend(weights)
        evidence = self.category.evidence
        positions = {
            name: spectral if name == "spectral" else self._average(weights, f"embedding.{name}")
            for name in evidence.embeddings
        }
        clusters = {name: self._cluster(name, weights, spectral) for name in evidence.clusterings}
        reach = float(np.median(self.category.column("reach")))
        own = np.asarray(self.category.column("index"))
        strangeness = distance / (reach or 1.0)
        return Assignment(self.category.id, index, clusters, positions, own[nearest], strangeness)

    def _join(self, features: NDArray[np.floating]) -> tuple[csr_array, NDArray[np.int64], NDArray[np.float64]]:
        """Return W (m, N), the nearest sample of the class and the distance to it."""
        graph = self.category.evidence.graph
        affinity, k = processor_from_dict(graph.affinity), graph.n_neighbors
        assert isinstance(affinity, Affinity) and k is not None, "stored together with `degree`"  # noqa: PT018
        reach = np.asarray(self.category.column("reach"))
        step = max(1, _BLOCK_VALUES // max(self.features.shape))
        parts = [
            _rows(self.distance.between(features[start : start + step], self.features), affinity, k, reach)
            for start in range(0, len(features), step)
        ]
        rows, columns, weights, nearest, distance = (
            np.concatenate(part) for part in zip(*_number_rows(parts), strict=True)
        )
        shape = (len(features), len(self.features))
        return csr_array((weights, (rows, columns)), shape=shape), nearest, distance

    def _extend(self, weights: csr_array) -> NDArray[np.float32]:
        values = np.asarray(self.category.column("eigenvalues"))
        vectors = np.asarray(self.category.column("embedding.spectral"), np.float64)
        steps = self.spray.laplacian.steps(weights, np.asarray(self.category.column("degree")))
        inverse = np.divide(1, values, out=np.zeros_like(values), where=values > _SMALLEST)
        extended: NDArray[np.float32] = ((steps @ vectors) * inverse).astype(np.float32)
        return extended

    def _average(self, weights: csr_array, column: str) -> NDArray[np.float32]:
        total = weights.sum(axis=1)[:, None]
        sums = weights @ np.asarray(self.category.column(column), np.float64)
        means: NDArray[np.float32] = (sums / np.where(total == 0, 1.0, total)).astype(np.float32)
        return means

    def _cluster(self, name: str, weights: csr_array, spectral: NDArray[np.float32]) -> NDArray[np.int32]:
        labels = np.asarray(self.category.column(f"clustering.{name}"))
        if name.startswith("kmeans"):
            nearest = self._nearest_mean(name, labels, spectral)
            return np.where(weights.sum(axis=1) > 0, nearest, np.int32(NOISE))
        votes = csr_array((np.ones(len(labels)), (np.arange(len(labels)), labels + 1)))
        return np.asarray((weights @ votes).toarray().argmax(axis=1) - 1, np.int32)

    def _nearest_mean(self, name: str, labels: NDArray[np.int32], spectral: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the cluster with the nearest mean, before clusters were joined, by its number now."""
        column = f"{UNJOINED}.{name}"
        before = np.asarray(self.category.column(column)) if column in self.category.columns else labels
        k = int(before.max()) + 1
        old = _unit(np.asarray(self.category.column("embedding.spectral"), np.float64)[:, :k])
        means = np.stack([old[before == cluster].mean(axis=0) for cluster in range(k)])
        apart = ((_unit(spectral[:, :k].astype(np.float64))[:, None] - means) ** 2).sum(axis=2)
        now = np.array([labels[before == cluster][0] for cluster in range(k)], np.int32)
        return np.asarray(now[apart.argmin(axis=1)], np.int32)


def assign(run: Run | str | AnyPath, analysis: str = "spray", rows: Sequence[int] | None = None) -> list[Assignment]:
    """Assign rows of a run to the clusters of a finished analysis, without analyzing a class again.

    Constant maps are left out.

    Parameters
    ----------
    run : Run, str or path
        A run, its folder or its URL.
    analysis : str, default "spray"
        The name of the analysis.
    rows : sequence of int, optional
        The rows to assign. By default all explained rows of a class that the analysis does not contain, such as those
        committed later.

    Returns
    -------
    list of Assignment
        One for each class with such rows.

    Raises
    ------
    InputError
        A row belongs to a class without a result.

    Examples
    --------
    >>> for placed in assign("runs/cifar", "spray"):                             # doctest: +SKIP
    ...     print(placed.category, placed.index, placed.clusters["kmeans"])
    """
    run = (run if isinstance(run, Run) else open_run(run)).thoroughly()
    found = run.analysis(analysis)
    wanted = _rows_without(run, found) if rows is None else np.asarray(rows, np.int64)
    if not len(wanted):
        return []
    classes = get_classes(run, wanted, get_spray(found).group_by)
    numbers = np.unique(classes) if rows is not None else np.unique(classes[classes >= 0])
    placed = (_assign_class(run, found, f"{number:05d}", wanted[classes == number]) for number in numbers)
    return [one for one in placed if one is not None]


def get_spray(analysis: Analysis) -> Spray:
    """Return the configuration of an analysis."""
    spray = processor_from_dict(analysis.config.get("pipeline"), Spray)
    if not isinstance(spray, Spray):
        raise InputError(f"Analysis {analysis.name!r} was not made by Spray: new samples cannot be assigned to it.")
    return spray


def _assign_class(run: Run, analysis: Analysis, category: str, rows: NDArray[np.int64]) -> Assignment | None:
    """Assign rows of one class; None if all their maps are constant."""
    place = FinishedClass.of(run, analysis, category)
    features = class_features(run, place.spray, category, rows)
    refuse_non_finite(features, rows)
    usable = np.ptp(features, axis=1) > 0
    return place(features[usable], rows[usable]) if usable.any() else None


def _rows_without(run: Run, analysis: Analysis) -> NDArray[np.int64]:
    """Return the explained rows that no class of the analysis contains, including constant maps."""
    held = [np.asarray(category.column("index")) for category in analysis.categories if "index" in category.columns]
    return np.setdiff1d(find_explained(run), np.concatenate([np.empty(0, np.int64), *held]))


def _rows(
    distances: NDArray[np.float64], affinity: Affinity, k: int, reach: NDArray[np.float64]
) -> tuple[NDArray[Any], ...]:
    """Return the entries of W for new rows with distances (m, N): rows, columns, weights, nearest, distance."""
    order = np.argpartition(distances, k - 1, axis=1)[:, :k]
    outgoing = np.zeros(distances.shape, bool)
    np.put_along_axis(outgoing, order, True, axis=1)
    incoming = distances <= reach * (1 + 1e-9)  # the last bits depend on the order of summation
    rows, columns = np.nonzero(outgoing | incoming)
    share = (outgoing[rows, columns] + incoming[rows, columns].astype(float)) / 2
    weights = share * affinity.weights(distances[rows, columns])
    return rows, columns, weights, distances.argmin(axis=1), distances.min(axis=1)


def _number_rows(parts: list[tuple[NDArray[Any], ...]]) -> list[tuple[NDArray[Any], ...]]:
    """Number the rows of all parts consecutively."""
    starts = np.cumsum([0, *(len(part[3]) for part in parts[:-1])])
    return [(part[0] + start, *part[1:]) for start, part in zip(starts, parts, strict=True)]


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float64] = rows / np.where(length == 0, 1.0, length)
    return unit
