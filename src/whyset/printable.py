"""Text made fit to print: no control character reaches the terminal, no `repr` fills it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

_LONGEST_VALUE = 60


def printable(text: str) -> str:
    r"""Show control characters, such as those that color or overwrite lines, by their numbers.

    >>> printable("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode() for char in text
    )


def short_repr(name: str, values: Mapping[str, Any]) -> str:
    """Write `name(key=value, ...)` with every value cut off after some characters.

    >>> short_repr("Report", {"run": "runs/small", "rows": tuple(range(1000))})
    "Report(run='runs/small', rows=(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,...)"
    """
    return f"{name}({', '.join(f'{key}={_cut(repr(value))}' for key, value in values.items())})"


def short_dataclass_repr(part: Any) -> str:
    """Write a dataclass as its own `repr` does, with every value cut off after some characters."""
    return short_repr(type(part).__name__, {f.name: getattr(part, f.name) for f in fields(part) if f.repr})


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
