"""The rows of a run: its samples, or one row for each label of a sample, with labels in the form of the output kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.runner.output_kinds import Dense, Located, Multilabel, OutputKind, Regression
from whyset.runner.sources import RowSource, Source
from whyset.runner.sources.given_labels import GivenLabels, LabelForm, list_labels
from whyset.runner.sources.source import UNKNOWN
from whyset.runner.targets import Label, Listed, Targets
from whyset.store.layout import TRUE_LABELS, TRUE_VALUE


@dataclass(frozen=True, eq=False)
class Rows:
    """The source of the rows of a run, and a note for users if these are not its samples."""

    source: Source
    note: str = ""


def make_rows(source: Source, kind: OutputKind, targets: Targets, names: Sequence[str]) -> Rows:
    """Make the rows of a run from its samples, for scores of these names.

    InputError: labels are not those of the output kind, or a list of targets has not one for each sample.
    """
    labels = list_labels(source)
    _require_labels(labels, kind, len(names))
    columns = make_columns(labels, kind, names, source.class_names or names)
    listed = next((part for part in targets.parts if isinstance(part, Listed)), None)
    if listed is not None:
        return Rows(_list_rows(source, listed, targets, kind, columns))
    if isinstance(kind, Multilabel | Dense) and Label() in targets.parts:
        sets = _get_sets(labels)
        if any(sets):
            return _expand(source, sets, targets, names, columns)
    if kind.exclusive and not columns:
        return Rows(source)
    classes = source.labels if kind.exclusive else np.full(len(source), UNKNOWN)
    note = f"labels are not single classes, and are kept as {', '.join(columns)}" if kind.exclusive else ""
    return Rows(RowSource(source, np.arange(len(source)), classes, source.ids, classes, columns), note)


def _require_labels(labels: GivenLabels, kind: OutputKind, count: int) -> None:
    if labels.form is LabelForm.OBJECTS:
        raise InputError(
            f"labels are boxes of objects, but outputs are of kind {kind.name}: give output_kind='boxes' "
            "(--output-kind boxes), or a data set without these labels"
        )
    if (kind.exclusive or isinstance(kind, Multilabel)) and labels.columns not in (None, count):
        raise InputError(
            f"labels have {labels.columns} columns, but the model has {count} outputs: expected one column for each"
        )
    if isinstance(kind, Regression) and labels.values is None:
        raise InputError(
            "the output kind regression needs labels that are numbers, or none: give true values as labels, or "
            "another output_kind= (--output-kind)"
        )
    if isinstance(kind, Multilabel):
        outside = next((one for found in _get_sets(labels) for one in found if one >= count), None)
        if outside is not None:
            raise InputError(f"label {outside} is not one of the model's outputs, 0 to {count - 1}")


def _get_sets(labels: GivenLabels) -> list[tuple[int, ...]]:
    """Return the classes of each sample."""
    if labels.form is LabelForm.SETS:
        return [tuple(found) for found in labels.given]
    return [() if label < 0 else (int(label),) for label in labels.indices]


def make_columns(
    labels: GivenLabels, kind: OutputKind, names: Sequence[str], classes: Sequence[str]
) -> Mapping[str, Sequence[object]]:
    """Return labels that are not classes of the run as further columns, by the names of its scores, or of classes."""
    if labels.form is LabelForm.VALUES or isinstance(kind, Regression):
        return _value_columns(labels, names)
    if labels.form is LabelForm.SETS or not kind.exclusive or isinstance(kind, Located):  # labels are of whole samples
        sets = _get_sets(labels)
        return {TRUE_LABELS: [", ".join(_name(one, classes) for one in found) for found in sets]} if any(sets) else {}
    return {}


def take_columns(columns: Mapping[str, Sequence[object]], samples: Sequence[int]) -> dict[str, Sequence[object]]:
    """Return columns of samples for rows, of which each explains one of the `samples`."""
    return {name: [values[sample] for sample in samples] for name, values in columns.items()}


def _value_columns(labels: GivenLabels, names: Sequence[str]) -> Mapping[str, Sequence[object]]:
    values = labels.values
    if values is None or not np.isfinite(values).any():
        return {}
    if values.shape[1] == 1:
        return {TRUE_VALUE: values[:, 0].tolist()}
    return {f"{TRUE_VALUE}.{_name(number, names)}": values[:, number].tolist() for number in range(values.shape[1])}


def _name(number: int, names: Sequence[str]) -> str:
    return names[number] if number < len(names) else str(number)


def _list_rows(
    source: Source, listed: Listed, targets: Targets, kind: OutputKind, columns: Mapping[str, Sequence[object]]
) -> Source:
    if len(targets.parts) > 1:
        raise InputError("target: a list with the output of each sample cannot be combined with other targets")
    if len(listed.classes) != len(source):
        raise InputError(
            f"target: expected the index of an output for each of {len(source)} samples, got {len(listed.classes)}: "
            "give one for each, or several targets by targets=[...] (--target, repeatable)"
        )
    labels = source.labels if kind.exclusive else np.full(len(source), UNKNOWN)
    return RowSource(source, np.arange(len(source)), np.array(listed.classes), source.ids, labels, columns)


def _expand(
    source: Source,
    sets: Sequence[Sequence[int]],
    targets: Targets,
    names: Sequence[str],
    columns: Mapping[str, Sequence[object]],
) -> Rows:
    """Return one row for each label of a sample."""
    if len(targets.parts) > 1:
        raise InputError("target: label has a row for each label of a sample, and cannot be combined with others")
    pairs = [(sample, one) for sample, found in enumerate(sets) for one in found]
    samples = np.array([sample for sample, _ in pairs], np.int64)
    chosen: NDArray[np.int64] = np.array([one for _, one in pairs], np.int64)
    ids = source.ids
    rows = RowSource(
        source,
        samples,
        chosen,
        [f"{ids[sample]}#{_name(one, names)}" for sample, one in pairs],
        chosen,
        take_columns(columns, [sample for sample, _ in pairs]),
    )
    without = sum(not found for found in sets)
    rest = f"; {without} samples have no label and no row" if without else ""
    return Rows(rows, f"{len(pairs):,} rows explain the labels of {len(sets) - without:,} samples, one in each{rest}")
