"""The viewer's token: a fresh one for each start, or one in a private file for those who come back every day."""

import os
import re
import secrets
from pathlib import Path

from whyset.errors import InputError
from whyset.store.boundary import open_regular

LEAST = 20
"""Characters that a token in a file has at least; 20 of 64 kinds cannot be guessed."""

_FORM = re.compile(rf"[A-Za-z0-9_-]{{{LEAST},200}}")


def fresh_token() -> str:
    """192 random bits, as letters that an address can carry."""
    return secrets.token_urlsafe(24)


def token_in(path: Path) -> str:
    """The token in a file that only its owner may read; where there is no file, it is made with a fresh token.

    InputError: others may read it, or what it holds is no token.
    """
    try:
        return _create(path)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise InputError(f"the token file {path} cannot be made: {error}") from error


def _create(path: Path) -> str:
    token = fresh_token()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{token}\n")
    return token


def _read(path: Path) -> str:
    try:
        with open_regular(path) as file:
            mode, text = os.fstat(file.fileno()).st_mode, file.read(1000).decode("ascii").strip()
    except (OSError, ValueError) as error:
        raise InputError(f"the token file {path} cannot be read: {error}") from error
    if os.name == "posix" and mode & 0o077:
        raise InputError(f"others may read the token file {path} (mode {mode & 0o777:o}): chmod 600 {path}")
    if not _FORM.fullmatch(text):
        raise InputError(
            f"the token file {path} holds no token: expected {LEAST} to 200 letters, digits, '-' and '_' and nothing "
            "else; delete it, and a fresh one is made"
        )
    return text
