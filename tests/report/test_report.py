import json
import re

import numpy as np

from whyset.report import as_json, as_markdown, as_text, report
from whyset.store import CategoryResult, Run


def test_the_report_counts_what_the_run_holds(run: Run) -> None:
    told = report(run.path)
    assert (told.samples, told.explained, told.failed, told.analysis) == (60, 59, 1, "spray")
    explained = (run.column("status") == 1) & (run.labels >= 0)
    assert told.accuracy == np.mean((run.column("prediction") == run.labels)[explained])
    assert [row.name for row in told.classes] == ["horse", "dog <b>&amp;", "cat"]
    assert len(told.clusters) == 9
    assert told.treatment == (("horse", "1 sample without a label is left out"),)
    assert told == report(run, run.analysis("spray"))


def test_text_shows_every_class_in_order_and_no_markup_is_read(run: Run) -> None:
    text = as_text(report(run))
    places = [text.index(name) for name in ("horse", "dog <b>&amp;", "cat")]
    assert places == sorted(places)
    assert "\x1b" not in text
    assert "Look first at cluster" in text
    assert "59 of 60 samples explained, 1 failed" in text
    row = next(line for line in text.splitlines() if "horse" in line and "5.00" in line)
    assert row.split() == ["1", "horse", "18", "0.90", "5.00", "0.010", "0.700", "3"]


def test_an_analysis_alone_shows_its_ranking(run: Run) -> None:
    text = as_text(run.analysis("spray"))
    assert "horse" in text
    assert "Look first" not in text


def test_names_like_markup_are_shown_as_they_are(run: Run) -> None:
    writer = run.analysis_writer("names", {})
    for number, name in enumerate(("[red]cat[/red]", "a|b", "<script>")):
        writer.write(CategoryResult(f"{number:05d}", name, {"index": np.arange(2)}, {"problem": "Too *few* samples"}))
    told = report(run, "names")
    assert "[red]cat[/red]" in as_text(told)
    assert "[red]cat[/red]: Too *few* samples" in as_text(told)
    page = as_markdown(told)
    assert "a\\|b" in page
    assert "<script>" not in page
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 9 for line in page.splitlines() if line.startswith("| "))


def test_json_holds_the_fields_and_null_for_what_is_not_known(run: Run) -> None:
    stored = json.loads(as_json(report(run)))
    assert stored["classes"][0]["name"] == "horse"
    assert stored["classes"][2]["p_value"] is None
    assert stored["most_suspicious"]["class_name"] == "horse"


def test_a_ranking_that_noise_gives_too_is_said_to_be_one(run: Run) -> None:
    assert "stands out" not in as_text(report(run))
    writer = run.analysis_writer("noise", {})
    cluster = {"id": 0, "size": 9, "coherence": 0.1, "medoids": [1]}
    for number, p_value in enumerate((0.3, 0.01)):
        info = {
            "scores": {"separability": {"value": 5.0 - number, "p_value": p_value}},
            "default_clustering": "kmeans",
            "clusterings": {"kmeans": {"clusters": [cluster]}},
            "treatment": ["the same treatment"],
        }
        writer.write(CategoryResult(f"{number:05d}", f"class {number}", {"index": np.arange(2)}, info))
    told = as_text(report(run, "noise"))
    assert "(p = 0.300" in told
    assert "class 0, class 1: the same treatment" in told
