"""JSON files: strict (no NaN), atomic, with errors that name the file."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from whyset.errors import BrokenRunError, InputError
from whyset.store.boundary import MOST_RECORD, WHOLE_NUMBERS, parse_json, read_regular
from whyset.store.files import create_file, replace_file
from whyset.store.remote import AnyPath
from whyset.store.remote_errors import RemoteError

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"


def read_json(path: AnyPath, most: int = MOST_RECORD) -> dict[str, JSON]:
    """Read a JSON object of at most `most` bytes; BrokenRunError, which names the file, if it is damaged."""
    try:
        value = parse_json(read_regular(path, most))
    except RemoteError:
        raise
    except FileNotFoundError as error:
        raise BrokenRunError(f"{path} is missing") from error
    except (ValueError, OSError) as error:
        raise BrokenRunError(f"{path} is damaged: expected JSON: {error}") from error
    if not isinstance(value, dict):
        raise BrokenRunError(f"{path} is damaged: expected a JSON object, got {type(value).__name__}")
    return value


def replace_json(path: AnyPath, value: Mapping[str, JSON]) -> None:
    """Write a JSON object atomically."""
    replace_file(path, encode(value))


def create_json(path: AnyPath, value: Mapping[str, JSON]) -> None:
    """Write a JSON object that must not exist yet, or raise FileExistsError."""
    create_file(path, encode(value))


def encode(value: JSON) -> bytes:
    """Encode a JSON file: indented, in the given order of keys, without NaN and infinity."""
    require_json(value)
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def canonical(value: JSON) -> bytes:
    """Encode a value for hashing: sorted keys, no spaces, so that equal values have equal hashes."""
    require_json(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def json_checksum(content: Mapping[str, JSON]) -> str:
    """Return the SHA-256 over a JSON object without its field `checksum`."""
    rest = {name: value for name, value in content.items() if name != "checksum"}
    return "sha256:" + hashlib.sha256(canonical(rest)).hexdigest()


def seal_json(content: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return a JSON object with its checksum as the last field."""
    return {**content, "checksum": json_checksum(content)}


def require_json(value: object, where: str = "the value") -> None:
    """Raise InputError for values that JSON cannot hold: NaN, infinity, arrays, keys that are not text.

    Whole numbers of more than 64 bits are refused as well, because readers of runs refuse them.
    """
    if isinstance(value, Mapping):
        for key, part in value.items():
            if not isinstance(key, str):
                raise InputError(f"{where} has the key {key!r}: expected text")
            require_json(part, f"{where}[{key!r}]")
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            require_json(part, f"{where}[{number}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{where} is {value}: expected a finite number, or null")
    elif isinstance(value, int) and int(value) not in WHOLE_NUMBERS:
        raise InputError(f"{where} is a whole number of {value.bit_length()} bits: expected at most 64")
    elif value is not None and not isinstance(value, bool | int | float | str):
        raise InputError(f"{where} is a {type(value).__name__}: expected what JSON holds (convert NumPy values first)")
