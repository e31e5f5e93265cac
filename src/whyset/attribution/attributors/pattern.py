"""PatternNet and PatternAttribution: patterns are fitted on data, and explain single outputs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.attributors.model_output import OutputChoice
from whyset.attribution.composites.gradient_composite import GradientComposite
from whyset.attribution.composites.pattern import PatternAttribution, PatternNet
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.patterns import ESTIMATORS, Estimator, Moments, Pattern, Patterns
from whyset.attribution.rules.rule import Layer, Rule
from whyset.attribution.targets import Target, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr


@dataclass(frozen=True, eq=False)
class _Observing(Rule):
    """The plain gradient, which adds the inputs of an operation to its moments."""

    moments: Moments

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        self.moments.add(layer, x)
        return layer.transpose(c, layer.weight)


@dataclass(frozen=True)
class _ObservingComposite(GradientComposite):
    """The plain gradient, which collects the moments of every linear operation by its index."""

    estimator: Estimator
    found: dict[int, tuple[OperationSite, Moments]] = field(default_factory=dict)

    def choose(self, site: OperationSite) -> tuple[Rule | None, str]:
        if site.operation.startswith("conv_transpose"):
            raise InputError(
                f"{site.path or 'the model'}, {site.operation}: patterns are defined for linear layers and "
                "convolutions, not for transposed ones, whose outputs have different weights: explain this model by "
                "rules, such as the composite epsilon_plus"
            )
        known, moments = self.found.setdefault(site.index, (site, Moments(self.estimator)))
        if (known.operation, known.path) != (site.operation, site.path):
            raise InputError(
                f"operation {site.index} is {known.operation} of {known.path or 'the model'} for one batch and "
                f"{site.operation} of {site.path or 'the model'} for another: patterns need a model that runs the same "
                "operations for each input, so pass inputs of one shape"
            )
        return _Observing(moments), "observed"

    @property
    def looks_at_modules(self) -> bool:
        return True


def fit_patterns(
    model: nn.Module, batches: Iterable[Tensor], *, estimator: Estimator = "active", output: OutputChoice = None
) -> Patterns:
    """Fit the patterns of all linear layers and convolutions of a model, in one pass over data (Kindermans 2018).

    The sums have float64 precision, and need twice the memory of the weights in it.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode, on the device of the batches.
    batches : iterable of Tensor
        Inputs (n, ...) of one shape, like those that the model was trained on.
    estimator : {"active", "two_component", "linear"}, default "active"
        The estimator (see `Patterns`): where a ReLU follows, "active" and "two_component" consider active neurons only.
    output : str, int, callable or None, default None
        The explained output of a model that returns several values, as in `Gradient`.

    Returns
    -------
    Patterns
        The patterns, for `PatternNet` and `PatternAttribution`.

    Raises
    ------
    InputError
        There is no batch, the estimator is unknown, or the model has transposed convolutions or runs other operations
        for some batches.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).eval()
    >>> patterns = fit_patterns(model, [torch.rand(50, 4), torch.rand(50, 4)])
    >>> output, attribution = PatternAttributor(model, patterns)(torch.rand(5, 4), target=1)
    >>> attribution.shape
    torch.Size([5, 4])
    """
    if estimator not in ESTIMATORS:
        raise InputError(f"estimator={estimator!r}: expected one of {', '.join(map(repr, ESTIMATORS))}")
    composite = _ObservingComposite(estimator)
    attribute = Gradient(model, composite, output=output)
    number = 0
    for batch in batches:
        require_tensor(batch, "fit_patterns", floating=True)
        attribute(batch, torch.ones_like)
        number += 1
    if not number:
        raise InputError("batches: expected at least one batch of inputs, got none: patterns are fitted on data")
    return Patterns(
        estimator,
        [Pattern(index, site.operation, site.path, moments.compute()) for index, (site, moments) in _sort(composite)],
    )


def _sort(composite: _ObservingComposite) -> list[tuple[int, tuple[OperationSite, Moments]]]:
    return sorted(composite.found.items(), key=lambda item: item[0])


class PatternAttributor:
    """Explain by PatternAttribution or PatternNet, started at the value of the output (Kindermans 2018).

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode.
    patterns : Patterns
        Its patterns, from `fit_patterns`.
    signal : bool, default False
        Whether the result is the signal of PatternNet rather than the attribution of PatternAttribution.

    Raises
    ------
    InputError
        `patterns` is something else, or those of another model.

    Examples
    --------
    >>> model = nn.Linear(4, 2).eval()
    >>> attribute = PatternAttributor(model, fit_patterns(model, [torch.rand(50, 4)]), signal=True)
    >>> attribute(torch.rand(5, 4), target=0)[1].shape
    torch.Size([5, 4])
    """

    def __init__(self, model: nn.Module, patterns: Patterns, *, signal: bool = False) -> None:
        composite = PatternNet(patterns) if signal else PatternAttribution(patterns)
        self._gradient = Gradient(model, composite)

    def __repr__(self) -> str:
        parts = {"model": type(self._gradient.model).__name__, "composite": self._gradient.composite}
        return short_repr(type(self).__name__, parts)

    def __call__(
        self, x: Tensor, target: Target = None, *, targets: Sequence[Target] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the signal or the attribution of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, ...), floating point.
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; a tensor or what a callable returns is the value at the
            output that is propagated.
        targets : sequence, optional
            Several targets in place of `target`; they share one forward pass.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        attribution : Tensor
            The attribution, shaped like `x`; with several `targets` (targets, n, ...).

        Raises
        ------
        InputError
            The target does not fit the output, x is not one floating point tensor, or the patterns are those of another
            model.
        """
        require_tensor(x, type(self).__name__, floating=True)
        if targets is not None:
            return self._gradient(x, target, targets=[_start(one) for one in targets])
        return self._gradient(x, _start(target))


def _start(target: Target) -> Target:
    """Start at the value of the explained output rather than at 1."""
    return lambda output: output * output_coefficient(output, target, conserving=True)
