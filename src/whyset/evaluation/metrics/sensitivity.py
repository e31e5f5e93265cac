"""Sensitivity of an explanation to small changes of the input (Yeh 2019)."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.explaining import explain_again
from whyset.evaluation.metrics.metric import Measured, Metric
from whyset.evaluation.metrics.pooling import divide


@dataclass(frozen=True)
class Sensitivity(Metric):
    """Base of the sensitivities: distances of the relevance of a sample from that of its neighbors.

    `||R(x + u) - R(x)|| / ||R(x)||` with Frobenius norms over all elements, for u drawn uniformly from
    [-radius, radius] in every element.
    """

    needs = frozenset({"explain"})
    better = "lower"

    n_samples: int = 10
    radius: float = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("n_samples", self.n_samples, 1)
        if not self.radius > 0:
            raise InputError(f"{type(self).__name__}(radius={self.radius!r}): expected a positive number")

    def measure_distances(self, batch: ExplainedSamples) -> NDArray[np.float64]:
        """Return the relative distances (n, n_samples); NaN where the relevance of the sample is 0 everywhere."""
        before = batch.relevance.double().to(batch.x.device)
        norms = before.flatten(1).norm(dim=1).cpu().numpy()
        generators, shape, distances = batch.make_generators(), tuple(batch.x.shape[1:]), []
        for _ in range(self.n_samples):
            drawn = np.stack([generator.uniform(-self.radius, self.radius, shape) for generator in generators])
            after = explain_again(batch, x=batch.x + torch.from_numpy(drawn).to(batch.x))
            distances.append(divide((after - before).flatten(1).norm(dim=1).cpu().numpy(), norms))
        return np.stack(distances, axis=1)


@dataclass(frozen=True)
class MaxSensitivity(Sensitivity):
    """Largest change of the relevance within a small distance of the input (Yeh 2019).

    `max_u ||R(x + u) - R(x)|| / ||R(x)||` over some u drawn uniformly from [-radius, radius] in every element, with
    Frobenius norms. Yeh's definition has no denominator; captum and Quantus divide, so that methods whose relevance has
    another scale can be compared. It is NaN where the relevance of the sample is 0 everywhere. Random methods are
    sensitive to their random numbers, too.

    Parameters
    ----------
    n_samples : int, default 10
        Number of inputs that are drawn around each sample; the maximum grows with it.
    radius : float, default 0.02
        The largest change of an element, in the model's units.

    Raises
    ------
    InputError
        `n_samples` or `radius` is not positive.

    Examples
    --------
    >>> from torch import nn, rand, zeros
    >>> def explain(model, x, target):
    ...     return model.weight[target].detach() * x
    >>> model, x, target = nn.Linear(4, 2), 1 + rand(3, 4), zeros(3).long()
    >>> batch = ExplainedSamples(model, x, target, explain(model, x, target), np.arange(3), explain=explain)
    >>> bool((MaxSensitivity().measure(batch).values < 0.02).all())  # each element of x is more than 1
    True
    """

    name = "max_sensitivity"
    title = "max-sensitivity"

    def measure(self, batch: ExplainedSamples) -> Measured:
        return Measured(self.measure_distances(batch).max(1))


@dataclass(frozen=True)
class AverageSensitivity(Sensitivity):
    """Mean change of the relevance within a small distance of the input (after Yeh 2019).

    `mean_u ||R(x + u) - R(x)|| / ||R(x)||`, with all else as in `MaxSensitivity`. The mean depends less on the number
    of draws than the maximum.

    Parameters
    ----------
    n_samples : int, default 10
        Number of inputs that are drawn around each sample.
    radius : float, default 0.02
        The largest change of an element, in the model's units.

    Raises
    ------
    InputError
        `n_samples` or `radius` is not positive.
    """

    name = "average_sensitivity"
    title = "average sensitivity"

    def measure(self, batch: ExplainedSamples) -> Measured:
        return Measured(self.measure_distances(batch).mean(1))
