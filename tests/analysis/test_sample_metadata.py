"""Classes and clusters of samples with several explanations: what is known of a sample counts once."""

from collections import Counter
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import fisher_exact, mannwhitneyu, norm
from torch import nn, tensor

import whyset as ws
from whyset.analysis.groups import group_samples
from whyset.analysis.sample_metadata import SampleMetadata, get_members
from whyset.analysis.scores import accuracy, accuracy_contrast, confidence_contrast, finite_mean, purity
from whyset.store import Category, Run
from whyset.store.evidence import Composition, ContrastTest

SAMPLES = 80
TARGETS = ("prediction", "top:2", "label")


def explained(path: Path, targets: tuple[str, ...]) -> Run:
    """Explain noisy samples of two classes, for each of the targets."""
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(SAMPLES, 6)).astype(np.float32)
    labels = rng.integers(0, 2, SAMPLES)
    inputs[:, 0] += np.where(labels == 1, 0.7, -0.7)
    inputs[::3, 4] += 3
    model = nn.Linear(6, 2)
    model.weight.data = tensor([[-1.0, 0.2, 0, 0, 0.5, 0], [1.0, 0, 0.3, 0, -0.5, 0]])
    model.bias.data.zero_()
    run = ws.explain(model, (inputs, labels), path, targets=list(targets), progress=False)
    for by in ("label", "target"):
        ws.analyze(run, ws.Spray(name=by, group_by=by, surrogates=0, resamplings=0), progress=False)
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return explained(tmp_path_factory.mktemp("several") / "run", TARGETS)


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return explained(tmp_path_factory.mktemp("single") / "run", ("prediction",))


def categories(run: Run) -> list[Category]:
    return [one for by in ("label", "target") for one in run.analysis(by).categories]


def each(run: Run) -> int:
    return len(run) // SAMPLES


def clusters_of(run: Run, category: Category) -> np.ndarray:
    """The clusters (samples of the run, clusters) that explanations of a sample lie in."""
    index, found = np.asarray(category.column("index")), np.asarray(category.column("clustering.kmeans"))
    inside = np.zeros((SAMPLES, found.max() + 1), bool)
    for row, cluster in zip(index.tolist(), found.tolist(), strict=True):
        inside[row // each(run), cluster] = True
    return inside


def wilsons(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's interval, by its formula."""
    z, share = norm.ppf(0.975), hits / trials
    middle, half = share + z**2 / (2 * trials), z * sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return (middle - half) / (1 + z**2 / trials), (middle + half) / (1 + z**2 / trials)


def test_samples_lie_in_several_clusters_and_repeat_within_one(run: Run) -> None:
    """Otherwise the tests below would say nothing."""
    inside = [clusters_of(run, category) for category in categories(run)]
    assert any((one.sum(axis=1) > 1).any() for one in inside)
    clusters = [one for category in categories(run) for one in category.evidence.clustering.clusters]
    assert any(one.n_explanations > one.n_samples for one in clusters)


@pytest.mark.parametrize("of", ["run", "single"])
def test_shares_and_means_of_classes_and_clusters_are_of_samples(of: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(of)
    labels, predictions = run.labels[:: each(run)], run.column("prediction")[:: each(run)]
    confidence = run.column("confidence")[:: each(run)]
    for category in categories(run):
        inside = clusters_of(run, category)
        told = [(category.evidence, inside.any(axis=1))]
        told += list(zip(category.evidence.clustering.clusters, inside.T, strict=True))
        for evidence, own in told:
            parts = predictions[own] if category.evidence.purity_of == "prediction" else labels[own]
            assert evidence.n_samples == own.sum()
            assert evidence.composition.accuracy == pytest.approx(np.mean(labels[own] == predictions[own]))
            assert evidence.composition.purity == pytest.approx(max(Counter(parts.tolist()).values()) / own.sum())
            assert evidence.composition.mean_confidence == pytest.approx(confidence[own].mean(dtype=float))


def test_contrasts_and_enrichment_are_those_of_independent_samples(run: Run) -> None:
    labels, predictions = run.labels[:: each(run)], run.column("prediction")[:: each(run)]
    confidence = run.column("confidence")[:: each(run)].astype(float)
    right = labels == predictions
    kinds = {"label": labels, "prediction": predictions, "right": right}
    tested = 0
    for category in categories(run):
        inside = clusters_of(run, category)
        members = inside.any(axis=1)
        for cluster, own in zip(category.evidence.clustering.clusters, inside.T, strict=True):
            rest = members & ~own
            contrast = cluster.accuracy_contrast
            assert contrast.inside == cluster.composition.accuracy
            assert contrast.inside_interval == pytest.approx(wilsons(int(right[own].sum()), int(own.sum())))
            if rest.any():
                table = [[right[side].sum(), (~right[side]).sum()] for side in (own, rest)]
                assert contrast.p_value == pytest.approx(fisher_exact(table).pvalue)
                assert contrast.outside == pytest.approx(right[rest].mean())
                ranks = mannwhitneyu(confidence[own], confidence[rest]).pvalue
                assert cluster.confidence_contrast.p_value == pytest.approx(ranks)
            for test in cluster.enrichment:
                has = kinds[test.attribute].astype(str) == test.value
                table = [[(has & side).sum(), (~has & side).sum()] for side in (own, rest)]
                assert [
                    [test.inside, test.n_inside - test.inside],
                    [test.outside, test.n_outside - test.outside],
                ] == table
                assert test.p_value == pytest.approx(fisher_exact(table, "greater").pvalue)
                tested += 1
    assert tested > 8


def test_how_often_a_sample_is_explained_changes_nothing(single: Run) -> None:
    once = get_members(single, group_samples(single, "label")[0])
    often = once[np.repeat(np.arange(once.n_samples), 1 + 2 * (once.labels != once.predictions))]  # mistakes, thrice
    assert often.n_explanations > often.n_samples == once.n_samples
    assert often.composition() == once.composition()


def test_with_one_explanation_of_each_sample_every_bit_is_that_of_its_rows(single: Run) -> None:
    for category in categories(single):
        rows, found = np.asarray(category.column("index")), np.asarray(category.column("clustering.kmeans"))
        labels, predictions = single.labels[rows], single.column("prediction")[rows].astype(np.int64)
        confidence = single.column("confidence")[rows]
        for cluster in category.evidence.clustering.clusters:
            own = found == cluster.id
            parts = predictions if category.evidence.purity_of == "prediction" else labels
            assert cluster.composition == Composition(
                purity(parts[own]), accuracy(labels[own], predictions[own]), finite_mean(confidence[own])
            )
            assert cluster.accuracy_contrast == ContrastTest(**vars(accuracy_contrast(labels, predictions, own)))
            told = ContrastTest(**vars(confidence_contrast(confidence, own, seed=0)))
            assert cluster.confidence_contrast.p_value == told.p_value
            assert (cluster.confidence_contrast.inside, cluster.confidence_contrast.outside) == (
                told.inside,
                told.outside,
            )


def test_samples_keep_the_order_of_their_explanations() -> None:
    rows = np.array([8, 2, 3, 9, 0])
    metadata = SampleMetadata(rows, rows % 3, rows % 3, np.linspace(0, 1, 5, dtype=np.float32), rows // 2, "prediction")
    once = metadata.by_sample()
    assert once.indices.tolist() == [8, 2, 0]
    assert once.samples.tolist() == [4, 1, 0]
    assert replace(metadata, labels=np.full(5, -1)).composition().accuracy is None
