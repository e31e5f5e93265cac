"""Questions to the user at the terminal."""

import sys
from typing import TYPE_CHECKING

import typer

from whyset.printable import printable

if TYPE_CHECKING:
    from whyset.runner.consent import ModelCode


def is_interactive() -> bool:
    """True if a user can see a question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_to_execute(code: "ModelCode") -> bool:
    """Ask whether the model file of another user's run may be executed; any answer but yes means no."""
    print("This run was not made by you on this machine. Repeating it executes the file", file=sys.stderr)
    print(f"  {printable(str(code.path), keep='')}", file=sys.stderr)
    print(f"  SHA-256 {code.sha256}", file=sys.stderr)
    return typer.confirm("Have you read it, and do you trust it?", default=False, err=True)
