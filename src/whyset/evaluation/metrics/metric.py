"""The base of the metrics of explanations."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from whyset.attribution.named_part import NamedPart
from whyset.evaluation.metrics.explained_samples import ExplainedSamples

Values = NDArray[np.float64]
Need = Literal["model", "explain", "masks"]


@dataclass(frozen=True, eq=False)
class Measured:
    """A metric of some samples.

    Parameters
    ----------
    values : ndarray of float64
        One number for each sample (n,); NaN where the metric is not defined, such as the share of relevance within a
        mask if a map has no positive relevance.
    curves : ndarray of float64 or None
        The curve of each sample (n, steps + 1) that the number summarizes.
    fractions : ndarray of float64 or None
        The positions of the curve (steps + 1,).
    """

    values: Values
    curves: Values | None = None
    fractions: Values | None = None


@dataclass(frozen=True)
class Metric(NamedPart):
    """Base of the metrics; the fields of a metric are its parameters.

    A new metric is a subclass with a `name` and a line in the table `METRICS`. A value is a function of one sample, its
    relevance and the model: it does not depend on the other samples of the batch.
    """

    title: ClassVar[str]
    """The name in tables, such as "relevance mass"."""
    better: ClassVar[Literal["higher", "lower"] | None]
    """Which values are those of better explanations; None for a description, such as sparseness."""
    needs: ClassVar[frozenset[Need]] = frozenset()
    """What the metric needs besides the relevance: outputs of the model, explanations of further inputs, masks."""

    def __post_init__(self) -> None:
        """Convert numbers to those of Python, in which they are stored; InputError: one is not finite."""
        self.convert_numbers()

    def measure(self, batch: ExplainedSamples) -> Measured:
        """Return the metric of each sample of a batch."""
        raise NotImplementedError
