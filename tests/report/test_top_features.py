"""The words, columns and channels of clusters with the most relevance."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from whyset.report.top_features import MOST, TopFeature, find_top_features
from whyset.store import CategoryResult, Run
from whyset.store.evidence import from_info


def cluster(run: Run, array: str | None = None) -> None:
    """An analysis with one class of rows 0 to 9: even rows are cluster 0, odd rows cluster 1, row 8 is noise."""
    clusters = np.arange(10, dtype=np.int32) % 2
    clusters[8] = -1
    clusters_in = [{"id": 0, "size": 4}, {"id": 1, "size": 5}]
    evidence = from_info({"default_clustering": "kmeans", "clusterings": {"kmeans": {"clusters": clusters_in}}})
    columns = {"index": np.arange(10), "clustering.kmeans": clusters}
    result = CategoryResult("00000", "all", columns, replace(evidence, array=array))
    run.analysis_writer("tops", {}).write(result)


def find(run: Run):
    return find_top_features(run, run.analysis("tops").category("all"))


def test_words_are_ranked_by_their_mean_relevance_over_the_texts(modality_runs: ModuleType, tmp_path: Path) -> None:
    run = modality_runs.text_run(tmp_path / "text")
    cluster(run)
    tops = find(run)
    assert [(top.cluster, top.what, top.n_explanations) for top in tops] == [(0, "words", 4), (1, "words", 5)]
    rows = [1, 3, 5, 7, 9]
    expected: dict[str, float] = {}
    for words, relevance in zip(run.tokens(rows), np.asarray(run.relevance[rows], float), strict=True):
        for word, one in zip(words, relevance, strict=False):
            expected[word] = expected.get(word, 0) + one / 5
    best = max(expected, key=lambda word: abs(expected[word]))
    assert tops[1].features[0].name == best
    assert tops[1].features[0].relevance == pytest.approx(expected[best])
    assert tops[1].features[0].share == sum(best in words for words in run.tokens(rows)) / 5
    assert len(tops[1].features) == MOST
    found = [abs(one.relevance) for one in tops[1].features]
    assert found == sorted(found, reverse=True)


def test_columns_of_tables_have_their_names_and_exact_means(modality_runs: ModuleType, tmp_path: Path) -> None:
    run = modality_runs.table_run(tmp_path / "table")
    cluster(run)
    means = np.asarray(run.relevance[[0, 2, 4, 6]], float).mean(0)
    (top, _) = find(run)
    assert top.what == "columns"
    order = np.argsort(-np.abs(means))[:MOST]
    assert [one.name for one in top.features] == [modality_runs.FEATURES[place] for place in order]
    np.testing.assert_allclose([one.relevance for one in top.features], means[order])
    assert {one.share for one in top.features} == {None}


def test_channels_of_series_are_summed_over_time(modality_runs: ModuleType, tmp_path: Path) -> None:
    run = modality_runs.series_run(tmp_path / "series")
    cluster(run)
    means = np.asarray(run.relevance[[0, 2, 4, 6]], float).sum(2).mean(0)
    (top, _) = find(run)
    assert top.what == "channels"
    assert {one.name: pytest.approx(one.relevance) for one in top.features} == dict(
        zip(run.config.features or ("channel 0", "channel 1"), means, strict=True)
    )


def test_images_have_none_but_an_analyzed_layer_has_its_channels(tmp_path: Path) -> None:
    from whyset.testing.store import example_run, write_pending

    run = write_pending(example_run(tmp_path / "run", concepts=("conv",)))
    cluster(run)
    assert find(run) == ()
    cluster(run, "concept/conv")
    (top, _) = find(run)  # row 5 failed, which is in the other cluster
    means = np.asarray(run.concept("conv")[[0, 2, 4, 6]], float).mean(0)
    assert (top.what, top.features[0].name) == ("channels", f"channel {np.abs(means).argmax()}")
    assert find(run)[1].n_explanations == 4


def test_words_state_their_share() -> None:
    assert str(TopFeature("good", 0.1234, 0.257)) == "good (0.12, in 26 %)"
    assert str(TopFeature("age", -1.5)) == "age (-1.5)"
