"""The traps of this analysis: each was a silent wrong result somewhere. One test or more for each, by its name."""

import ast
import inspect
import textwrap
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import whyset as ws
from whyset.analysis import HDBSCAN, JoinSisters, KMeans, Memo, Pipeline, SmallClusters, Spray, Step
from whyset.analysis.data_issues import check_features, limit_neighbors
from whyset.analysis.memo_values import digest
from whyset.analysis.pipelines.serialization import get_known_processors
from whyset.analysis.processors import (
    PROCESSORS,
    UMAP,
    AbsoluteSum,
    ApproximateNeighbors,
    Cosine,
    KNearestNeighbors,
    Processor,
    RadialBasis,
    RandomWalkLaplacian,
    Spectrum,
    SymmetricNeighbors,
)
from whyset.analysis.scores import Bottleneck
from whyset.errors import InputError

NEEDED = {
    "Resize": {"height": 4, "width": 6},
    "ClusteringEstimator": {"estimator": "sklearn.cluster:Birch"},
    "EmbeddingEstimator": {"estimator": "sklearn.manifold:Isomap"},
}
FEATURES = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
OTHER_VALUES: dict[str, Any] = {
    "name": "other", "array": "concept/x", "group_by": "target", "preprocessing": (AbsoluteSum(),), "metric": Cosine(),
    "distance": Cosine(),
    "approximate_above": 5, "affinity": RadialBasis(2.0), "laplacian": RandomWalkLaplacian(),
    "ClusteringEstimator.estimator": "sklearn.cluster:DBSCAN", "EmbeddingEstimator.estimator": "sklearn.manifold:MDS",
    "ClusteringEstimator.parameters": (("n_clusters", 4),), "EmbeddingEstimator.parameters": (("n_neighbors", 4),),
    "label": "other", "Spray.n_clusters": replace(Spray().n_clusters, maximum=5),
    "clusterings": (HDBSCAN(),), "embeddings": (UMAP(),),
    "separability": replace(Spray().separability, epsilon=0.5), "filter": "box", "function": "max",
    "space": "features", "linkage": "single", "shape": (2, 2), "low": 0.0, "high": 1.0, "value_range": 2.0,
    "sigma": 3.0, "min_samples": 3, "n_clusters": 5, "stride": 3, "covariance": "diag", "device": "cpu",
    "min_cluster_size": 5, "SmallClusters.n_clusters": (4, 9), "sisters": JoinSisters(0.5),
    "small_clusters": SmallClusters(surrogates=5), "resolutions": (2.0,), "implementation": "opentsne",
    "search": KNearestNeighbors(4), "bottleneck": Bottleneck(4),
}  # fmt: skip


def parts() -> list[Processor]:
    known = {**get_known_processors(), "Spray": Spray}
    return [kind(**NEEDED.get(name, {})) for name, kind in sorted(known.items())]


# Eigenvalues taken from the wrong end of the spectrum


@pytest.mark.parametrize("dense_below", [3, 600])
def test_wrong_end_of_the_spectrum(dense_below: int) -> None:
    """A graph with edges only between two halves has a -λ for each λ: by magnitude, half would be wrong."""
    between = (np.random.default_rng(0).uniform(size=(40, 40)) < 0.2).astype(float)
    affinity = np.zeros((80, 80))
    affinity[:40, 40:], affinity[40:, :40] = between, between.T
    found = Spectrum(12, dense_below)(csr_array(affinity), seed=0)
    degree = affinity.sum(axis=1)
    whole = np.linalg.eigvalsh(affinity / np.sqrt(degree[:, None] * degree))
    assert whole[0] == pytest.approx(-1)
    np.testing.assert_allclose(found.eigenvalues, whole[::-1][:12], atol=1e-9)


# Memo keys that ignore some parameters, round numbers or collide


@pytest.mark.parametrize("part", parts(), ids=lambda part: type(part).__name__)
def test_memo_keys_cover_every_parameter(part: Processor, tmp_path: Path) -> None:
    memo, keys = Memo(tmp_path), []
    for field in fields(part):
        changed = _changed(part, field.name)
        if changed is not None:
            keys.append(memo.step_key(changed, ["a"], {"seed": 0}))
    keys += [memo.step_key(part, inputs, seed) for inputs in (["a"], ["b"], ["a", "b"]) for seed in ({}, {"seed": 1})]
    assert len(set(keys)) == len(keys)
    assert memo.step_key(part, ["a"], {}) == Memo(tmp_path).step_key(replace(part), ["a"], {})


def test_memo_keys_round_no_number_and_do_not_collide(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    close = [RadialBasis(value) for value in (0.1, np.nextafter(0.1, 1), 0.1 + 1e-12)]
    assert len({memo.step_key(part, ["a"], {}) for part in close}) == 3
    one_bit = FEATURES.copy()
    one_bit.view(np.uint32)[3, 4] ^= 1
    alike = [FEATURES, one_bit, FEATURES.T, FEATURES.reshape(8, 60), FEATURES.astype(np.float64), FEATURES[::-1]]
    assert len({memo.key(value) for value in alike}) == len(alike)
    nested = [Spectrum(laplacian=kind()) for kind in (PROCESSORS["SymmetricLaplacian"], RandomWalkLaplacian)]
    assert len({memo.step_key(part, ["a"], {}) for part in nested}) == 2


# Similarity used as distance


def test_similarity_is_not_used_as_distance() -> None:
    """Two far groups on a line: edges and large weights go inside a group, never between."""
    rows = np.concatenate([np.linspace(0, 1, 10), np.linspace(50, 51, 10)])[:, None]
    for affinity in (SymmetricNeighbors(), RadialBasis(1.0)):
        weights = affinity(KNearestNeighbors(4)(rows)).toarray()
        assert weights[:10, 10:].sum() == 0
        assert weights[0, 1] >= weights[0, 3] > 0


# Normalizing by a signed sum


def test_relevance_that_balances_to_zero_does_not_blow_up() -> None:
    maps = np.array([[[3.0, -3.0 + 1e-12], [1e-9, 0.0]]])
    assert abs(maps.sum()) < 1e-8
    assert np.abs(AbsoluteSum()(maps)).sum() == pytest.approx(1)


# Duplicates that become their own neighbors


@pytest.mark.parametrize("copies", [2, 12, 60])
def test_duplicates_are_not_their_own_neighbors(copies: int) -> None:
    rows = np.repeat(FEATURES[: 120 // copies], copies, axis=0)
    found = KNearestNeighbors(5)(rows)
    assert not (found.indices == np.arange(len(rows))[:, None]).any()
    assert SymmetricNeighbors()(found).diagonal().sum() == 0


# NaN passing through


def test_nan_does_not_pass_through() -> None:
    broken = FEATURES.copy()
    broken[7, 3] = np.nan
    with pytest.raises(InputError, match=r"rows 7\)"):
        check_features(broken, np.arange(60), 10)
    for part in (KNearestNeighbors(5), ApproximateNeighbors(5)):
        with pytest.raises(InputError, match="not finite"):
            part(broken, **({"seed": 0} if part.seeded else {}))


# The random-walk Laplacian given to a symmetric solver


def test_the_random_walk_laplacian_is_solved_through_the_symmetric_one() -> None:
    affinity = SymmetricNeighbors()(KNearestNeighbors(5)(FEATURES))
    matrix = RandomWalkLaplacian()(affinity).toarray()
    true = np.sort(np.linalg.eigvals(matrix).real)[:6]
    assert np.abs(np.linalg.eigvalsh(matrix)[:6] - true).max() > 1e-4  # what a symmetric solver makes of it
    np.testing.assert_allclose(
        1 - Spectrum(6, laplacian=RandomWalkLaplacian())(affinity, seed=0).eigenvalues, true, atol=1e-9
    )


# Parameters accepted and dropped


@pytest.mark.parametrize("part", parts(), ids=lambda part: type(part).__name__)
def test_every_parameter_is_read_by_the_code(part: Processor) -> None:
    """A field that no method reads cannot change anything."""
    kinds = [kind for kind in type(part).__mro__ if kind.__module__.startswith("whyset.analysis")]
    read = set().union(*(_attributes_of_self(kind) for kind in kinds if kind is not Processor))
    elsewhere = {"Spray": {"array", "group_by", "surrogates", "resamplings", "min_class_size", "seed"}}  # see below
    assert {field.name for field in fields(part)} <= read | elsewhere.get(type(part).__name__, set())


@pytest.mark.parametrize("field", [field.name for field in fields(Spray)])
def test_every_parameter_of_an_analysis_arrives(field: str) -> None:
    """Changed, it changes the steps; or it is read where a class is analyzed."""
    plain, changed = Spray(n_neighbors=4), _changed(Spray(n_neighbors=4), field)

    def steps(spray: Spray) -> str:
        return f"{spray.preparation()} {spray.pipeline(samples=50)}"

    used = "".join((Path(ws.analysis.__file__).parent / name).read_text() for name in USERS)
    assert steps(plain) != steps(changed) or f"spray.{field}" in used


USERS = ("category.py", "analyze.py", "cluster_statistics.py")


# Mutable defaults shared by instances


@pytest.mark.parametrize("part", parts(), ids=lambda part: type(part).__name__)
def test_defaults_cannot_be_changed_for_others(part: Processor) -> None:
    hash(part)
    for value in part.values():
        hash(value)
    for name, item in inspect.signature(type(part)).parameters.items():
        assert not isinstance(item.default, list | dict | set | np.ndarray), name


def test_a_list_that_is_given_stays_the_callers() -> None:
    given = [KMeans()]
    spray = Spray(clusterings=given)
    given.append(HDBSCAN())
    assert spray.clusterings == (KMeans(),)
    steps = [Step("a", AbsoluteSum(), ["maps"])]
    pipeline = Pipeline("p", steps)
    steps.clear()
    assert len(pipeline.steps) == 1
    assert pipeline.steps[0].inputs == ("maps",)
    hash(pipeline)


# Unseeded randomness


def test_nothing_random_hangs_on_the_global_generator() -> None:
    spray = Spray(n_neighbors=5, clusterings=(KMeans(), KMeans(7, n_init=1)), embeddings=_all_embeddings())
    found = []
    for state in (1, 2):
        np.random.seed(state)
        results = spray.pipeline().run({"features": FEATURES}, seed=3)
        found.append({name: digest(value) for name, value in results.items()})
    assert found[0] == found[1]


def test_the_seed_is_really_used() -> None:
    one, other = (KMeans(9, n_init=1)(*_spectrum_and_number(), seed=seed).labels for seed in (0, 1))
    assert (one != other).any()


# N smaller than k


@pytest.mark.parametrize("n", [1, 4, 5])
def test_fewer_samples_than_neighbors_are_an_error(n: int) -> None:
    for part in (KNearestNeighbors(5), ApproximateNeighbors(5)):
        with pytest.raises(InputError, match=f"5 neighbors need more than 5 explanations, got {n}"):
            part(FEATURES[:n], **({"seed": 0} if part.seeded else {}))


@pytest.mark.parametrize("n", [10, 12, 30])
def test_a_small_class_gets_fewer_neighbors_and_still_an_answer(n: int) -> None:
    neighbors = limit_neighbors(10, n)
    assert neighbors < n
    results = Spray().pipeline(neighbors).run({"features": FEATURES[:n]}, seed=0)
    assert len(results["clustering.kmeans"].labels) == n


# Isolated nodes


def test_isolated_nodes_give_no_nan_and_are_noise() -> None:
    affinity = SymmetricNeighbors()(KNearestNeighbors(5)(FEATURES)).tolil()
    affinity[[3, 9]] = 0
    affinity[:, [3, 9]] = 0
    spectrum = Spectrum(12)(csr_array(affinity), seed=0)
    assert np.isfinite(spectrum.eigenvectors).all()
    assert np.flatnonzero(spectrum.isolated).tolist() == [3, 9]
    assert spectrum.components == 1
    number = Spray().n_clusters(spectrum)
    for part in (KMeans(), HDBSCAN()):
        labels = part(spectrum, number, **({"seed": 0} if part.seeded else {})).labels
        assert (labels[[3, 9]] == -1).all()


# A disconnected graph given to Lanczos


@pytest.mark.parametrize("dense_below", [3, 600], ids=["Lanczos", "as it is used"])
@pytest.mark.parametrize("count", [2, 3, 5, 8, 11, 16, 25, 40])
def test_a_disconnected_graph_has_all_its_eigenvalues(count: int, dense_below: int) -> None:
    rng = np.random.default_rng(count)
    rows = (100 * rng.normal(size=(count, 1, 10)) + rng.normal(size=(count, 30, 10))).reshape(-1, 10)
    affinity = SymmetricNeighbors()(KNearestNeighbors(6)(rows))
    found = Spectrum(count + 8, dense_below)(affinity, seed=0)
    degree = affinity.sum(axis=1)
    whole = np.linalg.eigvalsh(affinity.toarray() / np.sqrt(degree[:, None] * degree))[::-1]
    np.testing.assert_allclose(found.eigenvalues, whole[: count + 8], atol=1e-9)
    assert np.count_nonzero(found.eigenvalues > 1 - 1e-9) == np.count_nonzero(whole > 1 - 1e-9) == count


# float32 distances between near-duplicates


@pytest.mark.parametrize("radius", [0.1, 0.01, 0.001, 1e-4, 1e-5])
def test_near_duplicates_in_float32_are_found_with_recall_one(radius: float) -> None:
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(8, 1, 64))
    centers /= np.linalg.norm(centers, axis=2, keepdims=True)
    around = rng.normal(size=(8, 40, 64))
    rows = centers + radius * around / np.linalg.norm(around, axis=2, keepdims=True)
    rows = rows.reshape(-1, 64).astype(np.float32)
    wide = rows.astype(np.float64)
    distances = ((wide[:, None] - wide) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    last = np.sort(distances, axis=1)[:, 9]
    found = KNearestNeighbors(10)(rows).indices
    recall = (np.take_along_axis(distances, found, axis=1) <= last[:, None]).mean()
    assert recall == 1


# An empty result with exit code 0 is held by tests/cli/test_analyze.py, and here for Python


def test_an_analysis_without_any_result_is_an_error() -> None:
    with pytest.raises(InputError, match="isolated"):
        Spectrum(4)(csr_array((5, 5)), seed=0)
    with pytest.raises(InputError, match="Too few explanations: 0"):
        check_features(np.zeros((30, 4), np.float32), np.arange(30), 10)


def _changed(part: Processor, field: str) -> Processor | None:
    """The processor with another value of one field, or None where that value alone means nothing."""
    value = getattr(part, field)
    if isinstance(value, int | float) and not isinstance(value, bool):
        other: Any = value + 1 if isinstance(value, int) else value / 2
    else:
        other = OTHER_VALUES.get(f"{type(part).__name__}.{field}") or OTHER_VALUES[field]
    try:
        return replace(part, **{field: other})
    except InputError:
        return None


def _attributes_of_self(kind: type) -> set[str]:
    """What the methods of a class read of an instance, its checks apart."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    methods = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name != "__post_init__"]
    return {
        node.attr
        for method in methods
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }


def _spectrum_and_number() -> tuple[Any, Any]:
    spectrum = Spectrum(12)(SymmetricNeighbors()(KNearestNeighbors(5)(FEATURES)), seed=0)
    return spectrum, Spray().n_clusters(spectrum)


def _all_embeddings() -> tuple[Processor, ...]:
    return tuple(PROCESSORS[name]() for name in ("TSNE", "PCA", "LLE"))
