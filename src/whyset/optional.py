"""Imports of optional packages; a failure is one line with the command that installs them."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from whyset.errors import MissingExtraError

MATCHING = "; install the torchvision that was built for the installed torch (same index, matching version)"


def import_optional(module: str, user: str, install: str, package: str | None = None) -> Any:
    """Import a module of an optional package; `user` names the feature that needs it, `install` the command.

    MissingExtraError: it is not installed, or its import fails with any exception: a torchvision built for another
    torch raises RuntimeError, a package with a broken library OSError.

    >>> import_optional("json", "this example", "pip install json").loads("[1]")
    [1]
    """
    needed = package or module
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(f"{user} needs {needed}: {install} ({_in_one_line(error)})") from error
    except Exception as error:
        cause = f"{type(error).__name__}: {_in_one_line(error)}"
        advice = MATCHING if "torchvision" in f"{module} {cause}" else f"; install a version that works here: {install}"
        raise MissingExtraError(f"{user} needs {needed}, whose import fails ({cause}){advice}") from error


def version_or_none(distribution: str) -> str | None:
    """Return the installed version of a distribution, None if it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
