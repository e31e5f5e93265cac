"""Calls in one form: reflected operators and overloads as the operation that they are."""

import operator
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from torch._ops import OpOverload

_REFLECTED: MappingProxyType[str, Callable[..., Any]] = MappingProxyType(
    {
        "__rdiv__": operator.truediv,
        "__rtruediv__": operator.truediv,
        "__rmatmul__": operator.matmul,
        "__rmul__": operator.mul,
        "__radd__": operator.add,
    }
)


def normalize(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, Sequence[Any], dict[str, Any]]:
    """Return the function and arguments of a call in one form.

    `1 / t` arrives as `t.__rdiv__(1)` and becomes `truediv(1, t)`. Operands that are passed by name move to their
    positions.
    """
    reflected = _REFLECTED.get(getattr(func, "__name__", ""))
    if reflected is not None and len(args) == 2:
        return reflected, (args[1], args[0]), kwargs
    if not kwargs:
        return func, args, kwargs
    if isinstance(func, OpOverload):
        args, kwargs = _by_schema(func, args, kwargs)
    elif not args:
        func, args, kwargs = _by_position(func, kwargs)
    return func, *_plain(args, kwargs)


def _plain(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """Move the second operand to its position, and leave out options that change nothing."""
    if len(args) == 1 and "other" in kwargs and "input" not in kwargs:
        kwargs = dict(kwargs)
        args = (args[0], kwargs.pop("other"))
    if kwargs.get("alpha") == 1 and len(args) == 2:
        kwargs = {name: value for name, value in kwargs.items() if name != "alpha"}
    return args, kwargs


def _by_schema(
    func: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], dict[str, Any]]:
    """Move arguments of an overload that are passed by name to the positions that its schema gives them."""
    rest, given = dict(kwargs), list(args)
    for argument in func._schema.arguments[len(given) :]:
        if argument.kwarg_only or not rest or (argument.name not in rest and not argument.has_default_value()):
            break
        given.append(rest.pop(argument.name, argument.default_value))
    return given, rest


def _by_position(func: Any, kwargs: dict[str, Any]) -> tuple[Any, Sequence[Any], dict[str, Any]]:
    rest = dict(kwargs)
    if "condition" in rest:  # of `where`, whose first argument it is
        return func, [rest.pop(key) for key in ("condition", "input", "other") if key in rest], rest
    name = next((n for n in ("input", "self") if n in rest), None)
    if name is None:
        return func, (), kwargs
    args = [rest.pop(name)]
    if "other" in rest:
        args.append(rest.pop("other"))
    return func, args, rest
