"""Commands shown to users, in a form that can be pasted into a shell."""

import shlex


def command(*arguments: object) -> str:
    """Return a command of `whyset` with its arguments quoted for a shell.

    >>> command("view", "runs/my run")
    "whyset view 'runs/my run'"
    """
    return shlex.join(["whyset", *map(str, arguments)])
