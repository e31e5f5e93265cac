"""Guided integrated gradients as a method of a run."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import nn

from whyset.attribution.attributors.guided_ig import GuidedIG
from whyset.attribution.methods.method import FLOATING, Method


@dataclass(frozen=True)
class GuidedIGMethod(Method):
    """The gradient along a path that changes elements with small gradients first: `whyset.attribution.GuidedIG`.

    Parameters
    ----------
    n_iter : int, default 200
        The number of gradients (steps) of the path.
    fraction : float, default 0.25
        The fraction of the elements that move at once.
    max_dist : float, default 0.02
        The largest distance of an element from the straight line, as a fraction of its way.
    baseline : float, default 0.0
        The value of all elements of the baseline, as input of the model: after the normalization.

    Raises
    ------
    InputError
        A parameter is out of its range.

    Examples
    --------
    >>> GuidedIGMethod(n_iter=50).describe()
    'guided IG, 50 steps'
    """

    name: ClassVar[str] = "guided_ig"
    modalities: ClassVar[tuple[str, ...]] = FLOATING

    n_iter: int = 200
    fraction: float = 0.25
    max_dist: float = 0.02
    baseline: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bind(nn.Identity())  # checks the numbers

    def describe(self) -> str:
        """Return the number of steps, and the other parameters if they are not the default."""
        return self.describe_count("guided IG", "n_iter", "step")

    def bind(self, model: nn.Module) -> GuidedIG:
        """Make the attributor for a model."""
        return GuidedIG(
            model,
            baseline_fn=partial(torch.full_like, fill_value=self.baseline),
            n_iter=self.n_iter,
            fraction=self.fraction,
            max_dist=self.max_dist,
        )
