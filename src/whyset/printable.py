"""Text from files and people, made safe to print: no control character reaches the terminal."""

import unicodedata


def printable(text: str, keep: str = "\n\t") -> str:
    r"""Show control characters, such as those that color, overwrite or reverse lines, by their numbers.

    `keep` are those that stay; without the newline, no text can pass for lines of its own.

    >>> printable("red: \x1b[31m")
    'red: \\x1b[31m'
    >>> printable("done\nwhyset: all is well", keep="")
    'done\\nwhyset: all is well'
    """
    if text.isprintable():
        return text
    return "".join(char if is_printable(char) or char in keep else _number(char) for char in text)


def is_printable(char: str) -> bool:
    """Whether a character shows itself and does nothing else; spaces of any width do."""
    return char.isprintable() or unicodedata.category(char) == "Zs"


def say(line: object) -> None:
    """Print one line to stdout, whatever stands in it."""
    print(printable(str(line), keep="\t"), flush=True)


def _number(char: str) -> str:
    return char.encode("unicode_escape").decode()
