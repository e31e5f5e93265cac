"""A function of the user as a method of a run."""

import hashlib
import inspect
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.methods.method import Method
from whyset.attribution.targets import Target, is_class_index, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr


@dataclass(frozen=True)
class FunctionMethod(Method):
    """A function `f(model, x, target)` that returns a relevance map for each sample.

    The function takes the model, inputs (n, ...), and the index of the explained output of each sample (n,). It returns
    a tensor or an array shaped like the inputs, or with one channel, (n, 1, H, W) or (n, H, W). It can draw random
    numbers: the generators of torch, NumPy and Python are seeded for each shard. A run made with it is continued only
    with a function of the same name and source, bound to equal values, and cannot be repeated from its run.json.

    Parameters
    ----------
    function : callable
        The function; for engines with worker processes it must be at the top level of a module.

    Raises
    ------
    InputError
        `function` is not callable, or is a class of attributors, which needs a model first.

    Examples
    --------
    >>> def saliency(model, x, target):
    ...     x = x.requires_grad_()
    ...     return torch.autograd.grad(model(x).gather(1, target[:, None]).sum(), x)[0].abs()
    >>> attribute = FunctionMethod(saliency).bind(nn.Linear(4, 2))
    >>> attribute(torch.rand(3, 4), target=1)[1].shape
    torch.Size([3, 4])
    """

    name: ClassVar[str] = "function"
    draws_globally: ClassVar[bool] = True

    function: Callable[..., Any]

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.function, type) or not callable(self.function):
            raise InputError(
                f"method: expected a method, a name or a function f(model, x, target), got {self.function!r}"
            )
        if isinstance(self.function, nn.Module) or hasattr(self.function, "ledger"):
            raise InputError(
                f"method: expected a function f(model, x, target), got {type(self.function).__name__}, which is bound "
                "to a model: pass the method, such as IntegratedGradientsMethod(n_iter=20), or its name"
            )

    @property
    def path(self) -> str:
        """The module and the name of the function."""
        return str(identify_function(self.function)["function"])

    def describe(self) -> str:
        """Return the name of the function."""
        return f"function {self.path}"

    def to_dict(self) -> dict[str, Any]:
        """Return the name of the function and the hash of its source, by which another function is noticed."""
        return {"name": self.name, "fields": identify_function(self.function)}

    def bind(self, model: nn.Module) -> "FunctionAttributor":
        """Make the attributor for a model."""
        return FunctionAttributor(model, self.function)


def identify_function(function: Callable[..., Any]) -> dict[str, str | None]:
    """Return the path of a function and the hash of its source and state; None without a source, as in a shell."""
    inner = _unwrap(function)
    named = inner if hasattr(inner, "__qualname__") else type(inner)
    path = f"{named.__module__}.{named.__qualname__}"
    try:
        text = inspect.getsource(inner if inspect.isroutine(inner) else type(inner)) + _describe_state(function)
    except (OSError, TypeError):  # defined in a shell, or not written in Python
        return {"function": path, "source_sha256": None}
    return {"function": path, "source_sha256": hashlib.sha256(text.encode()).hexdigest()}


def _unwrap(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that `functools.partial` calls."""
    return _unwrap(function.func) if isinstance(function, partial) else function


def _describe_state(function: Callable[..., Any]) -> str:
    """Write the values that a function is bound to, without addresses.

    They are those of `partial`, of its closure and defaults, and of the object that it is or is a method of.
    """
    if isinstance(function, partial):
        bound = (function.args, sorted(function.keywords.items()))
        return _ADDRESS.sub("", repr(bound)) + _describe_state(function.func)
    if inspect.ismethod(function):
        return _ADDRESS.sub("", repr(getattr(function.__self__, "__dict__", None))) + _describe_state(function.__func__)
    names = ("__defaults__", "__kwdefaults__") if inspect.isfunction(function) else ("__dict__",)
    values = [getattr(function, name, None) for name in names]
    with suppress(ValueError):  # a variable of the closure without a value
        values += [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    return _ADDRESS.sub("", repr([value for value in values if value]))


_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class FunctionAttributor:
    """Explain class indices by a function `f(model, x, target)`; see `FunctionMethod`."""

    def __init__(self, model: nn.Module, function: Callable[[nn.Module, Tensor, Tensor], Any]) -> None:
        self.model, self.function = model, function

    def __repr__(self) -> str:
        return short_repr(type(self).__name__, {"model": type(self.model).__name__, "function": self.function})

    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the maps of the function, (n, ...).

        InputError: the target is not a class index, or the function does not return numbers for each sample.
        """
        require_tensor(x, "a function")
        with torch.no_grad():
            output = self.model(x.clone())
        if not is_class_index(target):
            raise InputError("a function explains the index of an output: give a class index as target")
        index = output_coefficient(output, target).argmax(1)
        with torch.enable_grad():
            found = self.function(self.model, x.detach().clone(), index)
        try:
            maps = torch.as_tensor(found)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"the function returned {type(found).__name__}: expected a tensor or an array") from error
        if maps.is_complex() or not maps.dim() or len(maps) != len(x):
            raise InputError(
                f"the function returned {tuple(maps.shape)} of {maps.dtype}: expected numbers shaped like the inputs "
                f"{tuple(x.shape)}, or with one channel"
            )
        return output, maps.detach().to(x.device)
