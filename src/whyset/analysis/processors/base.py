"""What every processor is: a frozen dataclass, called with what it needs, that can be written down."""

from dataclasses import fields
from typing import Any, ClassVar


class Processor:
    """One step of an analysis. Its fields are its configuration; calling it does the work and changes nothing.

    A subclass is a frozen dataclass with a `__call__`. One with `seeded = True` also takes the keyword `seed`, which
    the pipeline draws for it.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Scale(Processor):
    ...     factor: float = 2.0
    ...
    ...     def __call__(self, values):
    ...         return self.factor * values
    >>> Scale(3.0)(2.0), Scale(3.0).stored_form()
    (6.0, {'name': 'Scale', 'fields': {'factor': 3.0}})
    """

    seeded: ClassVar[bool] = False

    def stored_form(self) -> dict[str, Any]:
        """Give the name and all fields as plain JSON values, nested processors included."""
        return {"name": type(self).__name__, "fields": {f.name: plain(getattr(self, f.name)) for f in self._fields()}}

    def _fields(self) -> tuple[Any, ...]:
        return fields(self)  # type: ignore[arg-type]  # every subclass is a dataclass


def plain(value: Any) -> Any:
    """Turn a field into what JSON can hold."""
    if isinstance(value, Processor):
        return value.stored_form()
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value
