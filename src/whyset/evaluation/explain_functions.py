"""Functions that explain any model, from whatever names a method: what metrics and Quantus call."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import fields, replace
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from whyset.arguments import name_unknown
from whyset.attribution.composites import COMPOSITES, Composite
from whyset.attribution.methods import METHODS, GradientMethod, Method, as_method
from whyset.errors import InputError
from whyset.evaluation.metrics.explained_samples import Explain, SeededExplain
from whyset.runner.randomness import seeding

Given = Method | Composite | str | type[Any] | Callable[..., Any]


def as_explain(given: Given) -> Explain:
    """Return the function `explain(model, x, target)` of a method.

    Parameters
    ----------
    given : Method, Composite, str, type or callable
        A method, or a name of `METHODS`; a composite, or a name of `COMPOSITES`, which is the gradient by its rules; a
        class of attributors, which is called with the model, or `functools.partial` of one; or a function
        `explain(model, x, target)` itself.

    Returns
    -------
    callable
        Returns relevance shaped like `x`, or with one channel.

    Raises
    ------
    InputError
        The name is unknown, the method needs parameters, or an attributor is given that is bound to a model: metrics
        explain changed models, too.

    Examples
    --------
    >>> explain = as_explain("epsilon_plus")
    >>> explain(nn.Linear(4, 2).eval(), torch.rand(3, 4), torch.tensor([0, 1, 1])).shape
    torch.Size([3, 4])
    """
    method = find_given_method(given)
    if method is not None:
        return partial(_explain_by_method, method)
    if isinstance(given, type) or (isinstance(given, partial) and isinstance(given.func, type)):
        return partial(_explain_by_class, given)
    return partial(_explain_by_function, _require_function(given))


def as_explain_with_seeds(given: Given) -> SeededExplain | None:
    """Return the function `explain(model, x, target, seeds)` of a method, with a seed for each sample.

    It is None for classes and functions, of which it is not known how they draw. Methods that have one seed for all
    samples, or draw from the global generators, explain each sample alone; those that draw nothing ignore the seeds.

    >>> as_explain_with_seeds("smooth_grad") is not None, as_explain_with_seeds(lambda model, x, target: x) is not None
    (True, False)
    """
    method = find_given_method(given)
    return None if method is None else partial(_explain_with_seeds, method)


def _has_seed(method: Method) -> bool:
    return any(part.name == "seed" for part in fields(method))


def _require_function(given: Any) -> Callable[..., Any]:
    """Return a function of a model, inputs and targets; InputError: it is something else."""
    if not callable(given):
        raise InputError(f"method: expected a method, a name, a class or a function, got {given!r}")
    fits = not isinstance(given, nn.Module)
    with suppress(ValueError):  # a function that is not written in Python has no signature
        try:
            signature(given).bind(None, None, None)
        except TypeError:
            fits = False
    if not fits:
        raise InputError(
            f"method: expected a function explain(model, x, target), got {type(given).__name__}, which does not take a "
            "model: pass a method, its name, or the class of an attributor, not an attributor of one model"
        )
    function: Callable[..., Any] = given
    return function


def find_given_method(given: Given) -> Method | None:
    """Return a method, also that of a composite; None for classes and functions."""
    if isinstance(given, Method):
        return given
    if isinstance(given, Composite) or (isinstance(given, str) and given in COMPOSITES):
        return GradientMethod(given)
    if isinstance(given, str):
        if given not in METHODS:
            raise name_unknown("method or composite", given, [*METHODS, *COMPOSITES])
        return as_method(given)
    return None


def _explain_by_method(method: Method, model: nn.Module, x: Tensor, target: Tensor, **more: Any) -> Tensor:
    bound: Any = method.bind(model)
    entered: AbstractContextManager[Any] = bound if hasattr(bound, "__enter__") else nullcontext(bound)
    with torch.enable_grad(), entered as attribute:
        return _with_channels(attribute(x, target, **more), x)


def _explain_by_class(kind: Callable[[nn.Module], Any], model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    with torch.enable_grad():
        return _with_channels(kind(model)(x, target=target), x)


def _explain_by_function(function: Callable[..., Any], model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    with torch.enable_grad():
        return _with_channels(function(model, x, target), x)


def _explain_with_seeds(method: Any, model: nn.Module, x: Tensor, target: Tensor, seeds: Sequence[int]) -> Tensor:
    if method.takes_seeds:
        return _explain_by_method(method, model, x, target, seeds=list(seeds))
    if not (method.draws_globally or _has_seed(method)):
        return _explain_by_method(method, model, x, target)
    parts = []
    for row, seed in enumerate(seeds):
        seeded = replace(method, seed=seed) if _has_seed(method) else method
        with seeding(seed, x.device, everywhere=method.draws_globally):
            parts.append(_explain_by_method(seeded, model, x[row : row + 1], target[row : row + 1]))
    return torch.cat(parts)


def _with_channels(found: Any, x: Tensor) -> Tensor:
    """Return the relevance that an attributor or a function returned; maps (n, ...) without channels get one."""
    relevance = found[-1] if isinstance(found, tuple) and len(found) == 2 else found
    relevance = torch.as_tensor(relevance).detach()
    return relevance.unsqueeze(1) if x.dim() > 2 and relevance.shape == (len(x), *x.shape[2:]) else relevance
