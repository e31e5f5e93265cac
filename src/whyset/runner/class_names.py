"""The classes of a run: one for each score of the model."""

from collections.abc import Sequence

from whyset.errors import InputError
from whyset.runner.labels import Labels
from whyset.runner.sources import Source


def name_classes(source: Source, given: Labels | None, outputs: int) -> tuple[str, ...]:
    """Get the names of exclusive classes: `given`, those of the data, or numbers.

    Raises InputError if the number of classes does not fit the number of outputs.
    """
    names = source.class_names if given is None else given.names
    if names is None:
        return tuple(map(str, range(outputs)))
    if len(names) == outputs:
        return tuple(names)
    if given is None and len(names) < outputs:
        raise InputError(
            f"the data has {len(names)} classes, but the model has {outputs} outputs, so the output of each class is "
            "unknown: give the names of all outputs by --labels labels.json (class_names=)"
        )
    raise InputError(f"expected {outputs} class names, one for each output of the model, got {len(names)}")


def require_classes(labels: Sequence[int | None], classes: int, outputs: int) -> None:
    """Raise InputError if all labels are known and none is a class of the model, which has this number of outputs."""
    if any(label is None or 0 <= label < classes for label in labels):
        return
    there = f"it has outputs 0 to {outputs - 1}"
    if outputs == 1:
        there = 'its one output separates classes 0 and 1; a regression needs output_kind="regression" '
        there += "(--output-kind regression)"
    raise InputError(f"label {labels[0]} is not a class of the model: {there}")
