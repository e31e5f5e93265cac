"""The classes of a run: one for each output of the model, or two that a single output tells apart."""

from collections.abc import Sequence

from whyset.errors import InputError
from whyset.runner.labels import Labels
from whyset.runner.sources import Source

BINARY = ("0", "1")
"""Names of the classes of one output where the data has none: it speaks for class 1, and its negative for class 0."""


def name_classes(source: Source, given: Labels | None, outputs: int) -> tuple[str, ...]:
    """Names of the classes: `given`, those of the data, or numbers.

    A model with one output has two classes where two names are given or the data has labels, and else one: the value
    of a regression. InputError: data with another number of classes needs to be told which output each one is.
    """
    names = source.class_names if given is None else given.names
    if names is None:
        return BINARY if outputs == 1 and _has_labels(source) else tuple(map(str, range(outputs)))
    if len(names) == outputs or is_binary(len(names), outputs):
        return tuple(names)
    if given is None and len(names) < outputs:
        raise InputError(
            f"the data has {len(names)} classes and the model {outputs} outputs, so their order does not say "
            "which output each one is: give the names of all outputs by --labels labels.json (class_names=)"
        )
    raise InputError(f"there are {len(names)} class names, but the model has {outputs} outputs")


def is_binary(classes: int, outputs: int) -> bool:
    """Whether one output tells two classes apart."""
    return (classes, outputs) == (2, 1)


def require_classes(labels: Sequence[int | None], classes: int, outputs: int) -> None:
    """InputError: every one of the labels is known, and none is a class of the model."""
    if any(label is None or 0 <= label < classes for label in labels):
        return
    there = f"the model has outputs 0 to {outputs - 1}"
    if outputs == 1:
        there = "one output tells classes 0 and 1 apart; for a regression leave the labels out"
    raise InputError(f"label {labels[0]}: there is no such class; {there}")


def _has_labels(source: Source) -> bool:
    return bool((source.labels >= 0).any())
