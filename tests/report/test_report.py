import json
import re
from dataclasses import replace

import numpy as np
import pytest

from whyset.report import as_json, as_markdown, as_text, report
from whyset.report.class_rows import ClusterRow
from whyset.report.words import reason_to_look
from whyset.store import CategoryResult, Run
from whyset.store.evidence import ClusterEvidence, Composition, from_info


def test_the_report_counts_what_the_run_holds(run: Run) -> None:
    told = report(run.path)
    assert (told.n_samples, told.n_explained, told.n_failed, told.analysis) == (60, 59, 1, "spray")
    explained = (run.column("status") == 1) & (run.labels >= 0)
    assert told.accuracy == np.mean((run.column("prediction") == run.labels)[explained])
    assert [row.name for row in told.classes] == ["horse", "dog <b>&amp;", "cat"]
    assert len(told.clusters) == 9
    assert told.data_issues == (("horse", "1 sample without a label is left out"),)
    assert told == report(run, run.analysis("spray"))


def test_text_shows_every_class_in_order_and_no_markup_is_read(run: Run) -> None:
    text = as_text(report(run))
    places = [text.index(name) for name in ("horse", "dog <b>&amp;", "cat")]
    assert places == sorted(places)
    assert "\x1b" not in text
    assert "Look first at cluster" in text
    assert "59 of 60 samples explained, 1 failed" in text
    row = next(line for line in text.splitlines() if "horse" in line and "5.00" in line)
    assert row.split() == ["1", "horse", "18", "0.90", "-", "5.00", "0.010", "0.010", "0.93", "3"]


def test_an_analysis_alone_shows_its_ranking(run: Run) -> None:
    text = as_text(run.analysis("spray"))
    assert "horse" in text
    assert "Look first" not in text


def test_names_like_markup_are_shown_as_they_are(run: Run) -> None:
    writer = run.analysis_writer("names", {})
    for number, name in enumerate(("[red]cat[/red]", "a|b", "<script>")):
        writer.write(
            CategoryResult(f"{number:05d}", name, {"index": np.arange(2)}, from_info({"problem": "Too *few* samples"}))
        )
    told = report(run, "names")
    assert "[red]cat[/red]" in as_text(told)
    assert "[red]cat[/red]: Too *few* samples" in as_text(told)
    page = as_markdown(told)
    assert "a\\|b" in page
    assert "<script>" not in page
    classes = [line for line in page.partition("## Scores")[0].splitlines() if line.startswith("| ")]
    assert len(classes) == 5
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in classes} == {11}


def test_json_holds_the_fields_and_null_for_what_is_not_known(run: Run) -> None:
    stored = json.loads(as_json(report(run)))
    assert stored["classes"][0]["name"] == "horse"
    assert stored["classes"][2]["p_value"] is None
    assert stored["most_suspicious"]["class_name"] == "horse"


@pytest.mark.parametrize(
    ("p_values", "said"),
    [
        ((0.3, 0.2), "No class stands out from noise (q = 0.300 for the first)."),
        ((0.3, 0.01), "Class class 0 does not stand out from noise (q = 0.300), a later one does."),
        ((0.3, None), "No class stands out from noise (q = 0.300 for the first)."),
    ],
    ids=str,
)
def test_a_ranking_that_noise_gives_too_is_said_to_be_one(
    run: Run, p_values: tuple[float | None, ...], said: str
) -> None:
    assert "out from noise" not in as_text(report(run))
    writer = run.analysis_writer("noise", {})
    cluster = {"id": 0, "size": 9, "coherence": 0.1, "medoids": [1]}
    for number, p_value in enumerate(p_values):
        info = {
            "scores": {"separability": {"value": 5.0 - number, "p_value": p_value}},
            "default_clustering": "kmeans",
            "clusterings": {"kmeans": {"clusters": [cluster]}},
            "treatment": ["the same treatment"],
        }
        writer.write(CategoryResult(f"{number:05d}", f"class {number}", {"index": np.arange(2)}, from_info(info)))
    told = as_text(report(run, "noise"))
    assert said in " ".join(told.split())
    assert "class 0, class 1: the same treatment" in told


def test_p_values_are_corrected_for_the_number_of_classes(run: Run) -> None:
    writer = run.analysis_writer("many", {})
    for number, p_value in enumerate((0.01, 0.04, 0.5, None)):
        scores = {"separability": {"value": 5.0 - number, "p_value": p_value}}
        writer.write(
            CategoryResult(f"{number:05d}", f"c{number}", {"index": np.arange(2)}, from_info({"scores": scores}))
        )
    assert [row.q_value for row in report(run, "many").classes] == [0.03, 0.06, 0.5, None]


def test_classes_whose_clusters_fall_apart_are_marked(run: Run) -> None:
    writer = run.analysis_writer("apart", {})
    clusters = [{"id": number, "size": 9, "medoids": [1]} for number in range(2)]
    for number, components in enumerate((2, 1)):
        info = {
            "scores": {"separability": {"value": 500.0 - number}},
            "default_clustering": "kmeans",
            "clusterings": {"kmeans": {"clusters": clusters}},
            "components": components,
        }
        writer.write(CategoryResult(f"{number:05d}", f"c{number}", {"index": np.arange(2)}, from_info(info)))
    text = as_text(report(run, "apart"))
    assert "500.00*" in text
    assert "499.00*" not in text


def test_markdown_tells_clusters_definitions_and_provenance(run: Run) -> None:
    page = as_markdown(report(run))
    for part in ("## horse", "## Scores", "Benjamini, Hochberg 1995", "## Provenance", "sample.py:network"):
        assert part in page
    section = page.partition("## horse")[2].partition("## ")[0]
    assert len([line for line in section.splitlines() if line.startswith("| ")]) == 2 + 3


def test_json_carries_the_definitions(run: Run) -> None:
    stored = json.loads(as_json(report(run)))
    assert {"separability", "q", "stability"} <= {part["score"] for part in stored["definitions"]}
    assert dict(stored["provenance"])["model"] == "sample.py:network"


def test_where_to_look_claims_nothing_of_unknown_scores() -> None:
    evidence = ClusterEvidence(1, 7, 7, Composition(accuracy=0.5), coherence=0.9)
    known = ClusterRow("00000", "cat", "kmeans", evidence)
    bare = replace(known, evidence=ClusterEvidence(1, 7, 7))
    told = "Look first at cluster 1 of class cat: 7 samples"
    alike = "whose relevance maps are more alike than in the class's other clusters (mean cosine 0.9"
    assert reason_to_look(known, []).startswith(f"{told}, {alike}")
    assert reason_to_look(bare, []) == f"{told}."
