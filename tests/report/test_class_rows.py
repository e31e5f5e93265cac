"""Ranks and q-values of classes, their clusters, and the cluster to look at first."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from whyset.report import rank_classes
from whyset.report.class_rows import ClassRow, cluster_rows, modified_z, most_suspicious, rank_rows
from whyset.store import CategoryResult, Run
from whyset.store.analyses import Completeness
from whyset.store.category import OUTDATED
from whyset.store.evidence import from_info


def row(name: str, p_value: float | None, problem: str | None = None) -> ClassRow:
    return ClassRow(0, name, name, 20, 20, separability=1.0, p_value=p_value, problem=problem)


def test_q_values_are_those_of_scipy() -> None:
    p_values = [0.03, 0.04, 0.9, 0.002]
    rows = rank_rows([row(str(n), p) for n, p in enumerate(p_values)], Completeness(4, 4, (), sealed=True))
    found = {one.name: one.q_value for one in rows}
    np.testing.assert_allclose([found[str(n)] for n in range(4)], false_discovery_control(p_values))


def test_the_p_value_of_a_class_left_over_from_another_configuration_does_not_count() -> None:
    """An analysis under the same name with other groups leaves the folders of classes that it does not list."""
    listed = [row("cat", 0.03), row("dog", 0.04)]
    alone = rank_rows(listed, Completeness(2, 2, (), sealed=True))
    beside = rank_rows([*listed, row("old", 0.9, OUTDATED)], Completeness(2, 2, (), sealed=True))
    expected = dict(zip(("cat", "dog"), false_discovery_control([0.03, 0.04]), strict=True))
    for rows in (alone, beside):
        found = {one.name: one.q_value for one in rows}
        assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert {one.name: one.q_value for one in beside}["old"] is None


def scored(separability: float | None, eigengap: float | None = 0.1, **more: object) -> dict:
    return {
        "size": 20,
        "default_clustering": "kmeans",
        "clusterings": {},
        "scores": {"separability": {"value": separability, "p_value": None}, "eigengap": {"value": eigengap}},
        **more,
    }


def write(run: Run, name: str, **infos: dict) -> None:
    writer = run.analysis_writer(name, {})
    for number, (category, info) in enumerate(infos.items()):
        writer.write(CategoryResult(f"{number:05d}", category, {"index": np.arange(3)}, from_info(info)))


def test_classes_are_ranked_by_separability(run: Run) -> None:
    rows = rank_classes(run.analysis("spray")).rows
    assert [row.name for row in rows] == ["horse", "dog <b>&amp;", "cat"]
    first = rows[0]
    assert (first.id, first.n_explanations, first.accuracy, first.separability) == ("00002", 18, 0.9, 5.0)
    assert (first.p_value, first.eigengap, first.n_clusters, first.problem) == (0.01, 0.7, 3, None)
    with pytest.raises(FrozenInstanceError):
        first.name = 3


def test_equal_separability_is_ranked_by_eigengap_and_problems_come_last(run: Run) -> None:
    write(
        run,
        "ties",
        small=scored(1.0, 0.1),
        broken=scored(None, None, problem="Too few explanations"),
        large=scored(1.0, 0.3),
        zero=scored(0.0, None),
    )
    rows = rank_classes(run.analysis("ties")).rows
    assert [row.name for row in rows] == ["large", "small", "zero", "broken"]
    assert rows[-1].problem == "Too few explanations"


def test_a_damaged_category_is_a_row_with_its_problem(run: Run) -> None:
    (run.path / "analyses/spray/00002/category.json").write_text("{")
    rows = rank_classes(run.analysis("spray")).rows
    assert rows[-1].id == "00002"
    assert "damaged" in rows[-1].problem


def test_clusters_carry_their_class_and_medoids(run: Run) -> None:
    rows = cluster_rows(run.analysis("spray").category("cat"))
    assert [row.evidence.id for row in rows] == [0, 1, 2]
    assert {row.class_name for row in rows} == {"cat"}
    assert rows[2].evidence.medoids == ()
    assert rows[2].evidence.composition.accuracy is None


def test_the_most_coherent_cluster_of_the_first_class_is_looked_at_first(run: Run) -> None:
    clusters = [
        {"id": number, "size": 9, "coherence": coherence, "medoids": [1]}
        for number, coherence in enumerate([None, -0.2, 0.4])
    ]
    write(
        run,
        "two",
        first=scored(9.0, clusterings={"kmeans": {"clusters": clusters}}),
        second=scored(1.0, clusterings={"kmeans": {"clusters": [{**clusters[0], "coherence": 0.99}]}}),
        broken=scored(None, None, problem="Too few explanations"),
    )
    found = most_suspicious(run.analysis("two"))
    assert (found.class_name, found.evidence.id, found.evidence.coherence) == ("first", 2, 0.4)
    write(run, "empty", broken=scored(None, None, problem="Too few explanations"))
    assert most_suspicious(run.analysis("empty")) is None


def test_a_confirmed_effect_comes_first_then_contrast_and_separability_decides_only_between_equal_ones() -> None:
    rows = {
        "not confirmed": {"confirmed_effect": 0.0, "detail_contrast": 0.9, "separability": 90.0},
        "small effect": {"confirmed_effect": 0.2, "detail_contrast": 0.1},
        "large effect": {"confirmed_effect": 0.7},
        "mark": {"detail_contrast": 0.8, "separability": 2.0},
        "poses": {"detail_contrast": 0.3, "separability": 300.0},
        "poses, closer": {"detail_contrast": 0.3, "separability": 200.0},
        "no details": {"separability": 400.0},
        "unlike the rest": {"detail_contrast": -0.4, "separability": 1.0},
    }
    given = [ClassRow(0, name, name, 9, 9, **{"separability": 1.0, **scores}) for name, scores in rows.items()]
    ranked = rank_rows(given[::-1], Completeness(8, 8, (), sealed=True))
    assert [row.name for row in ranked] == [
        "large effect", "small effect", "mark", "poses", "poses, closer", "unlike the rest", "no details",
        "not confirmed",
    ]  # fmt: skip


def test_the_modified_z_score_is_unmoved_by_the_outlier_itself() -> None:
    values = [0.1, 0.2, 0.3, 0.4, 50.0]
    found = modified_z([*values, None])
    assert found[:5] == pytest.approx([0.6745 * (value - 0.3) / 0.1 for value in values])
    assert found[5] is None
    assert modified_z([0.5, 0.5, 0.5, 0.9]) == [None] * 4  # no spread to compare with
    assert modified_z([0.1, 0.9]) == [None, None]
