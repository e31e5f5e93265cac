"""What is known and predicted of a sample, as text: classes, or the values and labels of other kinds of outputs."""

import math

from whyset.store.layout import BOX, OUTPUT_VALUE, PREDICTED, TRUE_LABELS, find_true_value
from whyset.viewer.run_registry import LoadedRun


def describe_truth(opened: LoadedRun, row: int, label: int | None, target: int | None) -> str | None:
    """Describe what is known of a sample: its class, its labels, or the true value of the explained output."""
    table = opened.samples
    value = find_true_value(table.column_names, opened.class_name(target))
    if value is not None:
        return _format(table[value][row].as_py())
    if TRUE_LABELS in table.column_names:
        return table[TRUE_LABELS][row].as_py() or "none"
    return opened.class_name(label)


def describe_prediction(opened: LoadedRun, row: int, prediction: int | None, target: int | None) -> str | None:
    """Describe what the model predicts: a class, whether a label, or the explained value."""
    kind = opened.run.config.output_kind_name
    if kind == "multilabel":
        negation = "" if opened.column(PREDICTED)[row] else "not "
        return f"{negation}{opened.class_name(target)}"
    if not opened.run.config.has_predictions:
        return _format(float(opened.column(OUTPUT_VALUE)[row]))
    return opened.class_name(prediction)


def get_box(opened: LoadedRun, row: int) -> tuple[float, float, float, float] | None:
    """Return the box of a detected object, left, top, right, bottom in pixels of the input; None without one."""
    table = opened.samples
    if not set(BOX) <= set(table.column_names):
        return None
    sides = [table[name][row].as_py() for name in BOX]
    if not all(isinstance(side, int | float) and math.isfinite(side) for side in sides):
        return None
    left, top, right, bottom = map(float, sides)
    return left, top, right, bottom


def _format(value: float) -> str | None:
    return f"{value:.4g}" if math.isfinite(value) else None
