"""The inputs of one call: a tensor, a sequence that is passed as `model(*x)`, or a mapping passed as `model(**x)`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any

from torch import Tensor, nn

from whyset.attribution.intercept.integer_inputs import Key
from whyset.errors import InputError, WhysetError

ModelInput = Tensor | Sequence[Any] | Mapping[str, Any]
"""What an attributor is called with; relevance has the same structure."""


@contextmanager
def explain_dtypes(model: Any, given: Iterable[Any]) -> Iterator[None]:
    """Name the dtypes, if a call of the model in this block fails and its inputs have another one than its weights."""
    try:
        yield
    except WhysetError:
        raise
    except RuntimeError as error:
        held = {p.dtype for p in model.parameters() if p.is_floating_point()} if isinstance(model, nn.Module) else set()
        other = {x.dtype for x in given if isinstance(x, Tensor) and x.is_floating_point()} - held
        if not held or not other:
            raise
        own, of_x = (", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in found)) for found in (held, other))
        raise InputError(
            f"{type(model).__name__} has parameters of {own}, and got inputs of {of_x}: convert one of them, as by "
            f"x.to(torch.{own.split(', ')[0]}). torch reports: {error}"
        ) from error


_CONSTANTS = (bool, int, float, str)


@dataclass(frozen=True, eq=False)
class Inputs:
    """The inputs of a model by position or name; `kind` is the type of their container, None for a single tensor."""

    values: dict[Key, Any]
    kind: type | None

    @classmethod
    def parse(cls, x: ModelInput) -> "Inputs":
        """Return the inputs of a tensor, a sequence or a mapping.

        InputError: x is something else, contains no tensor, or contains values that are neither tensors nor constants.
        """
        if isinstance(x, Tensor):
            inputs = cls({0: x}, None)
        elif isinstance(x, Mapping):
            inputs = cls(dict(x.items()), dict)
        elif isinstance(x, list | tuple):
            inputs = cls(dict(enumerate(x)), list if isinstance(x, list) else tuple)
        else:
            raise InputError(
                f"x: expected a tensor, a tuple or list of tensors, or a mapping of names to tensors, got "
                f"{type(x).__name__}: torch.as_tensor makes a tensor of numbers or an array"
            )
        inputs._check()
        return inputs

    def _check(self) -> None:
        for key, value in self.values.items():
            if value is not None and not isinstance(value, (Tensor, *_CONSTANTS)):
                raise InputError(
                    f"{describe_key(key)}: expected a tensor, or a constant (None, a number or a text), got "
                    f"{type(value).__name__}: wrap the model in a module that takes tensors. A cache of keys and "
                    "values holds earlier tokens as constants, without relevance: pass all tokens in one call instead"
                )
            if isinstance(value, Tensor) and value.is_complex():
                raise InputError(
                    f"{describe_key(key)}: complex tensors carry no relevance: give real and imaginary parts, as "
                    "torch.view_as_real returns them, to a model that combines them"
                )
        if not any(isinstance(value, Tensor) for value in self.values.values()):
            raise InputError(f"x: expected at least one tensor, got {len(self.values)} inputs without one")

    def check_call(self, model: nn.Module) -> None:
        """Check that the model can be called with these inputs: with their number and their names."""
        try:
            taken = signature(model.forward)
        except ValueError:  # a forward that is not a Python function has no signature
            return
        try:
            taken.bind(*self.args, **self.kwargs)
        except TypeError as error:
            given = ", ".join(map(repr, self.kwargs)) or f"{len(self.args)} by position"
            raise InputError(
                f"{type(model).__name__}.forward takes the inputs {taken}, got {given} ({error}): pass a tuple of "
                "tensors in this order, or a mapping of names to tensors"
            ) from error

    def tensors(self) -> Iterator[tuple[Key, Tensor]]:
        """Yield the tensors with their position or name."""
        return ((key, value) for key, value in self.values.items() if isinstance(value, Tensor))

    def replace(self, function: Callable[[Key, Tensor], Tensor]) -> "Inputs":
        """Return the inputs with a function applied to every tensor."""
        changed = {key: function(key, value) for key, value in self.tensors()}
        return Inputs({**self.values, **changed}, self.kind)

    @property
    def args(self) -> tuple[Any, ...]:
        return () if self.kind is dict else tuple(self.values.values())

    @property
    def kwargs(self) -> dict[str, Any]:
        return {str(key): value for key, value in self.values.items()} if self.kind is dict else {}

    def arrange(self, found: Mapping[Key, Any]) -> Any:
        """Return results by position or name in the structure of the inputs, None for inputs without one."""
        if self.kind is None:
            return found[0]
        results = {key: found.get(key) for key in self.values}
        return results if self.kind is dict else self.kind(results.values())


def describe_key(key: Key) -> str:
    """Return the name of an input for messages."""
    return f"input {key!r}" if isinstance(key, str) else f"input {key}"


def require_tensor(x: object, attributor: str, *, floating: bool = False) -> None:
    """Raise an InputError if x is not one (floating point) tensor, for attributors that take no other input."""
    if not isinstance(x, Tensor):
        raise InputError(
            f"{attributor} expects one tensor as input, got {type(x).__name__}: Gradient takes several inputs, or wrap "
            "the model in a module with one input that holds the others"
        )
    if floating and not x.is_floating_point():
        raise InputError(
            f"{attributor} expects a floating point input, got {x.dtype}: integers cannot be changed continuously. "
            "Gradient explains them at their embedding, or give the part of the model after the embedding"
        )


def require_positions(x: Tensor, attributor: str) -> None:
    """Raise an InputError if x has no dimensions after its channels, for attributors that blur or segment inputs."""
    if x.dim() < 3:
        raise InputError(
            f"{attributor} expects inputs (n, channels, ...), whose elements have neighbors, got {tuple(x.shape)}: "
            "features of rows have none. GuidedIG, IntegratedGradients, RISE, Sobol, HSIC and Occlusion explain rows"
        )
