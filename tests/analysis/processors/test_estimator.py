import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import cluster, decomposition, manifold, mixture
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import adjusted_rand_score

from whyset.analysis import KMeans, Memo, Spray
from whyset.analysis.pipelines.pipeline import step_seed
from whyset.analysis.pipelines.serialization import processor_from_dict
from whyset.analysis.processors.clustering import spectral_coordinates
from whyset.errors import InputError

RNG = np.random.default_rng(0)
FEATURES = (RNG.normal(size=(60, 8)) + 0.5 * (np.arange(60) % 3)[:, None]).astype(np.float32)
SPRAY = {"n_neighbors": 5, "eigenvectors": 12, "embeddings": {"isomap": manifold.Isomap(n_neighbors=7)}}


@pytest.mark.parametrize(
    "estimator",
    [cluster.AgglomerativeClustering(3), cluster.Birch(n_clusters=3), mixture.GaussianMixture(3)],
    ids=lambda part: type(part).__name__,
)
def test_a_clusterer_gives_what_scikit_learn_gives(estimator: Any) -> None:
    spray = Spray(**SPRAY, clusterings={"given": estimator})
    results = spray.pipeline().run({"features": FEATURES}, seed=5)
    oracle = clone(estimator)
    if hasattr(oracle, "random_state"):
        oracle.set_params(random_state=step_seed(5, "clustering.given"))
    rows = spectral_coordinates(results["spectrum"], 3)
    found = results["clustering.given"]
    assert adjusted_rand_score(oracle.fit_predict(rows), found.labels) == 1
    assert (found.sizes[0], found.selected_by) == (found.sizes.max(), "given")
    assert getattr(estimator, "random_state", None) is None


@pytest.mark.parametrize(
    "estimator",
    [manifold.Isomap(n_neighbors=7), decomposition.FastICA(2), manifold.SpectralEmbedding(n_neighbors=9)],
    ids=lambda part: type(part).__name__,
)
def test_an_embedding_gives_what_scikit_learn_gives(estimator: Any) -> None:
    spray = Spray(n_neighbors=5, eigenvectors=12, embeddings=(estimator,))
    name = type(estimator).__name__.lower()
    results = spray.pipeline().run({"features": FEATURES}, seed=5)
    oracle = clone(estimator)
    if hasattr(oracle, "random_state"):
        oracle.set_params(random_state=step_seed(5, f"embedding.{name}"))
    np.testing.assert_array_equal(results[f"embedding.{name}"], oracle.fit_transform(FEATURES).astype(np.float32))


def test_an_estimator_is_stored_with_all_its_parameters_and_made_again() -> None:
    spray = Spray(**SPRAY, clusterings=(KMeans(), cluster.AgglomerativeClustering(n_clusters=3)))
    stored = json.loads(json.dumps(spray.to_dict()))
    assert processor_from_dict(stored, Spray) == spray
    (_, form) = stored["fields"]["clusterings"]
    assert form["fields"]["estimator"] == "sklearn.cluster:AgglomerativeClustering"
    given = cluster.AgglomerativeClustering(n_clusters=3).get_params()
    assert dict(form["fields"]["parameters"]) == given


def test_the_memo_tells_parameters_apart(tmp_path: Any) -> None:
    parts = [Spray(**SPRAY, clusterings=(cluster.Birch(n_clusters=k),)).clusterings[0] for k in (2, 3, 3)]
    first, other, same = (Memo(tmp_path).step_key(part, ["a"], {"seed": 0}) for part in parts)
    assert first != other == same


class Mine(BaseEstimator):
    def fit_predict(self, rows: np.ndarray) -> np.ndarray:
        return np.zeros(len(rows), int)


class AgglomerativeClustering(cluster.AgglomerativeClustering):
    __module__ = "sklearn.cluster"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Spray(clusterings=(Mine(),)), "is not an estimator of sklearn.cluster"),
        (lambda: Spray(clusterings=(AgglomerativeClustering(),)), "is not scikit-learn's"),
        (lambda: Spray(clusterings=(cluster.BisectingKMeans,)), "holds processors and scikit-learn estimators"),
        (lambda: Spray(clusterings=(manifold.MDS(),)), "has no method fit_predict"),
        (lambda: Spray(clusterings=(cluster.Birch(n_clusters=cluster.KMeans()),)), "another estimator in n_clusters"),
        (lambda: Spray(clusterings=(cluster.DBSCAN(metric=max),)), "DBSCAN.metric holds"),
        (lambda: Spray(preprocessing=(decomposition.PCA(),)), "each sample alone"),
        (lambda: Spray(clusterings={"a/b": cluster.Birch()}), "letters, digits"),
        (lambda: Spray(clusterings={"kmeans-3": cluster.Birch()}), "name of k-means"),
        (lambda: Spray(clusterings={"other": KMeans()}), "cannot be called 'other'"),
        (lambda: Spray(clusterings=(cluster.Birch(n_clusters=99),)), "99 clusters need 99 eigenvectors"),
    ],
)
def test_what_cannot_be_stored_or_run_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("name", ["os:system", "sklearn.datasets:load_digits", "sklearn.cluster:k_means", "sklearn:x"])
def test_a_stored_name_imports_nothing_but_estimators(name: str) -> None:
    with pytest.raises(InputError, match="is not an estimator"):
        processor_from_dict({"name": "ClusteringEstimator", "fields": {"estimator": name}})


def test_a_stored_parameter_that_scikit_learn_does_not_have_is_refused() -> None:
    fields = {"estimator": "sklearn.cluster:Birch", "parameters": [["nothing", 1]]}
    with pytest.raises(InputError, match="no parameter nothing"):
        processor_from_dict({"name": "ClusteringEstimator", "fields": fields})
