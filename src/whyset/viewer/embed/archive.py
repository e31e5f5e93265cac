"""Data of a static page: deflated blocks in base64, each stored once, and an index of their content."""

import zlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLUMNS = 16
LOSSLESS = 100
CHANNELS = (1, 3)
"""Gray and red-green-blue; WebP supports no other channels."""
PER_BLOCK = 256
"""Number of images in one block; all of them are decoded when one of them is shown."""


@dataclass
class Archive:
    """Content of a static page; `answers`, `arrays`, `scattered`, `lists` and `pictures` are keyed by the API's paths.

    `answers` are JSON; `arrays` binary columns; `scattered` columns of the run, of which only `rows` are included;
    `lists` JSON and `pictures` arrays with one entry for each of their own rows.
    """

    note: str
    answers: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, dict[str, Any]] = field(default_factory=dict)
    scattered: dict[str, dict[str, Any]] = field(default_factory=dict)
    lists: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    pictures: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)

    def add_block(self, data: bytes) -> int:
        """Add deflated bytes; bytes that are already compressed become hardly larger."""
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.blocks.append(b64encode(packer.compress(data) + packer.flush()).decode())
        return len(self.blocks) - 1

    def add_array(self, path: str, values: NDArray[Any]) -> None:
        """Add a column under its address."""
        self.arrays[path] = self._describe(values)

    def add_scattered(self, path: str, values: NDArray[Any], length: int) -> None:
        """Add the values of `rows` of a column that is as long as the run."""
        self.scattered[path] = self._describe(values) | {"length": length}

    def add_pictures(self, path: str, rows: Sequence[int], blocks: Sequence[bytes], **described: Any) -> None:
        """Add the items of these rows, `PER_BLOCK` in each block."""
        held = [self.add_block(block) for block in blocks]
        self.pictures[path] = {"rows": list(rows), "blocks": held, "per": PER_BLOCK, **described}

    def contents(self) -> dict[str, Any]:
        """All but the blocks, as JSON."""
        names = ("note", "answers", "arrays", "scattered", "lists", "pictures", "rows")
        return {name: getattr(self, name) for name in names}

    def _describe(self, values: NDArray[Any]) -> dict[str, Any]:
        block = self.add_block(np.ascontiguousarray(values).tobytes())
        return {"block": block, "dtype": values.dtype.name, "shape": list(values.shape)}


def sprite(pictures: NDArray[np.uint8], quality: int) -> bytes:
    """Encode images (n, H, W, C) row by row, `COLUMNS` in each row; `LOSSLESS` keeps every value.

    >>> sprite(np.zeros((3, 8, 12, 3), np.uint8), LOSSLESS)[8:12]
    b'WEBP'
    """
    count, height, width, channels = pictures.shape
    lines = ceil(count / COLUMNS)
    sheet = np.zeros((lines * COLUMNS, height, width, 3), np.uint8)
    sheet[:count] = pictures if channels == 3 else np.repeat(pictures, 3, axis=3)
    laid = sheet.reshape(lines, COLUMNS, height, width, 3).swapaxes(1, 2)
    image = Image.fromarray(laid.reshape(lines * height, COLUMNS * width, 3))
    written = BytesIO()
    image.save(written, "WEBP", lossless=quality == LOSSLESS, quality=quality, method=4)
    return written.getvalue()
