"""Clusters that differ in place only: exact shifts, other patterns, and what cannot be shifted."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyset.report import ReportHeatmaps, as_html, report
from whyset.report.shifted_clusters import correlate, find_shifted_clusters, transform
from whyset.store import Category, CategoryResult, Run
from whyset.store.evidence import from_info
from whyset.testing.store import example_run, write_pending


def make_category(run: Run, maps: np.ndarray, array: str | None = None) -> Category:
    clusters = [{"id": number, "size": 9, "medoids": [1]} for number in range(len(maps))]
    info = {"default_clustering": "kmeans", "clusterings": {"kmeans": {"clusters": clusters}}}
    columns = {"index": np.arange(9), "clustering.kmeans": np.arange(9, dtype=np.int32) % len(maps)}
    columns["mean_map.kmeans"] = maps.astype(np.float32)
    result = CategoryResult("00000", "all", columns, replace(from_info(info), array=array))
    run.analysis_writer("spray", {}).write(result)
    return run.analysis("spray").category("all")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return write_pending(example_run(tmp_path / "run"))


def blob(row: int, column: int) -> np.ndarray:
    one = np.zeros((12, 9))
    one[row : row + 2, column : column + 3] = [[1, 2, 1], [0, -1, 3]]
    return one


def test_the_same_pattern_in_another_place_is_position(run: Run) -> None:
    maps = np.stack([blob(0, 0), blob(9, 5), 3 * blob(0, 0), np.eye(12, 9), np.zeros((12, 9))])
    pairs = find_shifted_clusters(run, make_category(run, maps))
    assert [(pair.clusters, pair.shift) for pair in pairs] == [((0, 1), (9, 5)), ((1, 2), (-9, -5))]
    assert [pair.shifted_cosine for pair in pairs] == pytest.approx([1, 1])
    assert pairs[0].cosine == 0
    assert str(pairs[0]).startswith("Position, not strategy: the mean heatmaps of clusters 0 and 1 agree after a shift")


def test_a_pattern_that_leaves_the_map_or_wraps_around_is_not_the_same(run: Run) -> None:
    whole = np.zeros((12, 9))
    whole[:, 0] = 1
    wrapped = np.roll(np.arange(108.0).reshape(12, 9), 6, axis=0)
    pairs = find_shifted_clusters(run, make_category(run, np.stack([np.arange(108.0).reshape(12, 9), wrapped, whole])))
    assert pairs == ()


def test_nan_and_other_arrays_are_passed_over(run: Run) -> None:
    maps = np.stack([blob(0, 0), np.full((12, 9), np.nan), blob(5, 5)])
    assert [pair.clusters for pair in find_shifted_clusters(run, make_category(run, maps))] == [(0, 2)]
    assert find_shifted_clusters(run, make_category(run, maps, "concept/conv")) == ()


def test_series_are_shifted_in_time_only(modality_runs: ModuleType, tmp_path: Path) -> None:
    run = modality_runs.series_run(tmp_path / "series")
    maps = np.zeros((3, 2, 90))
    maps[0, 0, 5:9] = maps[1, 0, 60:64] = maps[2, 1, 5:9] = [1, 2, 3, -1]
    pairs = find_shifted_clusters(run, make_category(run, maps))
    assert [(pair.clusters, pair.shift) for pair in pairs] == [((0, 1), (55,))]


def test_tables_and_texts_have_no_shifts(modality_runs: ModuleType, tmp_path: Path) -> None:
    for make, name in ((modality_runs.table_run, "table"), (modality_runs.text_run, "text")):
        run = make(tmp_path / name)
        assert find_shifted_clusters(run, make_category(run, np.eye(2, run.relevance.shape[1]))) == ()


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 2**16))
def test_correlations_are_those_of_the_definition(height: int, width: int, seed: int) -> None:
    a, b = np.random.default_rng(seed).normal(size=(2, height, width))
    found = correlate(transform(a, (0, 1)), transform(b, (0, 1)), (0, 1), a.shape)
    for down in range(-height + 1, height):
        for right in range(-width + 1, width):
            expected = sum(
                a[y - down, x - right] * b[y, x]
                for y in range(height)
                for x in range(width)
                if 0 <= y - down < height and 0 <= x - right < width
            )
            assert found[down, right] == pytest.approx(expected, abs=1e-9)


def test_the_report_says_it_on_both_cards(run: Run) -> None:
    make_category(run, np.stack([blob(0, 0), blob(9, 5)]))
    page = as_html(report(run), ReportHeatmaps(run, run.analysis()))
    assert page.count("Position, not strategy: the mean heatmaps of clusters 0 and 1 agree") == 2
