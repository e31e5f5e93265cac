"""Evidence comes back as it was written; what is damaged is refused by name, and the form of before is converted.

Evidence that names explanations or clusters that are not there is the problem of its class, and of no other.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whyset.cli import main
from whyset.errors import BrokenRunError, InputError
from whyset.report import as_html, as_json, report
from whyset.report.pictures import ReportHeatmaps
from whyset.store import Run
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
from whyset.store.jsonfile import json_checksum

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


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file as somebody does who knows how its checksum is made."""
    stored = json.loads(file.read_text())
    change(stored)
    stored["checksum"] = json_checksum(stored)
    file.write_text(json.dumps(stored))


@pytest.fixture
def run(sample_run: Any, tmp_path: Path) -> Run:
    return sample_run.make_sample_run(tmp_path / "run")


def clusters(stored: dict[str, Any]) -> Any:
    evidence = stored["evidence"]
    return evidence["clusterings"][evidence["default_clustering"]]["clusters"]


PROTOTYPES = {"covariance": "diag", "weights": [1.0]}
STRANGERS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "beyond": (lambda stored: clusters(stored)[0].update(medoids=[60]), "the explanation 60: expected 0 to 59"),
    "negative": (lambda stored: clusters(stored)[1].update(medoids=[-1]), "the explanation -1"),
    "huge": (lambda stored: clusters(stored)[0].update(medoids=[2**63]), "the explanation 9223372036854775808"),
    "prototype": (
        lambda stored: stored["evidence"].update(prototypes={**PROTOTYPES, "explanations": [-60], "outliers": []}),
        "the explanation -60",
    ),
    "outlier": (
        lambda stored: stored["evidence"].update(prototypes={**PROTOTYPES, "explanations": [0], "outliers": [99]}),
        "the explanation 99",
    ),
    "cluster": (lambda stored: clusters(stored)[0].update(id=-1), "cluster -1 of kmeans is at the position of"),
}


@pytest.mark.parametrize(("change", "message"), STRANGERS.values(), ids=STRANGERS)
def test_it_is_told_and_the_other_classes_are_as_before(change, message, run: Run, tmp_path: Path) -> None:
    before = {row.id: row for row in report(run).classes}
    edit(run.path / "analyses/spray/00002/category.json", change)
    analysis = run.analysis("spray")
    problem = analysis.category("00002").problem
    assert problem is not None
    assert message in problem
    assert [(one.kind, one.where) for one in run.verify()] == [("damaged", "analyses/spray/00002")]
    told = report(run)
    for row in told.classes:
        if row.id != "00002":
            assert (row.separability, row.n_explanations) == (
                before[row.id].separability,
                before[row.id].n_explanations,
            )
    assert json.loads(as_json(told))
    assert message in as_html(told, ReportHeatmaps(run, analysis))
    assert main(["report", str(run.path), "--out", str(tmp_path / "page.html")]) == 0
    assert main(["export-html", str(run.path), str(tmp_path / "viewer.html")]) == 0


@pytest.mark.parametrize("rows", [[-1, 3], [0, 60], [[0, 1]], [0.0, 1.0]])
def test_a_column_that_names_no_rows_is_damaged(rows: Any, run: Run) -> None:
    folder = run.path / "analyses/spray/00002"
    values = np.array(rows)
    (columns,) = {file.parent for file in folder.rglob("index.npy")}
    np.save(columns / "index.npy", values)

    def describe(stored: dict[str, Any]) -> None:
        from whyset.store.commits import checksum

        stored["columns"]["index"] = {
            "dtype": values.dtype.str, "shape": list(values.shape), "crc32": checksum(values)
        }  # fmt: skip

    edit(folder / "category.json", describe)
    with pytest.raises(BrokenRunError, match=r"index\.npy is damaged"):
        run.analysis("spray").category("00002").column("index")
    (problem,) = run.verify()
    assert problem.where == "analyses/spray/00002/index.npy"
