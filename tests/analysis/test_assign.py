"""New samples in a finished analysis."""

import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import whyset as ws
from whyset.analysis import HDBSCAN, PCA, TSNE, Agglomerative, FinishedClass, KMeans, Spray, assign
from whyset.analysis.processors import Cosine, KNearestNeighbors, RadialBasis, RandomWalkLaplacian
from whyset.errors import InputError
from whyset.store import Run

SUPPORT = runpy.run_path(str(Path(__file__).parents[1] / "support" / "chosen_run.py"))
MakeRun = Callable[..., Run]
SPRAY = Spray(
    n_neighbors=5,
    surrogates=0,
    resamplings=0,
    clusterings=(KMeans(), HDBSCAN(5), Agglomerative()),
    embeddings=(PCA(), TSNE()),
)


def strategies(count: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Relevance of one class with three strategies, and which sample has which."""
    rng = np.random.default_rng(1)
    which = np.arange(count) % 3
    relevance = rng.normal(size=(count, 1, 8, 8))
    for number in range(3):
        relevance[which == number, :, 2 * number : 2 * number + 2, :2] += 6
    return relevance, which


@pytest.fixture
def grown(make_run: MakeRun) -> tuple[Run, np.ndarray]:
    """A run that was analyzed before its last two shards were committed, and the strategies."""
    relevance, which = strategies()
    run = make_run(relevance, [0] * 96, np.zeros(96, int), pending=(4, 5))
    ws.analyze(run, SPRAY)
    rows = SUPPORT["rows_of"](relevance, np.zeros(96, int))
    for shard in (4, 5):
        SUPPORT["commit"](run, shard, rows, {})
    return run, which


def test_rows_committed_later_get_the_cluster_of_their_strategy(grown: tuple[Run, np.ndarray]) -> None:
    run, which = grown
    before = {file: file.read_bytes() for file in run.path.glob("analyses/spray/*/*")}
    (placed,) = assign(run)
    np.testing.assert_array_equal(placed.index, np.arange(64, 96))
    cat = run.analysis("spray").category("cat")
    for name, labels in placed.clusters.items():
        old = cat.column(f"clustering.{name}")
        names = {int(w): np.bincount(old[which[:64] == w] + 1).argmax() - 1 for w in range(3)}
        assert len(set(names.values())) == 3
        assert labels.tolist() == [names[int(w)] for w in which[64:]], name
    assert (which[placed.nearest] == which[64:]).all()
    assert {name: values.shape for name, values in placed.positions.items()} == {
        "pca": (32, 2),
        "tsne": (32, 2),
        "spectral": (32, cat.column("embedding.spectral").shape[1]),
    }
    assert {file: file.read_bytes() for file in run.path.glob("analyses/spray/*/*")} == before


def test_positions_lie_among_the_own_strategy(grown: tuple[Run, np.ndarray]) -> None:
    run, which = grown
    (placed,) = assign(run)
    old = run.analysis("spray").category("cat").column("embedding.tsne")
    means = np.stack([old[which[:64] == w].mean(axis=0) for w in range(3)])
    nearest = ((placed.positions["tsne"][:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, which[64:])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"laplacian": RandomWalkLaplacian()},
        {"affinity": RadialBasis()},
        {"metric": Cosine()},
    ],
    ids=str,
)
def test_a_sample_of_the_class_gets_its_own_eigenvector_again(make_run: MakeRun, changes: dict) -> None:
    """The Nyström extension is exact where the sample's own row of the graph is used."""
    relevance, _ = strategies(48)
    run = make_run(relevance, [0] * 48, np.zeros(48, int))
    analysis = ws.analyze(run, replace(SPRAY, **changes))
    category = analysis.category("cat")
    place = FinishedClass.of(run, analysis, "cat")
    spectral, values = category.column("embedding.spectral"), category.column("eigenvalues")
    large = values > 0.2
    for row in (0, 7, 23):
        others = np.arange(48) != row
        without = replace(place, features=place.features.copy())
        without.features[row] = 1e6 * (1 + np.arange(64) % 3)  # far away, so that the sample does not meet itself
        found = without(place.features[[row]])
        np.testing.assert_allclose(found.positions["spectral"][0][large], spectral[row][large], atol=2e-4)
        assert found.clusters["kmeans"][0] == category.column("clustering.kmeans")[row]
        assert others[found.nearest[0]]


def test_what_is_unlike_everything_is_strange(grown: tuple[Run, np.ndarray]) -> None:
    run, _ = grown
    place = FinishedClass.of(run, run.analysis("spray"), "cat")
    usual, strange = place.features[3] * 0.99 + 0.01 * place.features[6], np.zeros(64, np.float32)
    strange[-1] = 1
    found = place(np.stack([usual, strange]))
    assert found.strangeness[0] < 0.2
    assert found.strangeness[1] > 1.3


def test_rows_of_every_class_are_placed_in_their_own(make_run: MakeRun) -> None:
    relevance, _ = SUPPORT["planted_relevance"]()
    labels = np.arange(96) % 3
    run = make_run(relevance, labels.tolist(), labels)
    ws.analyze(run, SPRAY)
    placed = assign(run, "spray", [0, 3, 5])
    assert [(part.category, part.index.tolist()) for part in placed] == [("00000", [0, 3]), ("00002", [5])]
    assert assign(run) == []


def test_what_cannot_be_placed_is_refused(make_run: MakeRun) -> None:
    relevance, _ = strategies()
    labels = np.where(np.arange(96) < 4, 1, 0)
    run = make_run(relevance, labels.tolist(), labels)
    with pytest.raises(InputError, match="no analysis 'spray'"):
        assign(run)
    analysis = ws.analyze(run, SPRAY)
    with pytest.raises(InputError, match="'dog' has no result: Too few explanations"):
        assign(run, "spray", [0])
    place = FinishedClass.of(run, analysis, "cat")
    with pytest.raises(InputError, match=r"shape \(m, 64\), got \(2, 3\)"):
        place(np.ones((2, 3)))
    with pytest.raises(InputError, match="1 explanations have relevance that is not finite"):
        place(np.full((1, 64), np.nan))
    with pytest.raises(InputError, match=r"shape \(m, 64\), got \(0, 64\)"):
        place(np.ones((0, 64)))


def test_rows_that_were_left_out_of_the_analysis_are_left_out_here(make_run: MakeRun) -> None:
    """Constant maps, and rows that belong to no class."""
    relevance, _ = strategies()
    relevance[80:] = 1.0
    labels = np.where(np.arange(96) % 5 == 4, -1, 0)
    run = make_run(relevance, [None if label < 0 else 0 for label in labels], labels, pending=(5,))
    ws.analyze(run, SPRAY)
    SUPPORT["commit"](run, 5, SUPPORT["rows_of"](relevance, labels), {})
    assert assign(run) == []
    with pytest.raises(InputError, match="no category"):
        assign(run, "spray", [4])


def test_a_sample_that_is_joined_to_none_is_noise(make_run: MakeRun) -> None:
    relevance, _ = strategies()
    run = make_run(relevance, [0] * 96, np.zeros(96, int))
    analysis = ws.analyze(run, replace(SPRAY, affinity=RadialBasis(0.02)))
    far = FinishedClass.of(run, analysis, "cat")(np.full((1, 64), 9.0))
    assert {name: labels.tolist() for name, labels in far.clusters.items()} == {name: [-1] for name in far.clusters}


def test_a_preprocessing_that_draws_numbers_draws_those_of_the_analysis(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "pipelines"))
    from own_processors import Mixed

    relevance, _ = strategies(48)
    run = make_run(relevance, [0] * 48, np.zeros(48, int))
    analysis = ws.analyze(run, replace(SPRAY, preprocessing=(Mixed(),)))
    place = FinishedClass.of(run, analysis, "cat")
    reach = KNearestNeighbors(5)(place.features).distances[:, -1]
    np.testing.assert_array_equal(reach, analysis.category("cat").column("reach"))
    (placed,) = assign(run, "spray", range(48))
    assert placed.strangeness.max() < 1e-6
