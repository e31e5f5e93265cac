"""Every number of the evidence is shown by one formatter: changing it changes text, HTML, JSON and API."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

import numpy as np
import pytest
from pydantic import TypeAdapter

from whyset.report import as_html, as_json, as_text, report
from whyset.report.evidence_lines import FORMATTERS, describe_evidence
from whyset.report.pictures import ReportHeatmaps
from whyset.store import CategoryResult, Run
from whyset.store.evidence import (
    EVIDENCE_SCHEMA,
    ClassEvidence,
    ClusterEvidence,
    ClusteringEvidence,
    ClusterJoin,
    Composition,
    ContrastTest,
    DifferenceTest,
    EigengapEvidence,
    EmbeddingEvidence,
    EnrichmentTest,
    NeighborGraph,
    PrototypeEvidence,
    SeparabilityTest,
    SmallClusterEvidence,
    SmallClustersEvidence,
    StabilityEvidence,
    to_json,
)

CONTRAST = ContrastTest(0.31, (0.21, 0.41), 0.61, (0.51, 0.71), 0.012)
CLUSTER = ClusterEvidence(
    0, 14, 12, Composition(0.81, 0.82, 0.83), 3.1, 0.91, 0.41, 0.71, (2, 5), CONTRAST, CONTRAST,
    DifferenceTest(0.021, 3.3, 0.26, (4, 7)), (EnrichmentTest("prediction", "1", 9, 11, 3, 25, 0.031, 0.042, 13.0),),
    (4, 6), 0.74, 0.11,
)  # fmt: skip
JOIN = ClusterJoin((1,), (2, 3), 0.95, 0.93)
STABILITY = StabilityEvidence(0.77, (0.66, 0.88), 20, 0.8)
EVIDENCE = ClassEvidence(
    n_explanations=28,
    n_samples=24,
    label=1,
    composition=Composition(0.61, 0.62, 0.63),
    separability=SeparabilityTest(4.1, 0.13, 99, 1.7, "CopulaSurrogates", 5.26, 2.15),
    eigengap=EigengapEvidence(0.231, 3, True, 20, 0.96),
    graph=NeighborGraph(5, 6, 8, 0.94),
    clusterings={
        "kmeans": ClusteringEvidence(
            1, "eigengap", 9, 4.4, 0.51, StabilityEvidence(0.77, (0.66, 0.88), 20, 0.8), 31, (CLUSTER,), (JOIN,), 12
        )
    },
    default_clustering="kmeans",
    prototypes=PrototypeEvidence("diag", (0.25, 0.75), (7, 8), (9,)),
    small_clusters=SmallClustersEvidence(46, 19, 5.3, (SmallClusterEvidence((2, 5), 16, 15, 24.6, 0.86, 30),)),
)
NOT_SHOWN = {EmbeddingEvidence}
"""Of an embedding the pages show the embedding itself; its number of components is the width of a column."""


def changed(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every record that differs in one number, with the place of that number."""
    if isinstance(value, bool):
        yield "", not value
    elif isinstance(value, int):
        yield "", value + 1
    elif isinstance(value, float):
        yield "", value + 0.05
    elif isinstance(value, tuple):
        for place, part in enumerate(value):
            for name, other in changed(part):
                yield f".{place}{name}", (*value[:place], other, *value[place + 1 :])
    elif isinstance(value, Mapping):
        for key, part in value.items():
            for name, other in changed(part):
                yield f".{key}{name}", {**value, key: other}
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            for name, other in changed(getattr(value, field.name)):
                yield f".{field.name}{name}", dataclasses.replace(value, **{field.name: other})


def pages(run: Run, evidence: ClassEvidence) -> tuple[str, str, str]:
    columns = {"index": np.arange(2), "clustering.kmeans": np.zeros(2, np.int32)}
    run.analysis_writer("one", {}).write(CategoryResult("00000", "cat", columns, evidence))
    told = report(run, "one")
    return as_text(told), as_html(told, ReportHeatmaps(run, run.analysis("one"))), as_json(told)


def test_every_number_is_shown_in_text_and_html_and_sent(run: Run) -> None:
    before, sent = pages(run, EVIDENCE), TypeAdapter(ClassEvidence).dump_json(EVIDENCE)
    cases = dict(changed(EVIDENCE))
    assert len(cases) > 60
    for place, evidence in cases.items():
        after = pages(run, evidence)
        assert [old != new for old, new in zip(before, after, strict=True)] == [True] * 3, place
        assert TypeAdapter(ClassEvidence).dump_json(evidence) != sent, place


def test_the_api_sends_all_that_is_stored() -> None:
    sent = json.loads(TypeAdapter(ClassEvidence).dump_json(EVIDENCE))
    assert {"schema": EVIDENCE_SCHEMA, **sent} == json.loads(json.dumps(to_json(EVIDENCE)))


def parts(record: type) -> Iterator[type]:
    yield record
    for hint in get_type_hints(record).values():
        for part in (hint, *getattr(hint, "__args__", ())):
            if dataclasses.is_dataclass(part):
                yield from parts(part)


def test_every_field_is_filled_in_this_test() -> None:
    shown = [part for part in all_parts(EVIDENCE) if type(part) not in NOT_SHOWN]
    assert {type(part) for part in shown} == set(parts(ClassEvidence)) - NOT_SHOWN
    numbers = {
        (type(part), field.name)
        for part in shown
        for field in dataclasses.fields(part)
        if dict(changed(getattr(part, field.name)))
    }
    texts = {"grouped_by", "purity_of", "array", "problem", "default_clustering", "default_embedding", "embeddings",
             "data_issues", "null", "affinity", "covariance", "attribute", "value", "selected_by"}  # fmt: skip
    for part in shown:
        for field in dataclasses.fields(part):
            assert (type(part), field.name) in numbers or field.name in texts, (type(part), field.name)


def all_parts(value: Any) -> Iterator[Any]:
    if dataclasses.is_dataclass(value):
        yield value
        for field in dataclasses.fields(value):
            yield from all_parts(getattr(value, field.name))
    elif isinstance(value, tuple | Mapping):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from all_parts(part)


def test_formatters_name_fields_that_there_are() -> None:
    for record, known in FORMATTERS.items():
        assert set(known) <= {field.name for field in dataclasses.fields(record)}, record


def test_a_score_without_a_formatter_is_refused() -> None:
    @dataclasses.dataclass(frozen=True)
    class Margin:
        margin: float

    with pytest.raises(KeyError, match=r"Margin\.margin has no formatter"):
        list(describe_evidence(Margin(0.1)))
