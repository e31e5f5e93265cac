"""A named place in a model, where the value of a layer is read or replaced during a call."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from whyset.attribution.intercept.operations import canonical_name, raw_name
from whyset.attribution.intercept.scope import Scope
from whyset.errors import InputError

Change = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class CalledOperation:
    """One call of a torch function: the `number`-th of its name, from 0, in the forward of the module `path`.

    >>> str(CalledOperation("features", "relu", 2)), CalledOperation.parse(":conv2d:0")
    ('features:relu:2', CalledOperation(path='', operation='conv2d', number=0))
    """

    path: str
    operation: str
    number: int

    def __str__(self) -> str:
        return f"{self.path}:{self.operation}:{self.number}"

    @classmethod
    def parse(cls, name: str) -> "CalledOperation | None":
        """Return the call of a name PATH:OPERATION:NUMBER; None for other texts."""
        parts = name.rsplit(":", 2)
        if len(parts) != 3 or not parts[2].isdecimal():
            return None
        return cls(parts[0], parts[1], int(parts[2]))


def check_layer_name(model: nn.Module, layer: str) -> None:
    """Raise InputError unless the layer is the path of a module or names a call inside one."""
    modules, call = dict(model.named_modules()), CalledOperation.parse(layer)
    if layer and layer in modules:
        return
    if call is None or call.path not in modules:
        raise InputError(
            f"{type(model).__name__} has no module named {layer!r}: give a path of model.named_modules(), or "
            "PATH:OPERATION:NUMBER for a call of a function, such as 'features:relu:0'"
        )


@contextmanager
def replace_value(model: nn.Module, layer: str, change: Change) -> Iterator[None]:
    """Replace the value of a layer in the calls of the model in this block.

    InputError: a call of the model did not reach the layer exactly once, or its value is not a tensor.
    """
    check_layer_name(model, layer)
    reached: list[str] = []

    def change_once(value: Any) -> Tensor:
        if not isinstance(value, Tensor):
            raise InputError(
                f"the output of {layer!r} is not a tensor, got {type(value).__name__}: give a layer inside it"
            )
        reached.append(layer)
        return change(value)

    modules = dict(model.named_modules())
    if layer in modules:
        handle = modules[layer].register_forward_hook(lambda _, __, output: change_once(output))
        try:
            yield
        finally:
            handle.remove()
    else:
        with _OperationTap(model, layer, change_once):
            yield
    if len(reached) != 1:
        times = f"runs {len(reached)} times" if reached else "did not run"
        raise InputError(f"{layer!r} {times} in one forward pass: give the path of a module that runs exactly once")


class _OperationTap(TorchFunctionMode):
    """Replace the result of one call of a torch function."""

    def __init__(self, model: nn.Module, layer: str, change: Change) -> None:
        super().__init__()
        self.call, self.scope, self.change = CalledOperation.parse(layer), Scope(model), change
        self.counts: Counter[str] = Counter()

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        assert self.call is not None
        if not isinstance(result, Tensor) or canonical_name(raw_name(func)) != self.call.operation:
            return result
        path = self.scope.current()[0]
        self.counts[path] += 1
        is_called = path == self.call.path and self.counts[path] == self.call.number + 1
        return self.change(result) if is_called else result
