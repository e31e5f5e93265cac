"""Clusters of all views propose candidates: which are chosen, and that they find what single samples do not."""

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_ind

import whyset as ws
from whyset.findings.clusters import choose_clusters, compare, read_clusters
from whyset.store.effects import EffectSummary, Estimate, FreshTrials, InterventionEffects, SelectionTrials

module = importlib.import_module("whyset.findings.finding")
SUMMARY = EffectSummary(*[Estimate(0.0, None, 0)] * 4)


def make_trials(turned: Any, hosts: int = 4) -> SelectionTrials:
    count = len(turned)
    return SelectionTrials(tuple(range(count)), (hosts,) * count, tuple(map(int, turned)), (0.0,) * count)


def make_effects(turned: Any, text: str = "window of 6") -> InterventionEffects:
    nothing = FreshTrials()
    return InterventionEffects(
        {}, text, "", "host", 0, SelectionTrials(), make_trials(turned), nothing, nothing, SUMMARY, SUMMARY
    )


def test_the_score_is_that_of_welch_where_variances_are_equal() -> None:
    """With the variance of all samples as the least one, it is never larger."""
    random = np.random.default_rng(0)
    turned = random.integers(0, 5, 200)
    cluster = np.arange(40)
    z = ttest_ind(turned[:40] / 4, turned[40:] / 4, equal_var=False).statistic
    assert compare(make_trials(turned), cluster) == pytest.approx(z, rel=0.05)
    strong = np.where(np.arange(200) < 40, 4, 0)
    expected = 1 / np.sqrt((strong / 4).var() * (1 / 40 + 1 / 160))  # a t-test has no variance here
    assert compare(make_trials(strong), cluster) == pytest.approx(expected)


@pytest.mark.parametrize("cluster", [np.arange(3), np.arange(197), np.arange(0)])
def test_too_few_samples_have_no_score(cluster: Any) -> None:
    assert compare(make_trials([4] * 3 + [0] * 197), cluster) == 0


def test_equal_samples_have_no_score() -> None:
    assert compare(make_trials([0] * 200), np.arange(50)) == 0


def test_a_cluster_with_weak_effects_is_chosen_and_those_at_random_are_not() -> None:
    """One of four hosts turns for each sample of the cluster: a single such sample is found all over the class."""
    random = np.random.default_rng(1)
    turned = (random.random(400) < 0.1).astype(int)
    turned[:30] = 1
    clusters = [*(random.permutation(np.arange(30, 400))[:30] for _ in range(5)), np.arange(30)]
    first, *others = choose_clusters([make_effects(turned)], np.arange(400), clusters)
    assert first[1].tolist() == list(range(30))
    assert [rows.tolist() for _, rows in others] == [np.sort(rows).tolist() for rows in clusters[:2]]  # by details


def test_clusters_that_stand_out_in_details_are_chosen_though_the_whole_class_has_effects() -> None:
    """With the intervention that turns most hosts; without any effect they are not measured."""
    weak, strong = make_effects([1] * 100, "frame"), make_effects([4] * 100)
    clusters = [np.arange(20), np.arange(30, 50), np.arange(60, 80)]
    chosen = choose_clusters([weak, strong], np.arange(100), clusters)
    assert [(one.text, rows[0]) for one, rows in chosen] == [("window of 6", 0), ("window of 6", 30)]
    assert choose_clusters([make_effects([0] * 100)], np.arange(100), clusters) == []


def test_the_same_cluster_of_two_views_is_chosen_once_for_each_intervention() -> None:
    turned = np.where(np.arange(200) < 20, 4, 0)
    clusters = [np.arange(20), np.arange(1, 21), np.arange(3), np.arange(150)]
    chosen = choose_clusters([make_effects(turned), make_effects(turned, "frame")], np.arange(200), clusters)
    assert [(one.text, len(rows)) for one, rows in chosen] == [("window of 6", 20), ("frame", 20)]


def test_samples_of_other_classes_are_left_out() -> None:
    turned = np.where(np.arange(100) < 20, 4, 0)
    ((_, rows),) = choose_clusters([make_effects(turned)], np.arange(100), [np.r_[0:20, 500:700]])
    assert rows.tolist() == list(range(20))


def test_a_run_without_an_analysis_has_no_clusters(planted: Any, tmp_path: Path) -> None:
    run = planted.explain(tmp_path / "run")
    lines: list[str] = []
    said = SimpleNamespace(info=lines.append)
    assert read_clusters(run, said) == {}
    assert "no clusters propose candidates" in lines[0]
    ws.analyze(run, ws.Spray(surrogates=0), progress=False)
    clusters = read_clusters(ws.open_run(run.path), said)["00000"]
    of_class = run.analysis().category("00000").column("index")
    labels = run.analysis().category("00000").column("clustering.kmeans")
    assert set(np.sort(of_class[labels == 0]).tolist()) in [set(rows.tolist()) for rows in clusters]


def test_a_cluster_finds_what_too_few_candidates_do_not(planted: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """Two candidates are too few for a concept; samples of a cluster with the patch are enough."""
    test = ws.EffectTest(interventions=["window:side=3"], n_candidates=2, budget=None)
    run = planted.explain(tmp_path / "run")
    assert not len(ws.find(run, test, n_examples=0, progress=False))
    marked = np.flatnonzero(planted.marked)
    monkeypatch.setattr(module, "read_clusters", lambda run, said: {"00000": (marked,)})
    findings = ws.find(run, test, n_examples=0, progress=False)
    (found,) = findings
    assert findings.config["n_clusters"] == 1
    assert found.kind == "suspicion"
    assert set(found.rows) <= set(marked.tolist())
    assert len(found.rows) > 0.8 * len(marked)
