"""The kind of outputs that is found from the model and the labels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from whyset.errors import InputError
from whyset.runner.output_kinds.binary import Binary
from whyset.runner.output_kinds.logits import Logits
from whyset.runner.output_kinds.multilabel import Multilabel
from whyset.runner.output_kinds.output_kind import OutputKind
from whyset.runner.output_kinds.regression import Regression
from whyset.runner.sources.given_labels import GivenLabels, LabelForm
from whyset.runner.sources.source import UNKNOWN


@dataclass(frozen=True)
class Auto(OutputKind):
    """The kind that follows from the number of outputs and from the labels.

    One output is binary if there are two classes, and a regression if most labels have a fraction, or are whole numbers
    other than 0 and 1, which are not classes of one output. Several outputs are those of a multilabel model if samples
    have several labels or none, and of a regression if labels are rows of as many numbers. Everything else is logits.

    >>> import torch
    >>> Auto().find(torch.zeros(4, 1), GivenLabels.of([0.5, 1.5, 2.5, 3.5], 4), None).name
    'regression'
    """

    name: ClassVar[str] = "auto"

    def find(self, output: Tensor, labels: GivenLabels, names: tuple[str, ...] | None) -> OutputKind:
        """Return the kind for outputs (n, ...), for these labels and given names of classes."""
        if output.dim() > 2:
            return Logits()  # refuses it, with the kinds to choose from
        count = 1 if output.dim() == 1 else output.shape[1]
        values = labels.values if labels.form is LabelForm.VALUES else None
        if count == 1:
            if values is not None or _are_values(labels):
                return Regression()
            two = len(names) == 2 if names is not None else bool((labels.indices >= 0).any())
            return Binary() if two else Logits()
        if labels.form is LabelForm.SETS:
            return Multilabel()
        if values is not None and values.shape[1] not in (1, count):
            raise InputError(
                f"labels are rows of {values.shape[1]} numbers, but the model has {count} outputs: for a regression "
                f"give {count} values for each sample, for several labels rows of 0 and 1, or sets such as {{0, 2}}"
            )
        return Regression() if values is not None and values.shape[1] == count else Logits()


def _are_values(labels: GivenLabels) -> bool:
    """True if most labels are whole numbers that are not one of the two classes of one output."""
    if labels.form is not LabelForm.CLASSES:
        return False
    known = labels.indices[labels.indices != UNKNOWN]
    return 2 * int((~np.isin(known, (0, 1))).sum()) > len(known)
