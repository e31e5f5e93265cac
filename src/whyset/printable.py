"""Text from files and people, made safe to print: no control character reaches the terminal."""


def printable(text: str) -> str:
    r"""Show control characters, such as those that color or overwrite lines, by their numbers.

    >>> printable("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode() for char in text
    )
