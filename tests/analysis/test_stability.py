import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

import whyset as ws
from whyset.analysis.pipelines import Spray
from whyset.analysis.processors import Agglomerative, KMeans
from whyset.analysis.scores.clusters import compute_recovery
from whyset.analysis.stability import Resampling
from whyset.errors import InputError

SUPPORT = runpy.run_path(str(Path(__file__).parents[1] / "support" / "chosen_run.py"))
SPRAY = Spray(n_neighbors=6, eigenvectors=12, clusterings=(KMeans(n_init=3),))


def stability_of(rows: np.ndarray, runs: int = 8):
    pipeline = SPRAY.pipeline()
    labels = pipeline.until("clustering.kmeans").run({"features": rows}, seed=0)["clustering.kmeans"].labels
    return Resampling(runs)(rows, labels, pipeline, "clustering.kmeans", seed=0)


def test_planted_clusters_come_back_and_those_of_noise_do_not() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(90, 20))
    planted = noise.copy()
    planted[:30, 0] += 12
    planted[30:60, 1] += 12
    found, dissolved = stability_of(planted), stability_of(noise)
    assert found.mean > 0.95
    assert (found.recovery > 0.95).all()
    assert dissolved.mean < 0.6
    assert dissolved.recovery.min() < 0.75


def test_the_same_seed_gives_the_same_stability() -> None:
    rows = np.random.default_rng(1).normal(size=(60, 8))
    first, second = stability_of(rows, 3), stability_of(rows, 3)
    np.testing.assert_array_equal(first.adjusted_rand, second.adjusted_rand)
    assert len(set(first.adjusted_rand)) > 1  # each run has a subsample of its own


def test_recovery_is_the_largest_jaccard_index() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, -1, -1])
    found = np.array([5, 5, 5, 2, 2, 2, 2, -1])
    expected = [3 / 4, 2 / 4, np.nan]  # {0..3} with {0..2}; {4, 5} with {3..6}; a cluster that was not drawn
    np.testing.assert_allclose(compute_recovery(labels, found, 3), expected)
    np.testing.assert_allclose(compute_recovery(labels, np.full(8, -1), 2), [0, 0])


def test_a_cluster_that_no_subsample_holds_has_no_recovery(tmp_path: Path) -> None:
    """A sample alone in its cluster is left out of one subsample in five; the analysis stores null then."""
    rows = np.random.default_rng(0).normal(size=(48, 8))
    labels = np.array([0] * 47 + [1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = [Resampling(1)(rows, labels, SPRAY.pipeline(), "clustering.kmeans", seed=seed) for seed in range(12)]
    alone = np.array([one.recovery[1] for one in found])
    assert np.isnan(alone).any()
    assert np.isfinite(alone).any()
    relevance = rows.reshape(48, 1, 2, 4)
    run = SUPPORT["written_run"](tmp_path / "run", relevance, [0] * 48, np.zeros(48, int))
    apart = Spray(surrogates=0, resamplings=1, clusterings=(Agglomerative(20, "single"),))
    category = ws.analyze(run, apart).category("cat")
    assert category.evidence.problem is None
    assert None in {one.recovery for one in category.evidence.clusterings["agglomerative-single-20"].clusters}


def test_a_share_that_leaves_nothing_out_is_refused() -> None:
    with pytest.raises(InputError, match="share"):
        Resampling(share=1.0)
    with pytest.raises(InputError, match="runs >= 1"):
        Resampling(0)
