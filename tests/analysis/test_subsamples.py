import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from whyset.analysis.pipelines import Pipeline, Spray, Step
from whyset.analysis.pipelines.pipeline import step_seed
from whyset.analysis.processors import (
    Cityblock,
    Correlation,
    Cosine,
    Distance,
    Euclidean,
    KMeans,
    KNearestNeighbors,
    Neighbors,
)
from whyset.analysis.processors.base import Processor
from whyset.analysis.scores.clusters import compute_recovery
from whyset.analysis.stability import Resampling
from whyset.analysis.subsamples import SubsampleNeighbors, select_neighbors

SPRAY = Spray(n_neighbors=6, eigenvectors=12, clusterings=(KMeans(n_init=3),))


def draw_rows(kind: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(120, 9)).astype(np.float32)
    if kind == "ties":
        return np.round(rows[:, :3]) + np.arange(3, dtype=np.float32)
    if kind == "duplicates":
        rows[40:80] = rows[40]
    if kind == "clusters":
        rows[:30] += 20
    return rows


@pytest.mark.parametrize(
    ("kind", "distance"),
    [
        *((kind, distance) for kind in ("noise", "clusters") for distance in (Cosine(), Correlation(), Cityblock())),
        # Equal distances of other kinds differ by rounding, and so does their order.
        *((kind, Euclidean()) for kind in ("noise", "clusters", "ties", "duplicates")),
    ],
    ids=lambda given: given if isinstance(given, str) else repr(given),
)
def test_the_neighbors_of_a_subsample_are_those_of_a_search_in_it(kind: str, distance: Distance) -> None:
    rows = draw_rows(kind)
    search = KNearestNeighbors(5, distance)
    pipeline = Pipeline("graph", (Step("neighbors", search, ("features",)),))
    longer = SubsampleNeighbors.of(pipeline, rows, 0.8)
    drawn = np.random.default_rng(1)
    for _ in range(5):
        chosen = np.sort(drawn.choice(120, 96, replace=False))
        _, given = longer.prepare(chosen)
        expected, found = search(rows[chosen]), given["neighbors"]
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-6, atol=1e-7)


def test_a_list_that_is_too_short_leads_to_a_search_in_the_subsample() -> None:
    longer = Neighbors(np.array([[1, 2], [0, 2], [3, 1], [2, 1]]), np.ones((4, 2)))
    found = select_neighbors(longer, np.array([1, 2, 3]), 1)
    assert found is not None
    np.testing.assert_array_equal(found.indices, [[1], [2], [1]])
    assert select_neighbors(longer, np.array([1, 2, 3]), 2) is None
    pipeline = SPRAY.pipeline()
    short = SubsampleNeighbors(pipeline, longer, 2)
    assert short.prepare(np.array([1, 2, 3])) == (pipeline, {})


class HalfTheSearch(Processor):
    """A search of neighbors by another class, of which nothing is known."""

    def __call__(self, features: np.ndarray) -> Neighbors:
        return KNearestNeighbors(3)(features[:, : features.shape[1] // 2])


def test_another_search_is_made_in_each_subsample() -> None:
    pipeline = Pipeline("other", (Step("neighbors", HalfTheSearch(), ("features",)),))
    assert SubsampleNeighbors.of(pipeline, draw_rows("noise"), 0.8).prepare(np.arange(90)) == (pipeline, {})


def test_the_stability_is_that_of_repeating_all_steps() -> None:
    rows = draw_rows("clusters")
    pipeline = SPRAY.pipeline()
    labels = pipeline.until("clustering.kmeans").run({"features": rows}, seed=3)["clustering.kmeans"].labels
    found = Resampling(6)(rows, labels, pipeline, "clustering.kmeans", seed=3)
    rng = np.random.default_rng(step_seed(3, "stability"))
    agreement, recovery = [], []
    for number in range(6):
        chosen = np.sort(rng.choice(120, 96, replace=False))
        again = pipeline.until("clustering.kmeans").run({"features": rows[chosen]}, seed=3 + number)
        own = again["clustering.kmeans"].labels
        agreement.append(adjusted_rand_score(labels[chosen], own))
        recovery.append(compute_recovery(labels[chosen], own, int(labels.max()) + 1))
    np.testing.assert_array_equal(found.adjusted_rand, agreement)
    np.testing.assert_allclose(found.recovery, np.mean(recovery, axis=0))
