"""Evaluations of explanations by metrics, as typed records that are stored in the run."""

from whyset.store.evaluations.files import (
    Evaluation,
    ListedMetric,
    StoredMetric,
    list_evaluations,
    open_evaluation,
)
from whyset.store.evaluations.records import EVALUATION_SCHEMA, EvaluatedSamples, MetricValues
from whyset.store.evaluations.writer import EvaluationWriter, open_writer

__all__ = [
    "EVALUATION_SCHEMA",
    "EvaluatedSamples",
    "Evaluation",
    "EvaluationWriter",
    "ListedMetric",
    "MetricValues",
    "StoredMetric",
    "list_evaluations",
    "open_evaluation",
    "open_writer",
]
