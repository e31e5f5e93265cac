"""The base of the parts of a run that users choose by a name, with parameters: methods and kinds of outputs."""

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar, get_type_hints

import numpy as np
from torch import Tensor

from whyset.arguments import TypedFields, get_required_fields
from whyset.attribution.serialization import to_dict
from whyset.errors import InputError

P = TypeVar("P", bound="NamedPart")


@dataclass(frozen=True)
class NamedPart(TypedFields):
    """Base of dataclasses with a name, whose fields are parameters.

    >>> from whyset.attribution.methods import OcclusionMethod
    >>> OcclusionMethod(window=4).to_dict()
    {'name': 'occlusion', 'fields': {'window': 4, 'stride': None, 'fill': 0.0}}
    """

    name: ClassVar[str]
    """The name in the table of its kind, on the command line and in run.json."""

    def convert_numbers(self) -> None:
        """Convert numbers to those of Python, in which they are stored; InputError: one is not finite."""
        hints = get_type_hints(type(self))
        for part in fields(self):
            value = getattr(self, part.name)
            number = value.item() if isinstance(value, np.generic | Tensor) and value.ndim == 0 else value
            if isinstance(number, int | float) and hints[part.name] is float:
                number = float(number)
            if isinstance(number, float) and not math.isfinite(number):
                raise InputError(f"{type(self).__name__}({part.name}={number}): expected a finite number")
            if number is not value:
                object.__setattr__(self, part.name, number)

    def describe(self) -> str:
        """Return the name, and the parameters that are not the default, for users."""
        changed = [
            f"{part.name} {value}" for part in fields(self) if (value := getattr(self, part.name)) != part.default
        ]
        return ", ".join([self.name.replace("_", " "), *changed])

    def to_dict(self) -> dict[str, Any]:
        """Return the name and the parameters as values that JSON can hold."""
        return {"name": self.name, "fields": {part.name: to_dict(getattr(self, part.name)) for part in fields(self)}}


def make_default(kind: type[P], what: str, given: str) -> P:
    """Make a part that was `given` by its name alone; InputError: it needs parameters."""
    needed = get_required_fields(kind)
    if needed:
        values = ", ".join(f"{name}=..." for name in needed)
        raise InputError(f"{what} {given!r} needs {' and '.join(needed)}: pass {kind.__name__}({values})")
    return kind()
