"""The base of processors: frozen dataclasses that are called with arrays and can be stored."""

from dataclasses import fields
from typing import Any, ClassVar

import numpy as np

from whyset.arguments import TypedFields
from whyset.errors import InputError

OWN_PACKAGE = "whyset"


class Processor(TypedFields):
    """Base of the processors: one step of an analysis. A call computes a result and changes nothing.

    A subclass is a frozen dataclass with a `__call__`. Its fields are its configuration: numbers, texts, None, tuples
    of these, and other processors. One with `seeded = True` takes the keyword `seed`, which the pipeline draws for it.
    A clustering or embedding may have a `name` and `inputs`, the names of the results that it is called with.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Scale(Processor):
    ...     factor: float = 2.0
    ...
    ...     def __call__(self, values):
    ...         return self.factor * values
    >>> Scale(3.0)(2.0), Scale(3.0).settings()
    (6.0, {'factor': 3.0})
    """

    seeded: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    """True if two of its kind must not run at once, because the library does not support it."""

    def settings(self) -> dict[str, Any]:
        """Return all fields as plain JSON values, nested processors in their stored form."""
        return {name: plain(value, f"{type(self).__name__}.{name}") for name, value in self._fields().items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the name and all fields as plain JSON values.

        A processor of this package is stored by its name, another one by its import path and a hash of its source.
        """
        kind = type(self)
        if kind.__module__.partition(".")[0] == OWN_PACKAGE:
            return {"name": kind.__name__, "fields": self.settings()}
        from whyset.analysis.processors.source import source_hash

        name = f"{kind.__module__}:{kind.__qualname__}"
        return {"name": name, "fields": self.settings(), "source": source_hash(kind)}

    def values(self) -> list[Any]:
        """Return the values of all fields."""
        return list(self._fields().values())

    def _fields(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]  # it is a dataclass


def get_inputs(part: Processor, usual: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the results that a processor is called with: its `inputs`, or those usual for its kind."""
    return tuple(getattr(part, "inputs", usual))


def get_name(part: Processor) -> str:
    """Return the name of a clustering or embedding: its `name`, or its class in lower case."""
    return str(getattr(part, "name", type(part).__name__.lower()))


def plain(value: Any, where: str) -> Any:
    """Convert a field to exact JSON values. InputError, which names the field: it has no such form."""
    if isinstance(value, Processor):
        return value.to_dict()
    if isinstance(value, tuple | list):
        return [plain(item, where) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and np.isfinite(value)):
        return value
    raise InputError(
        f"{where} holds {value!r}, which cannot be stored: a field holds finite numbers, texts, None, tuples of these, "
        "and processors."
    )
