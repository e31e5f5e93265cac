"""Checks of numbers given by users."""

import math
import operator
from numbers import Real
from typing import Any

from whyset.errors import InputError


def whole_number(name: str, value: Any, least: int | None = None) -> int:
    """Return the value as an int, also from numpy; InputError: it is not a whole number, or it is too small.

    >>> whole_number("batch_size", 32, least=1)
    32
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or (least is not None and number < least):
        bound = "" if least is None else f" of at least {least}"
        raise InputError(f"{name} is {value!r}: expected a whole number{bound}")
    return number


def require_timeout(name: str, seconds: Any) -> None:
    """Raise an InputError unless this is a number of seconds, 0 or None."""
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, Real) or not 0 <= float(seconds) < math.inf:
        raise InputError(f"{name} is {seconds!r}: expected seconds, or 0 for no limit")
