"""Evaluations in every format of the report, and the page that compares methods."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from whyset.evaluation import EvaluationResult
from whyset.report import ReportHeatmaps, as_html, as_json, as_markdown, as_text, report
from whyset.report.curves import draw_curves
from whyset.report.evaluation_page import write_evaluation_page
from whyset.report.evaluations import read_evaluations
from whyset.store import Run
from whyset.store.effects.records import Estimate
from whyset.store.evaluations import EvaluatedSamples, ListedMetric, MetricValues, open_writer

FLIPPING = MetricValues(
    {"name": "deletion", "fields": {}}, "deletion <b>", "lower", (0.5, 0.25, None),
    Estimate(0.375, (0.25, 0.5), 2), 1.0,
    (0.0, 0.5, 1.0), ((1.0, 0.5, 0.0), (1.0, 0.0, 0.0), None),
)  # fmt: skip
MAPS = MetricValues(
    {"name": "sparseness", "fields": {}}, "sparseness", "higher", (0.1, 0.2, 0.3), Estimate(0.2, None, 3)
)
MISSING = MetricValues({"name": "iou", "fields": {}}, "IoU", "higher", problem="it needs masks: none are given.")


def write(run: Run, *metrics: MetricValues, name: str = "evaluation") -> None:
    listed = [ListedMetric.of(one.metric, one.title) for one in metrics]
    writer = open_writer(run.path, name, EvaluatedSamples((1, 2, 4)), listed)
    for entry, one in zip(listed, metrics, strict=True):
        writer.write(entry, one)


@pytest.fixture
def evaluated(run: Run) -> Run:
    write(run, FLIPPING, MAPS, MISSING)
    return run


def test_text_markdown_and_json_have_the_means(evaluated: Run) -> None:
    content = report(evaluated)
    text, page = as_text(content), as_markdown(content)
    assert "Evaluation: metrics of the explanations of 3 samples" in text
    assert re.search(r"deletion <b>\s+lower\s+0\.375 \[0\.250, 0\.500\]\s+2 \(1 undefined\)", text)
    assert "metrics disagree" in text
    assert "| deletion \\<b\\> | lower | 0.375 \\[0.250, 0.500\\] | 2 (1 undefined) |" in page
    assert "- Not measured: IoU (it needs masks: none are given)." in page
    (stored,) = json.loads(as_json(content))["evaluations"]
    assert stored["metrics"][0]["curve"] == [1.0, 0.25, 0.0]
    assert stored["metrics"][2]["problem"] == MISSING.problem


def test_the_page_has_the_curves(evaluated: Run) -> None:
    page = as_html(report(evaluated), ReportHeatmaps(evaluated, evaluated.analysis()))
    section = page.partition('<section class="evaluation">')[2].partition("</section>")[0]
    assert "deletion &lt;b&gt;" in section
    assert "<b>" not in section
    assert section.count("<path") == 1
    assert 'd="M0.0 0.0L80.0 60.0L160.0 80.0"' in section
    assert "1.00 to 0.00" in section


def test_a_run_without_evaluations_has_no_section(run: Run) -> None:
    content = report(run)
    assert content.evaluations == ()
    assert "Evaluation" not in as_text(content) + as_markdown(content)
    assert '<section class="evaluation">' not in as_html(content, ReportHeatmaps(run, run.analysis()))


def test_a_damaged_evaluation_is_a_notice(evaluated: Run) -> None:
    write(evaluated, MAPS, name="second")
    file = evaluated.path / "evaluations/evaluation/evaluation.json"
    file.write_text(file.read_text().replace('"seed": 0', '"seed": 1'))
    first, second = read_evaluations(evaluated)
    assert "cannot be read" in first.notices[0]
    assert len(second.rows) == 1
    assert "Evaluation second" in as_text(report(evaluated))
    assert "its checksum does not match" in " ".join(as_text(report(evaluated)).split())


def test_curves_have_one_scale_with_0() -> None:
    chart = draw_curves("gain", {"a": ([0, 1], [-1.0, 1.0]), "b": ([0, 1], [0.0, 0.5])}, ["b", "a"])
    assert [(line.name, line.number, line.path) for line in chart.lines] == [
        ("a", 1, "M0.0 80.0L160.0 0.0"),
        ("b", 0, "M0.0 40.0L160.0 20.0"),
    ]
    assert chart.caption == "gain, -1 to 1"
    flat = draw_curves("flat", {"a": ([0.5], [0.0])})
    assert flat.lines[0].path == "M0.0 0.0"


def test_a_page_compares_methods() -> None:
    def shift(values: MetricValues, by: float) -> MetricValues:
        shifted = tuple(None if value is None else value + by for value in values.values)
        return replace(values, values=shifted, mean=replace(values.mean, value=values.mean.value + by, interval=None))

    long = replace(MAPS, values=tuple(number / 50 for number in range(20)), mean=Estimate(0.19, (0.1, 0.3), 20))
    methods: dict[str, Any] = {
        "lrp": {"deletion": FLIPPING, "sparseness": shift(long, 0.1)},
        "grad<i>": {"deletion": FLIPPING, "sparseness": long, "IoU": MISSING},
    }
    page = write_evaluation_page(EvaluationResult(methods, 20, notices=("Other weights.",)))
    assert "<strong>0.290</strong>" in page
    assert "lrp better than grad&lt;i&gt; (p &lt; 0.001)" in page
    assert "+0.1 [+0.1, +0.1]" in page
    assert "deletion" in page
    assert "grad&lt;i&gt;: not measured: IoU (it needs masks: none are given)." in page
    assert "Other weights." in page
    assert page.count("<path") == 2
    assert "<i>" not in page
