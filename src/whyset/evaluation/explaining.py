"""Explanations of further inputs, and by changed copies of a model, by the method of a run or by an attributor."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from whyset.attribution.methods import Method
from whyset.errors import InputError
from whyset.evaluation.explain_functions import as_explain, as_explain_with_seeds
from whyset.evaluation.metrics.explained_samples import SeededExplain
from whyset.runner.reduction import Reduction


@dataclass(frozen=True, eq=False)
class MethodExplainer:
    """Explains a batch of samples by a method, which is bound to the model of each call.

    Parameters
    ----------
    method : Method
        The method, for inputs of this shape.
    reduction : Reduction
        The reduction of the maps of a run before they were stored.
    seeds : sequence of int
        A seed for each sample of the batch. A method that draws random numbers draws the same ones for all inputs that
        a metric makes of a sample, so that maps differ by what the metric changes, not by chance.
    """

    method: Method
    reduction: Reduction
    seeds: Sequence[int]

    def __call__(self, model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        """Return the relevance of inputs (n, ...) for targets (n,), one for each sample of the batch."""
        if self.method.takes_seeds or self.method.draws_globally:
            return self._explain_with_seeds(model, x, target, self.seeds)
        return self._reduce(as_explain(self.method)(model, x, target), x)

    @property
    def with_seeds(self) -> SeededExplain | None:
        """The function that explains by other random numbers; None for a method that draws none."""
        return None if as_explain_with_seeds(self.method) is None else self._explain_with_seeds

    def _explain_with_seeds(self, model: nn.Module, x: Tensor, target: Tensor, seeds: Sequence[int]) -> Tensor:
        explain = as_explain_with_seeds(self.method)
        assert explain is not None  # the method draws random numbers
        return self._reduce(explain(model, x, target, seeds), x)

    def _reduce(self, maps: Tensor, x: Tensor) -> Tensor:
        return self.reduction(as_maps(maps, x, self.method.name), x.dim() - 1)


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

    @property
    def with_seeds(self) -> SeededExplain | None:
        """None: an attributor takes no seeds."""
        return None

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
    """Return maps as float or double, shaped like the inputs or with one channel; InputError: they are not."""
    try:
        maps = found.detach() if isinstance(found, Tensor) else torch.as_tensor(found)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{name}: expected relevance of the shape {tuple(x.shape)}, got {found!r:.80}") from error
    if x.dim() > 2 and maps.shape == (len(x), *x.shape[2:]):
        maps = maps.unsqueeze(1)
    one = (len(x), 1, *x.shape[2:])
    if maps.is_complex() or (maps.shape != x.shape and (x.dim() == 2 or maps.shape != one)):
        raise InputError(f"{name}: expected relevance of the shape {tuple(x.shape)}, got {tuple(maps.shape)}")
    return maps.to(x.device, torch.promote_types(maps.dtype, torch.float32))  # the range of double does not fit float


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
