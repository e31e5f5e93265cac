"""Explanations of further inputs, and by changed copies of a model, by the method of a run or by an attributor."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from whyset.attribution.methods import Method
from whyset.errors import InputError
from whyset.runner.prefetch import digest_input
from whyset.runner.randomness import seeding
from whyset.runner.reduction import Reduction

_SEED_BITS = 62


@dataclass(frozen=True, eq=False)
class MethodExplainer:
    """Explains by a method, which is bound to the model of each call.

    A method that draws random numbers draws them from the seed and the content of each input, so that maps depend
    neither on the batch nor on the order of calls.

    Parameters
    ----------
    method : Method
        The method, for inputs of this shape.
    reduction : Reduction
        The reduction of the maps of a run before they were stored.
    seed : int
        The seed.
    """

    method: Method
    reduction: Reduction
    seed: int

    def __call__(self, model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        """Return the relevance of inputs (n, ...) for targets (n,)."""
        with torch.enable_grad(), _entering(self.method.bind(model)) as attribute:
            if self.method.draws_globally:
                maps = self._explain_each(attribute, x, target)
            else:
                seeds = {"seeds": self._make_seeds(x)} if self.method.takes_seeds else {}
                maps = attribute(x.detach().clone(), target, **seeds)[1]
        return self.reduction(as_maps(maps, x, self.method.name), x.dim() - 1)

    def _explain_each(self, attribute: Any, x: Tensor, target: Tensor) -> Tensor:
        parts = []
        for place, seed in enumerate(self._make_seeds(x)):
            one = slice(place, place + 1)
            with seeding(seed, x.device, everywhere=True):
                parts.append(attribute(x[one].detach().clone(), target[one])[1])
        return torch.cat(parts)

    def _make_seeds(self, x: Tensor) -> Sequence[int]:
        return [(int(digest_input(one, None), 16) + self.seed) % 2**_SEED_BITS for one in x]


@dataclass(frozen=True, eq=False)
class AttributorExplainer:
    """Explains by an attributor, which is bound to one model; a changed copy lends it its weights.

    Parameters
    ----------
    name : str
        The name of the attributor in errors.
    attribute : callable
        Called as `attribute(x, target=target)`; returns the relevance, or the pair of the output and the relevance.
    model : torch.nn.Module
        The model that it explains.
    """

    name: str
    attribute: Callable[..., Any]
    model: nn.Module

    def __call__(self, model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        """Return the relevance of inputs (n, ...) for targets (n,).

        InputError: another model is given, and the attributor does not call the one that it was given with.
        """
        if model is self.model:
            return self._explain(x, target)
        with borrow_weights(self.model, model), _count_calls(self.model) as count:
            found = self._explain(x, target)
        if not count():
            raise InputError(
                f"{self.name} does not call the given model, so it cannot explain a copy of it with other weights: "
                "pass model= the module that the attributor was made for"
            )
        return found

    def _explain(self, x: Tensor, target: Tensor) -> Tensor:
        with torch.enable_grad():
            found = self.attribute(x.detach().clone(), target=target)
        return as_maps(found[-1] if isinstance(found, tuple) and len(found) == 2 else found, x, self.name)


def as_maps(found: Any, x: Tensor, name: str) -> Tensor:
    """Return maps as float, shaped like the inputs or with one channel; InputError: they have another shape."""
    maps = found.detach() if isinstance(found, Tensor) else torch.as_tensor(found)
    if x.dim() > 2 and maps.shape == (len(x), *x.shape[2:]):
        maps = maps.unsqueeze(1)
    one = (len(x), 1, *x.shape[2:])
    if maps.is_complex() or (maps.shape != x.shape and (x.dim() == 2 or maps.shape != one)):
        raise InputError(f"{name}: expected relevance of the shape {tuple(x.shape)}, got {tuple(maps.shape)}")
    return maps.to(x.device).float()


@contextmanager
def borrow_weights(model: nn.Module, other: nn.Module) -> Iterator[None]:
    """Give a model the weights of another one of the same architecture in this block, and its own ones afterwards."""
    own = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    try:
        model.load_state_dict(other.state_dict())
    except RuntimeError as error:
        raise InputError(f"the changed model has other weights than the one of the attributor: {error}") from error
    try:
        yield
    finally:
        model.load_state_dict(own)


@contextmanager
def _count_calls(model: nn.Module) -> Iterator[Callable[[], int]]:
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    handle = model.register_forward_hook(count)
    try:
        yield lambda: calls
    finally:
        handle.remove()


def _entering(bound: Any) -> Any:
    """Return the context in which an attributor keeps what it derives from the weights."""
    return bound if hasattr(bound, "__enter__") else nullcontext(bound)
