"""Errors of object stores, with advice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from whyset.errors import WhysetError
from whyset.optional import import_optional


class RemoteError(WhysetError, OSError):
    """An object store refused a request or did not answer."""


@contextmanager
def explain_remote_errors(place: object) -> Iterator[None]:
    """Turn errors of an object store into errors of files, or into a RemoteError with advice."""
    exceptions = obstore_module("exceptions")
    try:
        yield
    except exceptions.AlreadyExistsError as error:
        raise FileExistsError(f"{place} exists") from error
    except FileNotFoundError as error:
        if _no_bucket(error):
            raise RemoteError(_without_bucket(place)) from error
        raise FileNotFoundError(f"{place} does not exist") from error
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise RemoteError(f"{place}: the store refuses these credentials ({first_line(error)}); {_LOG_IN}") from error
    except exceptions.BaseError as error:
        raise RemoteError(_without_bucket(place) if _no_bucket(error) else f"{place}: {_meaning(error)}") from error


def _meaning(error: Exception) -> str:
    if any(sign in str(error) for sign in _WITHOUT_KEYS):
        return f"no credentials were found ({first_line(error)}); {_LOG_IN}"
    return f"the request to the store failed ({first_line(error)}); {_AGAIN}"


def _without_bucket(place: object) -> str:
    bucket = "/".join(str(place).split("/")[:3])
    return f"{bucket}: the bucket does not exist; create it, or correct the URL"


def _no_bucket(error: Exception) -> bool:
    return any(sign in str(error) for sign in ("NoSuchBucket", "ContainerNotFound", "bucket does not exist"))


def first_line(error: Exception) -> str:
    """Return obstore's message without its details; obstore redacts signatures."""
    line = " ".join(str(error).partition("\n\nDebug source")[0].split())
    return line if len(line) <= 240 else f"{line[:237]}..."


_WITHOUT_KEYS = ("latest/api/token", "169.254.169.254", "metadata.google.internal", "redential", "MissingAccount")
_LOG_IN = (
    "set them in the environment: AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_NAME ..."
)
_AGAIN = "committed data is safe: run the same command again when the store can be reached"


def obstore_module(module: str) -> Any:
    """Import a module of obstore, an optional dependency."""
    return import_optional(f"obstore.{module}", "a run in an object store", 'pip install "whyset[remote]"', "obstore")
