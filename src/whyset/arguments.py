"""Checks of numbers and texts given by users."""

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, fields
from difflib import get_close_matches
from numbers import Real
from types import MappingProxyType, NoneType
from typing import Any, Literal, Self, get_args, get_origin

from whyset.errors import InputError


def whole_number(name: str, value: Any, least: int | None = None) -> int:
    """Return the value as an int, also from numpy; InputError: it is not a whole number, or it is too small.

    >>> whole_number("batch_size", 32, least=1)
    32
    """
    number = _as_whole(value)
    if number is None or (least is not None and number < least):
        bound = "" if least is None else f" of at least {least}"
        raise InputError(f"{name} is {value!r}: expected a whole number{bound}")
    return number


SEED_LIMIT = 2**63
"""The number of a shard is added to a seed, and the sum has at most 64 bits."""


def seed_number(value: Any) -> int:
    """The seed as an int; InputError: it is not a whole number from 0 to 2**63 - 1.

    >>> seed_number(7)
    7
    """
    number = whole_number("seed", value, 0)
    if number >= SEED_LIMIT:
        raise InputError(f"seed is {value!r}: expected a whole number from 0 to 2**63 - 1")
    return number


def require_timeout(name: str, seconds: Any) -> None:
    """Raise an InputError unless this is a number of seconds, 0 or None."""
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, Real) or not 0 <= float(seconds) < math.inf:
        raise InputError(f"{name} is {seconds!r}: expected seconds, or 0 for no limit")


def get_required_fields(kind: type[Any]) -> list[str]:
    """Return the fields of a dataclass without a default, such as `low` and `high` of EpsilonGammaBox."""
    return [part.name for part in fields(kind) if part.default is MISSING and part.default_factory is MISSING]


def name_unknown(what: str, name: str, known: Iterable[str]) -> InputError:
    """Return the error for an unknown name, with the known names and the one that may be meant."""
    names = list(known)
    close = get_close_matches(name, names, 1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    return InputError(f"unknown {what} {name!r}{meant}; the names are {', '.join(names)}")


_WORDS = MappingProxyType(
    {bool: "True or False", int: "a whole number", float: "a number", str: "a text", NoneType: "None"}
)


class TypedFields:
    """Base of dataclasses that refuse an argument of another type, if the field is a number, a text, a bool or None.

    The check is in `__new__`, because `__post_init__` of subclasses compares values: a wrong type would end that with
    an error that names neither the class nor the field. Fields of other types are not checked.
    """

    def __new__(cls, *positional: Any, **by_name: Any) -> Self:
        _require_field_types(cls, positional, by_name)
        return super().__new__(cls)


def _require_field_types(part: type, positional: Sequence[Any], by_name: dict[str, Any]) -> None:
    """Raise InputError, which names class and field, for an argument of another type."""
    described = [field for field in fields(part) if field.init] if hasattr(part, "__dataclass_fields__") else []
    given = dict(zip((field.name for field in described if not field.kw_only), positional, strict=False)) | by_name
    for field in described:
        of = get_args(field.type)
        accepted = tuple({type(value) for value in of}) if get_origin(field.type) is Literal else of or (field.type,)
        if field.name not in given or not all(kind in _WORDS for kind in accepted):
            continue
        value = given[field.name]
        if not any(_has_type(value, kind) for kind in accepted):
            expected = " or ".join(_WORDS[kind] for kind in accepted)
            raise InputError(
                f"{part.__name__}({field.name}={value!r}): expected {expected}, got {type(value).__name__}"
            )


def _has_type(value: Any, kind: Any) -> bool:
    """Check if a value is of a type; numbers of numpy and torch count, a bool is not a number."""
    if kind in (int, float):
        return _as_whole(value) is not None or (kind is float and isinstance(value, Real) and not _is_bool(value))
    return _is_bool(value) if kind is bool else isinstance(value, kind)


def _is_bool(value: Any) -> bool:
    return type(value).__name__ in ("bool", "bool_")  # numpy's, too, without numpy


def _as_whole(value: Any) -> int | None:
    """Return a whole number as an int, also from numpy and torch; None for anything else, bools included."""
    try:
        return None if _is_bool(value) else operator.index(value)
    except TypeError:
        return None
