"""Commands shown to users, in a form that can be pasted into a shell."""

import shlex


def command(name: str, /, *arguments: object, **options: object) -> str:
    """Return a command of `whyset` with its arguments quoted for a shell.

    An argument that begins with a dash is a path, and is written so that it is not read as an option.

    >>> command("report", "runs/my run", name="spray")
    "whyset report 'runs/my run' --name spray"
    >>> command("view", "-run")
    'whyset view ./-run'
    """
    paths = (f"./{text}" if text.startswith("-") else text for text in map(str, arguments))
    given = (part for option, value in options.items() for part in (f"--{option}", str(value)))
    return shlex.join(["whyset", name, *paths, *given])
