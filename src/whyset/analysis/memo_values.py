"""Values of a memo as bytes: arrays, sparse matrices, dataclasses and plain values, with a checksum, without pickle."""

import hashlib
import inspect
import io
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from scipy import sparse

from whyset.analysis.loaded_objects import find_loaded_object
from whyset.errors import InputError, WhysetError

_MAGIC = b"whyset-memo/1\n"
_SPARSE = {"csr_array": sparse.csr_array, "csr_matrix": sparse.csr_matrix, "csc_array": sparse.csc_array}


class DamagedEntryError(WhysetError):
    """An entry of the memo differs from what was written."""


def digest(value: Any) -> str:
    """Return the SHA-256 of the exact content of a value."""
    found = hashlib.sha256()
    arrays: list[np.ndarray[Any, Any]] = []
    tree = _tree(value, arrays)
    found.update(json.dumps(tree, sort_keys=True).encode())
    for array in arrays:
        found.update(f"{array.dtype.str} {array.shape};".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def encode(value: Any) -> bytes:
    """Convert a value to bytes that include a checksum."""
    arrays: list[np.ndarray[Any, Any]] = []
    tree = json.dumps(_tree(value, arrays)).encode()
    body = io.BytesIO()
    named: dict[str, Any] = {f"a{number}": array for number, array in enumerate(arrays)}
    np.savez(body, tree=np.frombuffer(tree, np.uint8), **named)
    content = body.getvalue()
    return _MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def decode(data: bytes) -> Any:
    """Convert bytes to the value; DamagedEntryError if a single bit differs."""
    head = len(_MAGIC) + 65
    if not data.startswith(_MAGIC) or len(data) < head:
        raise DamagedEntryError(f"it has {len(data)} bytes and does not begin as an entry does")
    if hashlib.sha256(data[head:]).hexdigest().encode() != data[len(_MAGIC) : head - 1]:
        raise DamagedEntryError("its checksum does not fit")
    with np.load(io.BytesIO(data[head:]), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return _value(json.loads(arrays["tree"].tobytes()), arrays)


def _tree(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """Convert a value to JSON values; its arrays are appended to `arrays` and referenced by their position."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.ndarray | np.generic | float):
        return _put_aside(np.asarray(value), arrays, type(value))
    if sparse.issparse(value):
        return _sparse_tree(value, arrays)
    if isinstance(value, tuple | list):
        return {"kind": type(value).__name__, "items": [_tree(item, arrays) for item in value]}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"kind": "dict", "items": {key: _tree(item, arrays) for key, item in value.items()}}
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        values = {f.name: _tree(getattr(value, f.name), arrays) for f in fields(value)}
        return {"kind": "dataclass", "name": f"{kind.__module__}:{kind.__qualname__}", "items": values}
    raise InputError(
        f"A {type(value).__name__} cannot be kept in a memo: expected arrays, sparse arrays, numbers, texts, and "
        "tuples, lists, dictionaries and dataclasses of these."
    )


def _put_aside(array: np.ndarray[Any, Any], arrays: list[np.ndarray[Any, Any]], kind: type) -> dict[str, Any]:
    if array.dtype.hasobject:
        raise InputError("An array of Python objects cannot be kept in a memo.")
    arrays.append(array)
    return {"kind": "array" if issubclass(kind, np.ndarray) else kind.__name__, "array": len(arrays) - 1}


def _sparse_tree(value: Any, arrays: list[np.ndarray[Any, Any]]) -> dict[str, Any]:
    name = type(value).__name__
    if name not in _SPARSE:
        raise InputError(f"A sparse {name} cannot be kept in a memo; expected one of {', '.join(_SPARSE)}.")
    parts = [_put_aside(part, arrays, np.ndarray) for part in (value.data, value.indices, value.indptr)]
    return {"kind": "sparse", "name": name, "shape": list(value.shape), "parts": parts}


def _value(tree: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    if not isinstance(tree, dict):
        return tree
    kind = tree["kind"]
    if "array" in tree:
        array = arrays[f"a{tree['array']}"]
        return array if kind == "array" else array.item() if kind == "float" else array[()]
    if kind == "sparse":
        return _SPARSE[tree["name"]](tuple(_value(part, arrays) for part in tree["parts"]), shape=tuple(tree["shape"]))
    if kind in ("tuple", "list"):
        return {"tuple": tuple, "list": list}[kind](_value(item, arrays) for item in tree["items"])
    items = {key: _value(item, arrays) for key, item in tree["items"].items()}
    return items if kind == "dict" else _dataclass(tree["name"], items)


def _dataclass(name: str, values: Mapping[str, Any]) -> Any:
    try:
        kind = find_loaded_object(name)
        if not (inspect.isclass(kind) and is_dataclass(kind)):
            raise TypeError("it is not a dataclass")
        return kind(**values)
    except (ImportError, AttributeError, TypeError) as error:
        raise DamagedEntryError(f"its class {name} has changed: {error}") from error
