"""The viewer's token: a new one for each start, or a permanent one in a private file."""

import os
import re
import secrets
from pathlib import Path

from whyset.errors import InputError
from whyset.store.boundary import open_regular

LEAST = 20
"""Minimum length of a token in a file; 20 characters of 64 kinds cannot be guessed."""

_FORM = re.compile(rf"[A-Za-z0-9_-]{{{LEAST},200}}")


def fresh_token() -> str:
    """Create a token of 192 random bits in characters that an address can contain."""
    return secrets.token_urlsafe(24)


def token_in(path: Path) -> str:
    """Read the token in a file that only its owner may read; if the file does not exist, create it with a new token.

    InputError: others may read it, or its content is not a token.
    """
    try:
        return _create(path)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise InputError(f"the token file {path} cannot be created: {error}") from error


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
        raise InputError(f"others can read the token file {path} (mode {mode & 0o777:o}): chmod 600 {path}")
    if not _FORM.fullmatch(text):
        raise InputError(
            f"the token file {path}: expected {LEAST} to 200 letters, digits, '-' and '_' and nothing else; delete it, "
            "and a new token is created"
        )
    return text
