"""Integrated gradients as a method of a run."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import nn

from whyset.attribution.attributors.integrated_gradients import IntegratedGradients
from whyset.attribution.methods.method import FLOATING, Method


@dataclass(frozen=True)
class IntegratedGradientsMethod(Method):
    """The integral of the gradient from a baseline to the input: `whyset.attribution.IntegratedGradients`.

    Parameters
    ----------
    n_iter : int, default 20
        The number of gradients (steps) in the sum.
    baseline : float, default 0.0
        The value of all elements of the baseline, as input of the model: after the normalization.

    Raises
    ------
    InputError
        `n_iter` is less than 1.

    Examples
    --------
    >>> IntegratedGradientsMethod(n_iter=32).describe()
    'integrated gradients, 32 steps'
    """

    name: ClassVar[str] = "integrated_gradients"
    modalities: ClassVar[tuple[str, ...]] = FLOATING

    n_iter: int = 20
    baseline: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bind(nn.Identity())  # checks the number

    def describe(self) -> str:
        """Return the number of steps, and the baseline if it is not 0."""
        steps = f"integrated gradients, {self.n_iter} step{'' if self.n_iter == 1 else 's'}"
        return steps if self.baseline == 0 else f"{steps}, baseline {self.baseline:g}"

    def bind(self, model: nn.Module) -> IntegratedGradients:
        """Make the attributor for a model."""
        baseline = partial(torch.full_like, fill_value=float(self.baseline))
        return IntegratedGradients(model, baseline_fn=baseline, n_iter=self.n_iter)
