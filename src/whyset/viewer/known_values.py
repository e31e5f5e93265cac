"""What is known and predicted of a sample, as text: classes, or the values and labels of other kinds of outputs."""

import math

from whyset.store.layout import OUTPUT_VALUE, PREDICTED, TRUE_LABELS, TRUE_VALUE
from whyset.viewer.run_registry import LoadedRun


def describe_truth(opened: LoadedRun, row: int, label: int | None, target: int | None) -> str | None:
    """Describe what is known of a sample: its class, its labels, or the true value of the explained output."""
    table = opened.samples
    value = f"{TRUE_VALUE}.{opened.class_name(target)}"
    name = next((name for name in (TRUE_VALUE, value, TRUE_LABELS) if name in table.column_names), None)
    if name is None:
        return opened.class_name(label)
    known = table[name][row].as_py()
    if isinstance(known, float):
        return _format(known)
    return known or "none"


def describe_prediction(opened: LoadedRun, row: int, prediction: int | None, target: int | None) -> str | None:
    """Describe what the model predicts: a class, whether a label, or the explained value."""
    kind = opened.run.config.output_kind_name
    if kind == "multilabel":
        negation = "" if opened.column(PREDICTED)[row] else "not "
        return f"{negation}{opened.class_name(target)}"
    if not opened.run.config.has_predictions:
        return _format(float(opened.column(OUTPUT_VALUE)[row]))
    return opened.class_name(prediction)


def _format(value: float) -> str | None:
    return f"{value:.4g}" if math.isfinite(value) else None
