"""Input times gradient: the gradient, weighted by the input."""

from collections.abc import Sequence

from torch import Tensor, nn

from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.targets import Target
from whyset.printable import short_repr


class InputTimesGradient:
    """Explain by `x ⊙ ∇f(x)` (Shrikumar 2016), which is LRP-0 for piecewise linear networks.

    For a piecewise linear network without biases the attributions of a sample sum to its output.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.

    Examples
    --------
    >>> import torch
    >>> attribute = InputTimesGradient(nn.Linear(4, 2, bias=False))
    >>> output, attribution = attribute(torch.rand(3, 4), target=1)
    >>> torch.allclose(attribution.sum(1), output[:, 1])
    True
    """

    def __init__(self, model: nn.Module) -> None:
        self._gradient = Gradient(model)

    def __repr__(self) -> str:
        return short_repr(type(self).__name__, {"model": type(self._gradient.model).__name__})

    def __call__(
        self, x: Tensor, target: Target = None, *, targets: Sequence[Target] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the attribution of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, ...).
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; by default the largest output of each sample.
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
            The target does not fit the output, x is not one floating point tensor, or the output is not one tensor.
        """
        require_tensor(x, "InputTimesGradient", floating=True)
        output, gradient = self._gradient(x, target, targets=targets)
        return output, x.detach() * gradient
