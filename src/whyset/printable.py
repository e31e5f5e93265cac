"""Text for the terminal: control characters are escaped, long values shortened."""

import unicodedata
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

_LONGEST_VALUE = 60


def printable(text: str, keep: str = "\n\t") -> str:
    r"""Escape control characters, such as those that color, overwrite or reverse lines.

    `keep` lists those that stay; without the newline, no text can imitate further lines.

    >>> printable("red: \x1b[31m")
    'red: \\x1b[31m'
    >>> printable("done\nwhyset: all is well", keep="")
    'done\\nwhyset: all is well'
    """
    if text.isprintable():
        return text
    return "".join(char if is_printable(char) or char in keep else escape(char) for char in text)


def is_printable(char: str) -> bool:
    """True if a character is visible text or a space of any width."""
    return char.isprintable() or unicodedata.category(char) == "Zs"


def echo(line: object) -> None:
    """Print one line to stdout, with control characters escaped."""
    print(printable(str(line), keep="\t"), flush=True)


def escape(char: str) -> str:
    r"""Write a character by its number, as Python does: "\x1b"."""
    return char.encode("unicode_escape").decode()


def show_bytes(*numbers: float) -> tuple[str, ...]:
    """Write numbers of bytes in the largest unit in which all but 0 are at least 1, and different ones differ.

    >>> show_bytes(2.5e9, 1e9)
    ('2.5 GB', '1.0 GB')
    >>> show_bytes(70_400, 35_000_000)
    ('70.4 kB', '35000.0 kB')
    """
    least = min((number for number in numbers if number), default=1)
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        shown = tuple(f"{number / size:.1f} {unit}" for number in numbers)
        if least >= size and len(set(shown)) == len(set(numbers)):
            return shown
    return tuple(f"{number:,.0f} bytes" for number in numbers)


def short_repr(name: str, values: Mapping[str, Any]) -> str:
    """Format `name(key=value, ...)` with long values cut off.

    >>> short_repr("Report", {"run": "runs/small", "rows": tuple(range(1000))})
    "Report(run='runs/small', rows=(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,...)"
    """
    return f"{name}({', '.join(f'{key}={_cut(repr(value))}' for key, value in values.items())})"


def short_dataclass_repr(part: Any) -> str:
    """Format a dataclass like its `repr`, with long values cut off."""
    return short_repr(type(part).__name__, {f.name: getattr(part, f.name) for f in fields(part) if f.repr})


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
