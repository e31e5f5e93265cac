"""Safe reading of untrusted files: a run may come from anyone, and must not exhaust memory or block.

Only regular files are opened, JSON has limits of size, number and depth, and the size that a header claims is compared
with that of its file before anything is allocated.
"""

import ast
import errno
import json
import math
import os
import re
import stat
from collections.abc import Iterable
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from whyset.store.remote import AnyPath, RemotePath

MOST_RECORD = 64 * 2**20
"""Limit of the bytes of a JSON file of a run: tens of thousands of classes or failures fit."""

MOST_NOTES = 256 * 2**20
"""Limit of the bytes of a JSON file that lists rows: selections and states of ten million rows fit."""

MOST_VALUES, DEEPEST = 12_000_000, 64
"""Limits of the number of values in a JSON file and of the depth of their nesting."""

WHOLE_NUMBERS, _LONGEST_WHOLE = range(-(2**63), 2**64), 20
_SPARSE_FROM, _LEAST_SHARE = 2**30, 64
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_MAGIC, _LONGEST_HEADER = b"\x93NUMPY", 65_536
_HEADER_KEYS = {"descr", "fortran_order", "shape"}


def open_regular(path: str | Path) -> BufferedReader:
    """Open a regular file for reading; OSError for others: a FIFO would block until another process writes.

    A large sparse file is refused, too: it costs nothing to send and hours to read.
    """
    # O_NONBLOCK: without it, opening a FIFO waits for a writer before its type can be checked.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        if state.st_size > _SPARSE_FROM and _is_sparse(descriptor, state):
            raise OSError(errno.EFBIG, f"it has {state.st_size} bytes, almost none of which were written", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _count_written(state: os.stat_result) -> int:
    """Return the bytes of a file that take space; all of them if the file system does not report it."""
    blocks: int | None = getattr(state, "st_blocks", None)
    return state.st_size if not blocks else min(state.st_size, blocks * 512)


def _is_sparse(descriptor: int, state: os.stat_result) -> bool:
    """True if almost nothing of a file was written; file systems without this information report data."""
    if _count_written(state) < state.st_size // _LEAST_SHARE:
        return True
    try:
        return hasattr(os, "SEEK_DATA") and os.lseek(descriptor, 0, os.SEEK_DATA) < 0
    except OSError as error:  # no data follows
        return error.errno == errno.ENXIO
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)


def get_stored_size(path: AnyPath) -> int:
    """Return the bytes of a file or object, without holes; 0 if it does not exist."""
    if isinstance(path, RemotePath):
        return path.size()
    try:
        return _count_written(path.stat())
    except FileNotFoundError:
        return 0


def open_foreign(path: AnyPath) -> BufferedReader | BytesIO:
    """Open a file or object for reading; errors as in `open_regular`."""
    return BytesIO(path.read_bytes()) if isinstance(path, RemotePath) else open_regular(path)


def read_regular(path: AnyPath, most: int | None = None) -> bytes:
    """Read a regular file; errors as in `open_regular`, and ValueError for more than `most` bytes."""
    if isinstance(path, RemotePath):
        return path.read_bytes(most)
    with open_regular(path) as file:
        require_size(os.fstat(file.fileno()).st_size, most)
        return file.read()


def require_size(size: int, most: int | None) -> None:
    """Raise ValueError for more than `most` bytes."""
    if most is not None and size > most:
        raise ValueError(f"it has {size:,} bytes: expected at most {most:,}")


def parse_json(data: bytes) -> Any:
    """Parse a JSON text in UTF-8; ValueError if it is not JSON or exceeds the limits of this module.

    Keys are unique, numbers finite, whole numbers have at most 64 bits, and texts can be encoded again.
    """
    count = 1 + data.count(b",") + data.count(b"[") + data.count(b"{")
    if count > MOST_VALUES:
        raise ValueError(f"it has about {count:,} values: expected at most {MOST_VALUES:,}")
    try:
        value = json.loads(
            data.decode("utf-8-sig"),  # some editors begin a file with a byte order mark
            parse_int=_parse_whole,
            parse_float=_parse_number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_make_object,
        )
    except RecursionError as error:
        raise ValueError(f"it is nested more than {DEEPEST} deep") from error
    _require_depth(value)
    if _SURROGATE.search(data):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _parse_whole(text: str) -> int:
    if (
        len(text) > _LONGEST_WHOLE or int(text) not in WHOLE_NUMBERS
    ):  # longer texts take time that grows with their square
        raise ValueError(f"the number {text[:_LONGEST_WHOLE]}... has more than 64 bits")
    return int(text)


def _parse_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)[:80]!r} occurs twice")
    return made


def _require_depth(value: Any) -> None:
    """Raise ValueError for a value that is nested too deeply for recursive functions."""
    level: list[Any] = [value]
    for _ in range(DEEPEST + 1):
        level = [part for one in level for part in _parts(one) if isinstance(part, dict | list)]
        if not level:
            return
    raise ValueError(f"it is nested more than {DEEPEST} deep")


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def load_array(path: AnyPath) -> npt.NDArray[Any]:
    """Load an NPY file of numbers; a local file is memory-mapped.

    Raises ValueError if its header is damaged or claims another size than the file has, and errors as `open_regular`.
    """
    with open_foreign(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        dtype, shape, order, start = _read_header(file)
        expected = start + math.prod(shape) * dtype.itemsize
        if size != expected:
            raise ValueError(f"it has {size:,} bytes: expected {expected:,} by its header")
        if isinstance(path, RemotePath) or size == start:
            values = np.frombuffer(file.read(), dtype)
            return values.reshape(shape, order=order)
        return np.memmap(file, dtype, "r", start, shape, order)


def _read_header(file: BinaryIO) -> tuple[np.dtype[Any], tuple[int, ...], Any, int]:
    """Parse dtype, shape, order and length of the header of an NPY file, as numpy.lib.format describes it."""
    head = file.read(8)
    if len(head) < 8 or not head.startswith(_MAGIC) or head[6] not in (1, 2, 3):
        raise ValueError("it does not have the signature of an NPY file")
    width = 2 if head[6] == 1 else 4
    length = int.from_bytes(file.read(width), "little")
    text = file.read(min(length, _LONGEST_HEADER))
    if len(text) < length:
        raise ValueError("its header is cut off, or too long")
    try:
        fields = ast.literal_eval(text.decode("utf-8" if head[6] == 3 else "latin-1").strip())
        described = {key: fields[key] for key in _HEADER_KEYS} if fields.keys() == _HEADER_KEYS else {}
        dtype, shape = np.dtype(str(described["descr"])), described["shape"]
        whole = all(type(side) is int and 0 <= side < 2**48 for side in shape)
    except (SyntaxError, ValueError, MemoryError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"its header is damaged: {type(error).__name__}") from error
    if not isinstance(shape, tuple) or not whole or len(shape) > 32 or dtype.kind not in "iufb":
        raise ValueError(f"its header describes {dtype} {str(shape)[:80]}: expected numbers and their shape")
    return dtype, shape, "F" if described["fortran_order"] is True else "C", 8 + width + length
