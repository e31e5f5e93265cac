"""Grouping of the samples of a run into classes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.quantiles import QuantileGroups, Quantiles, ReadColumn
from whyset.errors import InputError
from whyset.store import DONE, Run

ALL = "all"
"""The grouping that makes one class of all samples."""

GROUPINGS = ("auto", "label", "prediction", "target", ALL)


def is_grouping(by: str) -> bool:
    """True if samples can be grouped by this: a name of `GROUPINGS`, or COLUMN:COUNT for quantiles."""
    return by in GROUPINGS or Quantiles.parse(by) is not None


@dataclass(frozen=True)
class Group:
    """The samples of one class: its number and name, their ascending `indices`, and the attribute of the grouping."""

    label: int
    name: str
    indices: NDArray[np.int64]
    grouped_by: str

    @property
    def id(self) -> str:
        return f"{self.label:05d}"

    @property
    def output(self) -> int | None:
        """The output of the model that the class is; None for all samples, and for quantiles."""
        return None if self.grouped_by == ALL or Quantiles.parse(self.grouped_by) is not None else self.label


def group_samples(run: Run, by: str = "auto") -> list[Group]:
    """Group the explained samples: by "label", and those without one by prediction; by "prediction"; or by "target".

    "all" makes one class of all samples, and "COLUMN:COUNT" groups of equal size by a column of numbers, such as
    "true_value:4". "auto" is by label, and by target if each sample has several or has no class to be predicted,
    because its rows explain different outputs. Only rows that are committed and succeeded take part. InputError: no row
    did, or the attribute is not known.
    """
    indices = find_explained(run)
    if not len(indices):
        raise InputError(f"{run.path} holds no explanation yet: run `whyset explain` to its end first.")
    by = _choose_grouping(run, by)
    quantiles = _split(run, by, run.column)
    classes = get_classes(run, indices, by) if quantiles is None else quantiles.get_classes(indices)
    found = np.unique(classes[classes >= 0])
    if not len(found):
        known = "neither labels nor predictions" if by == "label" else f"no {by}"
        raise InputError(
            f"{run.path} has {known}, so it has no classes to analyze: group by 'all' (Spray(group_by=), --group-by) "
            "to analyze all explanations as one class."
        )
    members = [(int(number), indices[classes == number]) for number in found]
    if quantiles is not None:
        return [Group(number, quantiles.name(number), rows, by) for number, rows in members]
    return [_group(run, number, rows, by) for number, rows in members]


def find_explained(run: Run) -> NDArray[np.int64]:
    """Return the indices of all samples with an explanation."""
    return np.flatnonzero(run.committed & (run.column("status") == DONE))


def get_classes(run: Run, indices: NDArray[np.int64], by: str, column: ReadColumn | None = None) -> NDArray[np.int64]:
    """Return the number of the class of each of the rows `indices`, -1 where it is unknown.

    `column` reads a column of the run; callers that cache columns pass their own function.
    """
    by, column = _choose_grouping(run, by), column or run.column
    if by == ALL:
        return np.zeros(len(indices), np.int64)
    if (quantiles := _split(run, by, column)) is not None:
        return quantiles.get_classes(indices)
    if by != "label":
        return column(by)[indices].astype(np.int64)
    labels = run.labels[indices]
    return np.where(labels >= 0, labels, column("prediction")[indices])


def _split(run: Run, by: str, column: ReadColumn) -> QuantileGroups | None:
    """Return the groups by quantiles; None for other groupings."""
    quantiles = Quantiles.parse(by)
    return None if quantiles is None else quantiles.split(run, column)


def _choose_grouping(run: Run, by: str) -> str:
    if by != "auto":
        return by
    return "label" if run.config.targets_per_sample == 1 and run.config.has_predictions else "target"


def _group(run: Run, number: int, indices: NDArray[np.int64], by: str) -> Group:
    if by == ALL:
        return Group(number, "all samples", indices, by)
    name = run.classes[number] if number < len(run.classes) else f"class {number}"
    unknown = int(np.count_nonzero(run.labels[indices] < 0))
    if by != "label" or unknown == 0:
        grouped_by = by
    elif unknown == len(indices):
        grouped_by = "prediction"
    else:
        grouped_by = f"label, and prediction for {unknown} explanations without a label"
    return Group(number, name, indices, grouped_by)
