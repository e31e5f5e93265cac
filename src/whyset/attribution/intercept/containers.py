"""Tensors in nested lists, tuples, named tuples, dictionaries and dataclasses."""

import copy
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor


def tensors_in(value: Any) -> list[Tensor]:
    """Return the tensors in a nested value."""
    if isinstance(value, Tensor):
        return [value]
    found: list[Tensor] = []
    if value is not None:
        _collect(value, found)
    return found


def _collect(value: Any, found: list[Tensor]) -> None:
    # Most arguments of a call are tensors and plain values: they are distinguished first.
    if isinstance(value, Tensor):
        found.append(value)
    elif value is None or isinstance(value, (bool, int, float, str)):
        return
    elif isinstance(value, (list, tuple)):
        for item in value:
            if isinstance(item, Tensor):
                found.append(item)
            else:
                _collect(item, found)
    elif isinstance(value, dict):
        for item in value.values():
            _collect(item, found)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            _collect(getattr(value, field.name, None), found)


def map_tensors(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """Apply a function to the tensors in a nested value, keeping the types of its containers."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(map_tensors(function, item) for item in value))
    if isinstance(value, (list, tuple)):
        return type(value)(map_tensors(function, item) for item in value)
    if type(value) is dict:
        return {key: map_tensors(function, item) for key, item in value.items()}
    if isinstance(value, dict):
        changed = copy.copy(value)
        for key, item in value.items():
            changed[key] = map_tensors(function, item)
        return changed
    if is_dataclass(value) and not isinstance(value, type):
        other: Any = copy.copy(value)
        for field in fields(value):
            object.__setattr__(other, field.name, map_tensors(function, getattr(value, field.name, None)))
        return other
    return value
