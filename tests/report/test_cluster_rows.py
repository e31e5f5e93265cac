from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from whyset.report import rank_classes
from whyset.report.cluster_rows import cluster_rows, most_suspicious
from whyset.store import CategoryResult, Run
from whyset.store.evidence import from_info


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
