"""Infidelity: whether relevance predicts how the output changes with the input (Yeh 2019)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.metric import Measured, Metric
from whyset.evaluation.metrics.pooling import divide
from whyset.evaluation.scores import check_relevance, score_targets


@dataclass(frozen=True)
class Infidelity(Metric):
    """Mean squared error of the change of the output that the relevance predicts (Yeh 2019).

    `E_I[(I . Phi - (f(x) - f(x - I)))^2]` for random perturbations I. For a relevance R whose elements are
    contributions, such as those of LRP, integrated gradients, or gradient times input, Phi is the contribution for each
    unit, R / (x - baseline), so that a perturbation that replaces a square by the baseline predicts the sum of R in the
    square. For a gradient, Phi is the gradient. These are the definitions of captum.

    Parameters
    ----------
    perturbation : {"square", "gaussian"}, default "square"
        "square" replaces a square at a random place, or `size` random features, by the baseline; "gaussian" adds noise
        to all elements.
    size : int, default 8
        Side of the square, over all dimensions after the channels; the whole side, if the input is smaller.
    baseline : float, default 0.0
        The value that replaces a square, and at which contributions are 0, in the model's units.
    sigma : float, default 0.1
        Standard deviation of the Gaussian noise, in the model's units.
    n_samples : int, default 32
        Number of perturbations of each sample.
    multiply_by_inputs : bool, default True
        True if elements of the relevance are contributions, False if they are sensitivities, as those of a gradient.
    normalize : bool, default False
        Scale the relevance of a sample by the factor that fits best, `E[I.Phi delta] / E[(I.Phi)^2]` with
        delta = f(x) - f(x - I), as in captum: then relevance of any scale can be compared.
    score : {"output", "probability"}, default "output"
        What f is: the output of the target, which relevance explains, or its softmax.

    Raises
    ------
    InputError
        A value does not fit, or relevance with one channel is given for inputs with several, and `perturbation` is
        "gaussian" or `multiply_by_inputs` is False: then the channels must be known.

    Examples
    --------
    >>> from torch import nn, rand, zeros
    >>> model, x, target = nn.Linear(4, 2).eval(), rand(3, 4), zeros(3).long()
    >>> batch = ExplainedSamples(model, x, target, model.weight[target].detach() * x, np.arange(3))
    >>> bool((Infidelity(size=2).measure(batch).values < 1e-10).all())  # a linear model is explained by w * x
    True
    """

    name = "infidelity"
    title = "infidelity"
    better = "lower"
    needs = frozenset({"model"})

    perturbation: Literal["square", "gaussian"] = "square"
    size: int = 8
    baseline: float = 0.0
    sigma: float = 0.1
    n_samples: int = 32
    multiply_by_inputs: bool = True
    normalize: bool = False
    score: Literal["output", "probability"] = "output"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, known in (("perturbation", ("square", "gaussian")), ("score", ("output", "probability"))):
            if getattr(self, name) not in known:
                raise InputError(
                    f"Infidelity({name}={getattr(self, name)!r}): expected {' or '.join(map(repr, known))}"
                )
        whole_number("size", self.size, 1)
        whole_number("n_samples", self.n_samples, 1)
        if not self.sigma > 0:
            raise InputError(f"Infidelity(sigma={self.sigma!r}): expected a positive number")

    def measure(self, batch: ExplainedSamples) -> Measured:
        relevance = check_relevance(batch.relevance, batch.x)
        before = score_targets(batch.model, batch.x, batch.target, self.score)
        generators, changes, predicted = batch.make_generators(), [], []
        for _ in range(self.n_samples):
            perturbed = self.perturb(batch.x, generators)
            changes.append(before - score_targets(batch.model, perturbed, batch.target, self.score))
            weights = self._weigh(batch.x, perturbed, relevance)
            predicted.append((relevance * weights).flatten(1).sum(1).cpu().numpy())
        return Measured(_mean_squared_error(np.stack(predicted, 1), np.stack(changes, 1), self.normalize))

    def perturb(self, x: Tensor, generators: Sequence[np.random.Generator]) -> Tensor:
        """Return the inputs with the next perturbation of each sample."""
        shape = tuple(x.shape[1:])
        if self.perturbation == "gaussian":
            drawn = np.stack([self.sigma * generator.standard_normal(shape) for generator in generators])
            return x - torch.from_numpy(drawn).to(x)
        masks = np.stack([_draw_square(shape, self.size, generator) for generator in generators])
        return torch.where(torch.from_numpy(masks).to(x.device), torch.full_like(x, self.baseline), x)

    def _weigh(self, x: Tensor, perturbed: Tensor, relevance: Tensor) -> Tensor:
        """Return the factor of each element of the relevance in the predicted change, shaped like the relevance."""
        change = (x - perturbed).double()
        one_for_all = relevance.shape != x.shape
        if one_for_all and (self.perturbation == "gaussian" or not self.multiply_by_inputs):
            raise InputError(
                f"Infidelity: relevance {tuple(relevance.shape)} has one channel and inputs {tuple(x.shape)} several: "
                "pass the relevance of all channels, or perturbation='square' and multiply_by_inputs=True"
            )
        if not self.multiply_by_inputs:
            return change
        difference = (x - self.baseline).double()
        weights = change / torch.where(difference == 0, torch.ones_like(difference), difference)  # as in captum
        return weights.amax(1, keepdim=True) if one_for_all else weights


def _draw_square(shape: Sequence[int], size: int, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Return a mask (1, ...) of a square at a random place within the input, or (features,) of random features."""
    if len(shape) == 1:
        mask = np.zeros(shape, dtype=bool)
        mask[generator.choice(shape[0], min(size, shape[0]), replace=False)] = True
        return mask
    mask = np.zeros((1, *shape[1:]), dtype=bool)
    sides = [min(size, length) for length in shape[1:]]
    corner = [int(generator.integers(0, length - side + 1)) for side, length in zip(sides, shape[1:], strict=True)]
    mask[0][tuple(slice(start, start + side) for start, side in zip(corner, sides, strict=True))] = True
    return mask


def _mean_squared_error(
    predicted: NDArray[np.float64], changes: NDArray[np.float64], normalize: bool
) -> NDArray[np.float64]:
    if normalize:
        factor = divide((predicted * changes).sum(1), (predicted**2).sum(1))
        predicted = predicted * np.nan_to_num(factor)[:, None]  # relevance that predicts nothing has no factor
    error: NDArray[np.float64] = ((predicted - changes) ** 2).mean(1)
    return error
