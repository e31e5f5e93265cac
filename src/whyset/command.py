"""Commands that people are told, in a form that can be pasted into a shell."""

import shlex


def command(*arguments: object) -> str:
    """A command of `whyset` with its arguments quoted where a shell needs it.

    >>> command("view", "runs/my run")
    "whyset view 'runs/my run'"
    """
    return shlex.join(["whyset", *map(str, arguments)])
