"""Which samples of a run belong to which class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.store import DONE, Run


@dataclass(frozen=True)
class Group:
    """The samples of one class: its number and name, their `indices`, ascending, and what they were grouped by."""

    label: int
    name: str
    indices: NDArray[np.int64]
    grouped_by: str

    @property
    def id(self) -> str:
        return f"{self.label:05d}"


def groups_of(run: Run) -> list[Group]:
    """Group the explained samples by label, and those without a label by prediction.

    Only rows that are committed and succeeded take part. InputError: there is none, or nothing to group them by.
    """
    indices = explained(run)
    if not len(indices):
        raise InputError(f"{run.path} holds no explained sample yet: run `whyset explain` to its end first.")
    labels, predictions = run.labels[indices], run.column("prediction")[indices]
    classes = np.where(labels >= 0, labels, predictions)
    found = np.unique(classes[classes >= 0])
    if not len(found):
        raise InputError(f"{run.path} knows neither labels nor predictions: there are no classes to analyse.")
    return [_group(run, int(number), indices[classes == number], run.labels) for number in found]


def explained(run: Run) -> NDArray[np.int64]:
    """Give the indices of all samples with an explanation."""
    return np.flatnonzero(run.committed & (run.column("status") == DONE))


def _group(run: Run, number: int, indices: NDArray[np.int64], labels: NDArray[np.int64]) -> Group:
    name = run.classes[number] if number < len(run.classes) else f"class {number}"
    unknown = int(np.count_nonzero(labels[indices] < 0))
    if unknown == 0:
        grouped_by = "label"
    elif unknown == len(indices):
        grouped_by = "prediction"
    else:
        grouped_by = f"label, and prediction for {unknown} samples without a label"
    return Group(number, name, indices, grouped_by)
