"""Fingerprints of the content of data: of all of it where that is affordable, else of a stated part."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from whyset.runner.sources.rows import ArrayRows
from whyset.runner.sources.source import spread
from whyset.store.boundary import read_regular

WHOLE_FILES = 20_000
WHOLE_BYTES = 2**30
PART = 2_000
"""Data of up to WHOLE_FILES files and WHOLE_BYTES bytes is read whole (a few seconds), of larger data PART files or
rows, spread evenly."""


class Digest(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...


def file_content(digest: Digest, root: Path, files: Sequence[tuple[str, int]]) -> None:
    """Add the name and size of every file, and the bytes of all files or of a part; times do not count."""
    for name, size in files:
        digest.update(f"{name}\0{size}\n".encode(errors="surrogateescape"))
    whole = len(files) <= WHOLE_FILES and sum(size for _, size in files) <= WHOLE_BYTES
    for index in range(len(files)) if whole else spread(len(files), PART):
        try:
            content = read_regular(root / files[index][0])
        except OSError as error:  # it will be recorded as a failed sample
            content = type(error).__name__.encode()
        digest.update(hashlib.sha256(content).digest())


def row_blocks(array: ArrayRows) -> Iterator[NDArray[Any]]:
    """Yield the rows of an array in blocks of some megabytes: all of them, or of large data a part spread evenly."""
    rows, row_bytes = array.shape[0], array.dtype.itemsize * math.prod(array.shape[1:])
    if rows * row_bytes <= WHOLE_BYTES:
        step = max(1, 2**24 // max(row_bytes, 1))
        parts = [(start, min(start + step, rows)) for start in range(0, rows, step)]
    else:
        parts = [(int(row), int(row) + 1) for row in spread(rows, PART)]
    for start, stop in parts:
        yield np.asarray(array[start:stop])


def row_content(digest: Digest, array: ArrayRows) -> None:
    """Add the bytes of an array's rows, of all or of a part."""
    for block in row_blocks(array):
        digest.update(np.ascontiguousarray(block).reshape(-1).view(np.uint8).data)
