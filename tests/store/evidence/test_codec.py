"""Evidence comes back as it was written; what is damaged is refused by name, and the form of before is converted."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from whyset.errors import BrokenRunError, InputError
from whyset.store.analyses import open_analysis
from whyset.store.evidence import (
    ClassEvidence,
    ContrastTest,
    DifferenceTest,
    EnrichmentTest,
    PrototypeEvidence,
    SeparabilityTest,
    StabilityEvidence,
    from_info,
    from_json,
    to_json,
)

ARCHIVES = Path(__file__).parents[2] / "data/archives"


def through_a_file(evidence: ClassEvidence) -> ClassEvidence:
    return from_json(json.loads(json.dumps(to_json(evidence))))


def test_what_is_written_comes_back() -> None:
    (category,) = [one for one in open_analysis(ARCHIVES / "analysis-1.1", "spray").categories if one.name == "horse"]
    prototypes = PrototypeEvidence("diag", (0.5, 0.5), (3, 4), (9,))
    full = replace(category.evidence, prototypes=prototypes, separability=SeparabilityTest(2.5, 0.1, 9, 1.5, "Copula"))
    assert through_a_file(full) == full
    assert through_a_file(ClassEvidence()) == ClassEvidence()


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("n_explanations",), "32", "n_explanations"),
        (("separability", "value"), "high", "separability.value"),
        (("clusterings", "kmeans", "clusters", 0, "medoids"), [1.5], "clusterings.kmeans.clusters.0.medoids.0"),
        (
            ("clusterings", "kmeans", "clusters", 1, "coherence"),
            float("nan"),
            "clusterings.kmeans.clusters.1.coherence",
        ),
    ],
)
def test_a_field_of_another_type_is_refused_by_its_name(path: tuple, value: object, named: str) -> None:
    stored = to_json(open_analysis(ARCHIVES / "analysis-1.1", "spray").category("horse").evidence)
    stored = json.loads(json.dumps(stored))
    place = stored
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(BrokenRunError, match=named.replace(".", r"\.")):
        from_json(stored)


def test_a_newer_major_version_asks_for_an_update_and_a_newer_field_is_passed_over() -> None:
    with pytest.raises(InputError, match="update whyset"):
        from_json(to_json(ClassEvidence()) | {"schema": "9.0"})
    assert from_json(to_json(ClassEvidence()) | {"schema": "1.9", "later": 3}) == ClassEvidence()


def test_an_analysis_of_format_1_1_is_converted_number_by_number() -> None:
    evidence = open_analysis(ARCHIVES / "analysis-1.1", "spray").category("horse").evidence
    stored = json.loads((ARCHIVES / "analysis-1.1/analyses/spray/00002/category.json").read_text())["info"]
    assert (evidence.n_explanations, evidence.n_samples, evidence.array) == (32, None, "attribution/input")
    assert evidence.separability == SeparabilityTest(
        stored["scores"]["separability"]["value"],
        stored["scores"]["separability"]["p_value"],
        9,
        stored["scores"]["separability"]["null_median"],
        "CopulaSurrogates",
    )
    clustering, old = evidence.clustering, stored["clusterings"]["kmeans"]
    assert (clustering.n_clusters, clustering.n_noise, clustering.n_enrichment_tests) == (
        2,
        0,
        old["enrichment"]["tests"],
    )
    assert clustering.stability == StabilityEvidence(
        old["stability"]["adjusted_rand"], tuple(old["stability"]["range"]), 5, old["stability"]["share"]
    )
    for cluster, before, recovery in zip(
        clustering.clusters, old["clusters"], old["stability"]["recovery"], strict=True
    ):
        assert (cluster.id, cluster.recovery, list(cluster.medoids)) == (before["id"], recovery, before["medoids"])
        contrast = before["confidence_contrast"]
        assert cluster.confidence_contrast == ContrastTest(
            **contrast
            | {
                "inside_interval": tuple(contrast["inside_interval"]),
                "outside_interval": tuple(contrast["outside_interval"]),
            }
        )
        difference = before["difference"]
        assert cluster.difference == DifferenceTest(difference["p_value"], difference["threshold"], difference["share"])
        (first, *_) = [test for test in old["enrichment"]["smallest"] if test["cluster"] == cluster.id]
        assert cluster.enrichment[0] == EnrichmentTest(
            first["attribute"], first["value"], first["inside"], first["size"], first["outside"], first["others"],
            first["p_value"], first["q_value"], first["odds_ratio"],
        )  # fmt: skip
    assert evidence.graph.n_neighbors == stored["graph"]["neighbours"]
    assert evidence.graph.affinity == stored["graph"]["affinity"]


@pytest.mark.parametrize("info", [[], {"scores": 3}, {"clusterings": {"kmeans": []}}, {"size": "x"}])
def test_damaged_info_is_refused(info: object) -> None:
    with pytest.raises(BrokenRunError, match="damaged"):
        from_info(info)


def test_a_sealed_analysis_of_format_2_0_is_read_and_holds_what_format_1_1_held() -> None:
    """Both archives were made from the same relevance with the same seed."""
    before = open_analysis(ARCHIVES / "analysis-1.1", "spray", one_target=True)
    sealed = open_analysis(ARCHIVES / "analysis-2.0", "spray")
    assert [one.name for one in sealed.listed] == ["cat", "dog", "horse"]
    for old, new in zip(before.categories, sealed.categories, strict=True):
        assert (old.problem, new.problem, old.sealed, new.sealed) == (None, None, False, True)
        assert old.evidence == new.evidence
