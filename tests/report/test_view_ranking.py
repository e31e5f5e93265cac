"""Classes ranked over several views, p-values corrected for views, and groups that several views find."""

import importlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import whyset as ws
from whyset.analysis import Spray
from whyset.report import ReportHeatmaps, as_html, as_json, as_markdown, as_text, rank_classes, report
from whyset.report.view_p_values import correct_for_views
from whyset.report.view_ranking import rank_views
from whyset.store import Run, open_run

module = importlib.import_module("whyset.analysis.analyze")
SPRAY = Spray(n_neighbors=5, surrogates=4, resamplings=0, small_clusters=None)
N = 40


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Noise in three classes; half of class 0 has a square in its corner, half of class 1 a texture anywhere."""
    rng = np.random.default_rng(0)
    maps, labels = rng.normal(size=(3 * N, 16, 18)), np.repeat([0, 1, 2], N)
    maps[: N // 2, :4, :4] += 5
    wave = 3 * np.sin(2 * np.pi * 4 * np.arange(18) / 18)
    for row in range(N, N + N // 2):
        maps[row] += np.roll(wave, rng.integers(18))
    run = ws.from_arrays(
        maps,
        out=tmp_path_factory.mktemp("views") / "run",
        labels=labels,
        class_names=["corner", "wave", "noise"],
        modality="image",
    )
    ws.analyze(run, SPRAY)
    return run


def test_each_class_is_ranked_by_the_view_in_which_it_is_most_unusual(run: Run) -> None:
    ranking = rank_views(run, run.analysis())
    tables = {one.name: {row.id: row for row in rank_classes(one).rows} for one in ranking.analyses.values()}
    assert list(tables) == ["spray", "spray.spectrum"]
    for row in ranking.rows:
        z = {name: table[row.id].modified_z for name, table in tables.items()}
        assert row.analysis == max(z, key=lambda name: z[name])
        assert replace(row, rank=0, q_value=None) == replace(tables[row.analysis][row.id], rank=0, q_value=None)
        assert ranking.categories[row.id].path.parent.name == row.analysis
    by_name = {row.name: row for row in ranking.rows}
    assert (by_name["corner"].view, by_name["wave"].view) == ("maps", "spectrum")
    assert [row.rank for row in ranking.rows] == [1, 2, 3]
    assert ranking.rows[-1].name == "noise"


def test_a_view_that_is_named_is_ranked_alone(run: Run) -> None:
    ranking = rank_views(run, run.analysis("spray.spectrum"))
    assert {row.analysis for row in ranking.rows} == {"spray.spectrum"}
    assert {row.view for row in report(run, "spray.spectrum").classes} == {"spectrum"}


def test_q_values_are_those_of_the_p_values_that_are_shown(tmp_path: Path) -> None:
    """In each view, the number of classes with small p-values differs; the classes are shown by different views."""
    rng = np.random.default_rng(1)
    maps, labels = rng.normal(size=(6 * N, 16, 18)), np.repeat(np.arange(6), N)
    for label in range(6):
        frequency, strength = (2, 4, 6, 3, 5, 7)[label], 2 + 0.3 * label
        for row in range(label * N, label * N + N // 2):
            maps[row] += strength * np.sin(2 * np.pi * (frequency * np.arange(18) / 18 + rng.random()))
    run = ws.from_arrays(maps, out=tmp_path / "run", labels=labels, modality="image")
    ws.analyze(run, Spray(n_neighbors=5, surrogates=39, resamplings=0, small_clusters=None))
    rows = rank_views(run, run.analysis()).rows
    assert len({row.view for row in rows}) == 2
    for row in rows:  # min over p_j >= p of p_j m / j, by its definition
        others = [
            one.p_corrected * len(rows) / sum(other.p_corrected <= one.p_corrected for other in rows)
            for one in rows
            if one.p_corrected >= row.p_corrected
        ]
        assert row.q_value == pytest.approx(min(1, *others))


def test_a_view_that_is_not_finished_is_named(run: Run, tmp_path: Path) -> None:
    assert report(run).notices == ()
    begun = open_run(shutil.copytree(run.path, tmp_path / "begun"))
    shutil.rmtree(begun.analysis("spray.spectrum").category("00001").path)
    notices = report(begun).notices
    assert notices == (
        "The view Fourier magnitude of relevance maps is not finished (not: wave); analyze again to complete it.",
    )
    assert notices[0] in " ".join(as_text(report(begun)).split())


def test_views_that_an_interrupted_analysis_has_not_begun_are_named_and_count(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a corrected p-value would grow when the analysis is continued."""
    copy = open_run(shutil.copytree(run.path, tmp_path / "run"))
    spray = replace(SPRAY, name="other", seed=1)
    analyze_view = module._analyze_view

    def interrupt(run: Run, begun: Any, *given: Any) -> Any:
        if begun.view.name != "maps":
            raise KeyboardInterrupt
        return analyze_view(run, begun, *given)

    monkeypatch.setattr(module, "_analyze_view", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ws.analyze(copy, spray)
    begun = open_run(copy.path)
    assert rank_views(begun, begun.analysis("other")).completeness.notices == (
        "The view Fourier magnitude of relevance maps is not finished (not: corner, wave, noise); analyze again to "
        "complete it.",
    )
    p_values = {one.id: one.evidence.separability.p_value for one in begun.analysis("other").categories}
    corrected = correct_for_views(begun.analysis("other"))
    assert corrected == {id: min(1.0, 2 * p) for id, p in p_values.items()}


def test_views_with_different_options_are_named(run: Run, tmp_path: Path) -> None:
    copy = open_run(shutil.copytree(run.path, tmp_path / "run"))
    ws.analyze(copy, replace(SPRAY, n_neighbors=4, seed=3), views="maps")
    again = open_run(copy.path)
    assert rank_views(again, again.analysis()).completeness.notices == (
        "The view Fourier magnitude of relevance maps was analyzed with other options (n_neighbors, seed).",
    )


def test_p_values_are_corrected_for_the_views_by_holm(run: Run) -> None:
    both = [run.analysis(name) for name in ("spray", "spray.spectrum")]
    corrected = [correct_for_views(one) for one in both]
    for id in ("00000", "00001", "00002"):
        plain = sorted(one.category(id).evidence.separability.p_value for one in both)
        assert sorted(one[id] for one in corrected) == [
            min(1, 2 * plain[0]),
            max(min(1, 2 * plain[0]), plain[1]),
        ]
    for row in rank_classes(both[0]).rows:
        assert row.p_corrected == corrected[0][row.id]
        assert row.p_value <= row.p_corrected <= row.q_value


def test_an_analysis_of_one_view_has_the_p_values_of_its_classes(run: Run) -> None:
    analysis = ws.analyze(run, replace(SPRAY, name="alone"), views="maps")
    for row in rank_classes(analysis).rows:
        assert row.p_corrected == row.p_value


def test_a_view_that_is_not_finished_counts_as_one_without_a_result(run: Run, tmp_path: Path) -> None:
    analysis = ws.analyze(run, replace(SPRAY, name="cut"), views=["maps", "spectrum"])
    folder = run.path / "analyses" / "cut.spectrum" / "00000"
    folder.rename(tmp_path / "moved")
    p_value = analysis.category("00000").evidence.separability.p_value
    assert correct_for_views(run.analysis("cut"))["00000"] == min(1, 2 * p_value)


def test_a_report_lists_a_group_once_and_names_the_other_views(run: Run) -> None:
    made = report(run)
    by_name = {row.name: row for row in made.classes}
    largest = max(made.get_clusters(by_name["corner"]), key=lambda one: len(one.also))
    assert largest.also == () or largest.also[0].startswith("Fourier magnitude of relevance maps (Jaccard ")
    further = made.get_further(by_name["wave"])
    assert {group.view for group in further} <= {"maps"}
    rows = {(group.category, group.view) for group in made.further}
    assert len(rows) == len(made.further)


def test_all_formats_name_the_view(run: Run) -> None:
    made = report(run)
    for text in (as_text(made), as_markdown(made), as_html(made, ReportHeatmaps(run, run.analysis()))):
        assert "spectrum" in text
        assert "Each class is ranked by its best view" in " ".join(text.split())
    stored = json.loads(as_json(made))
    assert {row["view"] for row in stored["classes"]} == {row.view for row in made.classes}
    assert len(stored["further"]) == len(made.further)


def test_a_report_of_one_view_has_no_column_for_views(run: Run) -> None:
    ws.analyze(run, replace(SPRAY, name="single"), views="maps")
    made = report(run, "single")
    assert "view" not in as_markdown(made).split("## Classes")[1].splitlines()[2].split(" | ")
    assert made.further == ()
