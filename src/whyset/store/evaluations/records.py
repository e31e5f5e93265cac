"""Records of evaluations: the values of metrics of explanations, for each sample."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from whyset.store.effects.records import Estimate
from whyset.store.evidence.records import PYDANTIC

EVALUATION_SCHEMA = "1.0"
"""Version of the stored form; a new optional field raises the minor number."""

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class MetricValues:
    """One metric of the samples of an evaluation.

    Parameters
    ----------
    metric : Mapping
        The stored form of the metric: its name and its parameters.
    title : str
        Its name in tables.
    better : "higher", "lower" or None
        Which values are those of better explanations; None for a description.
    values : tuple of float or None
        One number for each sample, None where the metric is not defined; empty if it was not measured.
    mean : Estimate or None
        The mean of the defined values with its interval; None if none is defined.
    seconds : float
        The time of the measurement.
    fractions : tuple of float or None
        The positions of the curves; None for metrics without curves.
    curves : tuple of tuple of float or None
        The curve of each sample, None for samples without one; None for metrics without curves.
    problem : str or None
        Why the metric was not measured, such as a run without a model; otherwise None.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    metric: Mapping[str, Any]
    title: str
    better: Better | None
    values: tuple[float | None, ...] = ()
    mean: Estimate | None = None
    seconds: float = 0.0
    fractions: tuple[float, ...] | None = None
    curves: tuple[tuple[float, ...] | None, ...] | None = None
    problem: str | None = None

    def __repr__(self) -> str:
        what = self.problem or f"{len(self.values):,} samples, {self.n_undefined:,} undefined"
        return f"<{type(self).__name__} of {self.title}: {what}>"

    @property
    def n_undefined(self) -> int:
        """The number of samples for which the metric is not defined."""
        return sum(value is None for value in self.values)

    @property
    def array(self) -> NDArray[np.float64]:
        """The values (n,), NaN where the metric is not defined."""
        return np.array([np.nan if value is None else value for value in self.values], np.float64)

    @property
    def mean_curve(self) -> NDArray[np.float64] | None:
        """The mean of the curves over the samples that have one (steps + 1,); None if there is none."""
        curves = [curve for curve in self.curves or () if curve is not None]
        return np.mean(curves, axis=0) if curves else None


@dataclass(frozen=True)
class EvaluatedSamples:
    """The samples of an evaluation, and what else its values depend on besides the metrics.

    Parameters
    ----------
    rows : tuple of int
        The rows of the run, in ascending order.
    seed : int
        The seed of random numbers.
    inputs : str or None
        A hash of the inputs of these samples, equal in runs of the same data; None if the run does not have it.
    masks : str or None
        A hash of the given masks of these samples; None without masks.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    rows: tuple[int, ...]
    seed: int = 0
    inputs: str | None = None
    masks: str | None = None
