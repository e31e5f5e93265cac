"""Small clusters and joined ones in the evidence of a class, from the maps to the ranking of the report."""

import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import whyset as ws
from whyset.analysis.pipelines import Spray
from whyset.analysis.processors import TSNE, JoinSisters, KMeans
from whyset.analysis.scores import SmallClusters
from whyset.report import as_text, rank_classes, report
from whyset.report.class_rows import most_suspicious

POSES = runpy.run_path(str(Path(__file__).parent / "scores" / "test_small_clusters.py"))
SPRAY = Spray(
    surrogates=0, resamplings=0, clusterings=(KMeans(n_init=2),), embeddings=(TSNE(),), small_clusters=SmallClusters()
)


@pytest.fixture(scope="module")
def marked() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give maps of six classes of three poses each, their labels, and which 15 of class 4 have a mark."""
    maps = np.concatenate([POSES["draw_poses"](200, 50 + number) for number in range(6)])
    rows = 800 + np.random.default_rng(3).choice(200, 15, replace=False)
    marked = np.isin(np.arange(1200), rows)
    return POSES["add_mark"](maps, sorted(rows.tolist()), 0.25)[:, None], np.repeat(np.arange(6), 200), marked


def test_the_marked_class_is_first_and_its_cluster_is_named(marked: tuple[np.ndarray, ...]) -> None:
    maps, labels, inside = marked
    with ws.analyze(maps, SPRAY, labels=labels) as analysis:
        first = rank_classes(analysis).rows[0]
        assert first.name == "4"
        assert first.modified_z == max(row.modified_z or 0.0 for row in rank_classes(analysis).rows)
        named = most_suspicious(analysis)
        assert named is not None
        category = analysis.category("4")
        found = category.column("index")[category.column(f"clustering.{named.clustering}") == named.evidence.id]
        assert set(found.tolist()) <= set(np.flatnonzero(inside).tolist())
        assert len(found) >= 12
        text = " ".join(as_text(report(analysis.run, analysis)).split())
        assert (
            f"cluster {named.evidence.id} of class 4: {len(found)} samples, whose relevance maps share details" in text
        )
        small = category.evidence.small_clusters
        assert small is not None
        assert set(small.clusters[0].rows) <= set(np.flatnonzero(inside).tolist())
        assert small.clusters[0].effect > small.null_effect
        assert (category.column("clustering.small") >= 0).sum() == sum(one.n_samples for one in small.clusters)


def test_without_the_search_the_evidence_says_nothing_of_small_clusters(marked: tuple[np.ndarray, ...]) -> None:
    maps, labels, _ = marked
    spray = Spray(surrogates=0, resamplings=0, clusterings=(KMeans(n_init=2),), small_clusters=None)
    with ws.analyze(maps[labels == 4], spray) as analysis:
        (category,) = analysis.categories
        assert category.evidence.small_clusters is None
        assert "small" not in category.evidence.clusterings


def test_joined_clusters_are_in_the_evidence_with_the_labels_before(make_run: Callable) -> None:
    """One place split by k-means of eigenvectors, because it hangs together by a chain of maps that change slowly."""
    rng = np.random.default_rng(0)
    strength = np.sort(rng.uniform(0.5, 1.5, 90))
    maps = rng.normal(size=(150, 1, 6, 8))
    maps[:90, :, 1, 1] += 40 * strength[:, None]
    maps[90:, :, 4, 6] += 40
    run = make_run(maps, [0] * 150, np.zeros(150, int))
    plain, joined = (
        ws.analyze(run, Spray(name=name, surrogates=0, resamplings=0, n_neighbors=4, sisters=sisters)).category("cat")
        for name, sisters in (("plain", None), ("joined", JoinSisters()))
    )
    evidence = joined.evidence.clusterings["kmeans"]
    before = plain.column("clustering.kmeans")
    if not evidence.joins:
        pytest.fail("nothing was joined: the test needs other maps")
    np.testing.assert_array_equal(joined.column("unjoined.kmeans"), before)
    assert len(evidence.clusters) == before.max() + 1 - len(evidence.joins)
    assert adjusted_rand_score(joined.column("clustering.kmeans"), np.arange(150) < 90) == 1
    merged = [cluster for cluster in evidence.clusters if cluster.joined]
    for cluster in merged:
        own = joined.column("clustering.kmeans") == cluster.id
        assert set(before[own].tolist()) == set(cluster.joined)
