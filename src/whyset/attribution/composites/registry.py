"""Composites by name."""

from collections.abc import Mapping
from typing import Any

from whyset.arguments import get_required_fields, name_unknown
from whyset.attribution.composites.composite import Composite
from whyset.errors import InputError

PLAIN_GRADIENT = "gradient"


def find_composite(name: str, table: Mapping[str, type[Composite]]) -> type[Composite] | None:
    """Return the class with this name, None for "gradient"; an InputError lists the known names."""
    if name == PLAIN_GRADIENT:
        return None
    if name not in table:
        raise name_unknown("composite", name, [*table, PLAIN_GRADIENT])
    return table[name]


def refuse_class(given: Any) -> None:
    """Raise an InputError if a class was passed instead of an instance."""
    if isinstance(given, type) and issubclass(given, Composite):
        values = ", ".join(f"{name}=..." for name in get_required_fields(given))
        name = given.__name__
        raise InputError(f"composite: expected an instance or a name, got the class {name}: pass {name}({values})")


def resolve_composite(given: Composite | str | None, table: Mapping[str, type[Composite]]) -> Composite | None:
    """Resolve an instance, a name in the table, or None for the plain gradient."""
    refuse_class(given)
    if given is None or isinstance(given, Composite):
        return given
    if not isinstance(given, str):
        raise InputError(f"composite: expected an instance, a name or None, got {type(given).__name__}")
    if given == "auto":
        raise InputError(
            'composite "auto" is resolved by explain, which knows the data: pass a name, such as "epsilon_plus"'
        )
    kind = find_composite(given, table)
    if kind is None:
        return None
    needed = get_required_fields(kind)
    if needed:
        values = ", ".join(f"{name}=..." for name in needed)
        raise InputError(
            f"composite {given!r} needs {' and '.join(needed)}, the range of the inputs: pass {kind.__name__}({values})"
        )
    return kind()
