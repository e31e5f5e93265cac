"""Sealed JSON files of records: a checksum, and a schema version."""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from whyset.errors import BrokenRunError, InputError
from whyset.store.boundary import MOST_RECORD
from whyset.store.jsonfile import JSON, canonical, json_checksum, read_json
from whyset.store.remote import AnyPath

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def read_sealed(file: AnyPath, schema: str, advice: str = "", most: int = MOST_RECORD) -> dict[str, Any]:
    """Read a file that `seal_json` sealed.

    Parameters
    ----------
    file : path
        The file.
    schema : str
        The version of the stored form that this whyset reads, such as "1.0".
    advice : str, default ""
        What to do about a changed file.
    most : int
        The most bytes that are read.

    Raises
    ------
    BrokenRunError
        The file is missing or damaged, or its checksum does not match.
    InputError
        Its schema has another major version.
    """
    stored: dict[str, Any] = read_json(file, most)
    if stored.get("checksum") != json_checksum(stored):
        what = f"{file} was changed after it was written: its checksum does not match"
        raise BrokenRunError(f"{what}; {advice}" if advice else what)
    if str(stored.get("schema")).partition(".")[0] != schema.partition(".")[0]:
        raise InputError(
            f"{file} has the format version {stored.get('schema')}; this whyset reads {schema}: update whyset"
        )
    return stored


def validate_record(kind: Any, stored: object, what: str) -> Any:
    """Return a record of a dataclass, or of a tuple of them, from its JSON; `what` names it in errors.

    BrokenRunError: a field is missing or has another type.
    """
    from pydantic import ValidationError

    try:
        return _make_adapter(kind).validate_json(json.dumps(stored), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise BrokenRunError(f"{what} are damaged: {where}: {first['msg']}, got {first['input']!r:.80}") from error


def digest_json(value: JSON) -> str:
    """Return the SHA-256 over a value, the same for equal values.

    >>> digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})
    True
    """
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def require_mapping(stored: object, what: str) -> Mapping[str, Any]:
    """Return the value if it is a JSON object; otherwise raise BrokenRunError."""
    if not isinstance(stored, Mapping):
        raise BrokenRunError(f"{what} are damaged: expected a JSON object, got {type(stored).__name__}")
    return stored


@lru_cache(maxsize=32)  # an adapter takes milliseconds, as long as reading a record
def _make_adapter(kind: Any) -> "TypeAdapter[Any]":
    """Return pydantic's adapter; pydantic is imported late, because a run without records does not need it."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
