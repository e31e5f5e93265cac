"""The classes of a run: one for each output of the model, or two for a single output."""

from collections.abc import Sequence

from whyset.errors import InputError
from whyset.runner.labels import Labels
from whyset.runner.sources import Source

BINARY = ("0", "1")
"""Names of the classes of one output if the data has none: the output is that of class 1, its negative of class 0."""


def name_classes(source: Source, given: Labels | None, outputs: int) -> tuple[str, ...]:
    """Get the names of the classes: `given`, those of the data, or numbers.

    A model with one output has two classes if two names are given or the data has labels, and otherwise one, the
    value of a regression. Raises InputError if the number of classes does not fit the number of outputs.
    """
    names = source.class_names if given is None else given.names
    if names is None:
        return BINARY if outputs == 1 and _has_labels(source) else tuple(map(str, range(outputs)))
    if len(names) == outputs or is_binary(len(names), outputs):
        return tuple(names)
    if given is None and len(names) < outputs:
        raise InputError(
            f"the data has {len(names)} classes, but the model has {outputs} outputs, so the output of each class is "
            "unknown: give the names of all outputs by --labels labels.json (class_names=)"
        )
    raise InputError(f"expected {outputs} class names, one for each output of the model, got {len(names)}")


def is_binary(classes: int, outputs: int) -> bool:
    """True for two classes and one output."""
    return (classes, outputs) == (2, 1)


def require_classes(labels: Sequence[int | None], classes: int, outputs: int) -> None:
    """Raise InputError if all labels are known and none is a class of the model."""
    if any(label is None or 0 <= label < classes for label in labels):
        return
    there = f"it has outputs 0 to {outputs - 1}"
    if outputs == 1:
        there = "its one output separates classes 0 and 1; for a regression omit the labels"
    raise InputError(f"label {labels[0]} is not a class of the model: {there}")


def _has_labels(source: Source) -> bool:
    return bool((source.labels >= 0).any())
