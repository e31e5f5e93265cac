"""Commands shown to users, in a form that can be pasted into a shell."""

import shlex


def command(name: str, /, *arguments: object, **options: object) -> str:
    """Return a command of `whyset` with its arguments quoted for a shell.

    An argument that begins with a dash is a path, and is written so that it is not read as an option. An option whose
    value is a list is repeated.

    >>> command("report", "runs/my run", name="spray")
    "whyset report 'runs/my run' --name spray"
    >>> command("view", "-run")
    'whyset view ./-run'
    >>> command("evaluate", "run", metric=["sparseness", "complexity"])
    'whyset evaluate run --metric sparseness --metric complexity'
    """
    paths = (f"./{text}" if text.startswith("-") else text for text in map(str, arguments))
    values = (
        (option, one) for option, value in options.items() for one in (value if isinstance(value, list) else [value])
    )
    given = (part for option, value in values for part in (f"--{option}", str(value)))
    return shlex.join(["whyset", name, *paths, *given])
