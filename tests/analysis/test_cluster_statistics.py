"""What an analysis tells of its clusters beyond finding them."""

from pathlib import Path

import numpy as np
import pytest

import whyset as ws
from whyset.analysis.concepts import concept_references
from whyset.errors import InputError
from whyset.store import Run, RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.evidence import ClusterEvidence
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard

SAMPLES, CHANNELS = 60, 6


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of one class: the odd samples look at a mark in a corner, and are always predicted right."""
    rng = np.random.default_rng(0)
    marked = np.arange(SAMPLES) % 2 == 1
    maps = rng.normal(size=(SAMPLES, 1, 10, 14)).astype(np.float32)
    maps[marked, :, :3, -3:] += 12
    concepts = rng.normal(scale=0.1, size=(SAMPLES, CHANNELS)).astype(np.float32)
    concepts[marked, 4] += 1
    concepts[~marked, 1] += 1
    config = RunConfig(
        model="m", weights_hash="h", composite=None, target="label", preprocessing={}, dataset_fingerprint="f",
        class_names=("cat", "dog"), shard_rows=SAMPLES, concepts=("conv",),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("evidence") / "run"
    arrays = standard_arrays(maps.shape[1:], concepts={"conv": CHANNELS})
    made = create_run(folder, config, samples_table([str(n) for n in range(SAMPLES)], [0] * SAMPLES), arrays)
    prediction = np.where(marked, 0, rng.integers(0, 2, SAMPLES))
    rows = {
        "attribution/input": maps,
        "concept/conv": concepts,
        "target": np.zeros(SAMPLES, int),
        "prediction": prediction,
        "confidence": np.where(marked, 0.99, 0.6).astype(np.float32),
    }
    write_shard(made, 0, rows, {})
    return made


@pytest.fixture(scope="module")
def category(run: Run) -> object:
    return ws.analyze(run, ws.Spray(surrogates=0, resamplings=5)).categories[0]


def of_marks(category: object) -> ClusterEvidence:
    """The cluster whose most typical sample bears the mark."""
    clusters = category.evidence.clusterings["kmeans"].clusters
    return max((one for one in clusters if one.medoids[0] % 2), key=lambda one: one.n_explanations)


def test_a_planted_strategy_is_found_again_on_subsamples(category: object) -> None:
    stability = category.evidence.clusterings["kmeans"].stability
    assert of_marks(category).recovery > 0.75
    assert stability.n_subsamples == 5
    low, high = stability.adjusted_rand_range
    assert low <= stability.adjusted_rand <= high


def test_what_distinguishes_a_cluster_is_told_with_its_test(category: object) -> None:
    cluster = of_marks(category)
    accuracy, confidence = cluster.accuracy_contrast, cluster.confidence_contrast
    assert accuracy.inside == 1
    assert accuracy.inside_interval[0] < 1
    assert accuracy.outside < 1
    assert confidence.p_value < 0.001
    assert {test.attribute for test in cluster.enrichment} == {"prediction", "right"}  # all have one label
    assert category.evidence.clusterings["kmeans"].n_enrichment_tests >= len(cluster.enrichment)


def test_where_a_cluster_differs_is_where_its_mark_is(category: object) -> None:
    cluster = of_marks(category).id
    mask = category.column("difference_mask.kmeans")[cluster].reshape(10, 14)
    mean = category.column("difference.kmeans")[cluster].reshape(10, 14)
    assert mask[:3, -3:].all()
    assert (mean[:3, -3:] > 0).all()
    # Maps are divided by their sum, so that where a mark takes its share the rest of the map loses it.
    assert (mean[mask.astype(bool)] > 0).sum() == 9
    assert category.column("outlier_factor").shape == (SAMPLES,)


def test_concept_relevance_gives_prototypes(run: Run) -> None:
    spray = ws.Spray(name="concepts", array="concept/conv", surrogates=0, resamplings=0)
    category = ws.analyze(run, spray).categories[0]
    told, members = category.evidence.prototypes, category.column("prototype")
    assert sum(told.weights) == pytest.approx(1)
    assert category.evidence.clusterings["kmeans"].stability is None
    clusters = category.evidence.clusterings["kmeans"].clusters
    assert {one.difference.channels[:1] for one in clusters[:2]} == {(1,), (4,)}
    rows = np.asarray(category.column("index"))
    for number, sample in enumerate(told.explanations):
        own = rows[members == number] % 2
        assert np.mean(own == sample % 2) > 0.9  # a prototype and its samples share the strategy
    assert told.outliers[0] == rows[np.argmin(category.column("log_likelihood"))]


def test_channels_are_shown_by_the_samples_they_were_relevant_for(run: Run) -> None:
    found, relevance = concept_references(run, "conv", 5)
    assert found.shape == relevance.shape == (CHANNELS, 5)
    assert (found[4] % 2 == 1).all()
    assert (found[1] % 2 == 0).all()
    assert (np.diff(relevance) <= 0).all()
    only = concept_references(run.path, "conv", 3, rows=np.arange(0, SAMPLES, 2))[0]
    assert (only % 2 == 0).all()
    with pytest.raises(InputError, match="conv"):
        concept_references(run, "pool")


def test_the_evidence_is_the_same_each_time(run: Run, category: object, tmp_path: Path) -> None:
    again = ws.analyze(run, ws.Spray(name="again", surrogates=0, resamplings=5)).categories[0]
    assert again.evidence.clusterings == category.evidence.clusterings
    for name in ("difference.kmeans", "outlier_factor"):
        np.testing.assert_array_equal(again.column(name), category.column(name))
