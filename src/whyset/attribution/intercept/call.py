"""One intercepted call of a torch function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.containers import map_tensors, tensors_in
from whyset.attribution.intercept.frozen import make
from whyset.attribution.intercept.operations import Operation, OperationKind
from whyset.attribution.intercept.tracking import TensorRecord


@dataclass(frozen=True)
class Call:
    """A torch function with its arguments; `records` holds the record of every tensor among them by `id`.

    `tensors` are the tensors among the arguments, `dependents` those that depend on the marked input, each once.
    """

    func: Callable[..., Any]
    operation: Operation
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    records: dict[int, TensorRecord]
    tensors: list[Tensor]
    dependents: list[Tensor]

    @classmethod
    def of(
        cls,
        func: Callable[..., Any],
        operation: Operation,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        records: dict[int, TensorRecord],
        tensors: list[Tensor] | None = None,
    ) -> "Call":
        """Return a call with the tensors among its arguments, which have a record each."""
        if tensors is None:
            tensors = tensors_in((args, kwargs) if kwargs else args)
        dependents = {id(tensor): tensor for tensor in tensors if records[id(tensor)].dependent}
        return make(
            cls,
            func=func,
            operation=operation,
            args=tuple(args),
            kwargs=kwargs,
            records=records,
            tensors=tensors,
            dependents=list(dependents.values()),
        )

    @property
    def name(self) -> str:
        return self.operation.name

    @property
    def kind(self) -> OperationKind | None:
        return self.operation.kind

    def run(self) -> Any:
        return self.func(*self.args, **self.kwargs)

    def depends(self, value: Any) -> bool:
        return isinstance(value, Tensor) and self.records[id(value)].dependent

    @property
    def factors(self) -> tuple[Any, ...]:
        """The factors among the arguments of a product."""
        known = self.operation.factors
        return tuple(self.argument(*factor) for factor in known) if known else tuple(self.tensors)

    def map_tensors(self, function: Callable[[Tensor], Tensor]) -> "Call":
        """Return the call with a function applied to every tensor argument; the results inherit the records."""
        records = dict(self.records)

        def substitute(tensor: Tensor) -> Tensor:
            other = function(tensor)
            records[id(other)] = self.records[id(tensor)]
            return other

        args, kwargs = map_tensors(substitute, self.args), map_tensors(substitute, self.kwargs)
        return Call.of(self.func, self.operation, args, kwargs, records)

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """Return an argument that was passed by position or by name."""
        return self.args[position] if position < len(self.args) else self.kwargs.get(name, default)

    def arguments(self, names: Sequence[str]) -> dict[str, Any]:
        """Return all arguments by name, for a function with these parameters."""
        return dict(zip(names, self.args, strict=False)) | self.kwargs


def replay(call: Call, index: int) -> Callable[[Tensor], Tensor]:
    """Return an output of a call as a function of the tensor that depends on the input, without keeping it alive."""
    hole = torch.empty(0)
    func, depends = call.func, call.depends
    args, kwargs = (map_tensors(lambda t: hole if depends(t) else t, part) for part in (call.args, call.kwargs))

    def run(x: Tensor) -> Tensor:
        given, named = (map_tensors(lambda t: x if t is hole else t, part) for part in (args, kwargs))
        return tensors_in(func(*given, **named))[index]

    return run
