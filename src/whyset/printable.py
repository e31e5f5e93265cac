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
