"""Outputs that are values."""

from dataclasses import dataclass
from typing import ClassVar

from whyset.runner.output_kinds.output_kind import OutputKind
from whyset.store.layout import OUTPUT_VALUE


@dataclass(frozen=True)
class Regression(OutputKind):
    """Outputs (n,) or (n, K) are values, such as an age, and labels are their true values.

    The target `reference:VALUE` explains what is above or below a value (Letzgus 2021), such as the mean of the data;
    otherwise the value itself is explained, as a difference from 0. Predicted and true values are columns of the run.

    >>> Regression().describe()
    'regression'
    """

    name: ClassVar[str] = "regression"
    exclusive: ClassVar[bool] = False
    has_classes: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = (OUTPUT_VALUE,)
