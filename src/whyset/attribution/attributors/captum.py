"""Methods of captum with the interface of the attributors."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.targets import Target, is_class_index, output_coefficient
from whyset.errors import InputError
from whyset.optional import import_optional
from whyset.printable import short_repr


class Captum:
    """Explain by an attribution method of captum.

    A class index as target is passed to captum; for every other target the method explains the sum of the outputs, each
    times its coefficient (see `output_coefficient`).

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    method : str, type or callable
        A class of `captum.attr`, its name, or a callable that returns a method for a model.
    **arguments : object
        Further arguments of the method's `attribute`.

    Raises
    ------
    InputError
        captum has no method with this name.
    MissingExtraError
        captum is not installed.

    Examples
    --------
    >>> attribute = Captum(nn.Linear(4, 2), "IntegratedGradients", n_steps=8)
    >>> output, attribution = attribute(torch.rand(3, 4), target=1)
    >>> attribution.shape
    torch.Size([3, 4])
    """

    def __init__(self, model: nn.Module, method: str | Callable[[Any], Any], **arguments: Any) -> None:
        self.model, self.arguments = model, arguments
        self.method = find_captum_class(method) if isinstance(method, str) else method

    def __repr__(self) -> str:
        return short_repr(
            type(self).__name__, {"model": type(self.model).__name__, "method": self.method, **self.arguments}
        )

    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the attribution by captum.

        Parameters
        ----------
        x : Tensor
            The input (n, ...).
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; by default the largest output of each sample.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        attribution : Tensor
            The attribution, of the shape that the method returns (mostly that of `x`).

        Raises
        ------
        InputError
            The target does not fit the output, x or the output is not one tensor, or the method returns more than
            one tensor.
        """
        require_tensor(x, "Captum")
        with torch.no_grad():
            output = self.model(x.clone())
        coefficient = output_coefficient(output, target)  # checks every kind of target
        x = x.detach().clone().requires_grad_(x.is_floating_point())
        if is_class_index(target):
            found = self._make(self.model).attribute(x, target=coefficient.argmax(1), **self.arguments)
        else:
            weighted = self._make(_Weighted(self.model))
            found = weighted.attribute(x, additional_forward_args=(coefficient,), **self.arguments)
        if not isinstance(found, Tensor):
            raise InputError(
                f"expected a method that returns one tensor, got {type(found).__name__}: leave out arguments that add "
                "results, such as return_convergence_delta"
            )
        return output, found.detach()

    def _make(self, model: nn.Module) -> Any:
        try:
            return self.method(model)
        except TypeError as error:
            raise InputError(
                f"the method needs more than the model ({error}): pass a callable that makes it, such as "
                "lambda model: LayerGradCam(model, layer)"
            ) from error


class _Weighted(nn.Module):
    """A model that returns the sum of the outputs of another model, each times its coefficient."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, coefficient: Tensor) -> Tensor:
        weighted: Tensor = self.model(x) * coefficient
        return weighted.flatten(1).sum(1)


def find_captum_class(name: str) -> type[Any]:
    """Return the class of `captum.attr` with this name; an InputError lists the names.

    MissingExtraError: captum is not installed.
    """
    methods = import_optional("captum.attr", name, 'pip install "whyset[captum]"')
    known = {
        key: value
        for key, value in vars(methods).items()
        if isinstance(value, type) and issubclass(value, methods.Attribution) and not key.startswith("_")
    }
    if name not in known:
        raise InputError(f"captum.attr has no attribution method {name!r}; it has {', '.join(sorted(known))}")
    return known[name]
