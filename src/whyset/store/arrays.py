"""ArraySpec, and the creation of data.zarr: preallocated, sharded by whole rows, one row per inner chunk."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zarr

from whyset.errors import InputError
from whyset.store.jsonfile import JSON
from whyset.store.layout import INPUT, RELEVANCE, STATUS

_TARGET_BYTES = 64 * 2**20
_FEWEST_ROWS, _MOST_ROWS = 16, 1024
_IMAGE = ("channel", "height", "width")


@dataclass(frozen=True)
class ArraySpec:
    """One array of a run: its name in data.zarr, and shape, dtype and fill value of one row.

    `scaled` adds a companion array `<name>.scale` of float32, one power of two per row.

    >>> ArraySpec("attribution/input", (3, 32, 24), "float16", scaled=True).row_bytes
    4608
    """

    name: str
    shape: tuple[int, ...] = ()
    dtype: str = "float32"
    fill: float = 0.0
    scaled: bool = False
    dimensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(side) for side in self.shape))
        object.__setattr__(self, "fill", float(self.fill))
        names = self.dimensions or (
            _IMAGE if len(self.shape) == 3 else tuple(f"dim_{i}" for i in range(len(self.shape)))
        )
        object.__setattr__(self, "dimensions", tuple(names))
        if any(side < 1 for side in self.shape) or len(self.dimensions) != len(self.shape):
            raise InputError(f"array {self.name!r} has the row shape {self.shape}: expected positive, named sides")
        if np.dtype(self.dtype).kind not in "iufb":
            raise InputError(f"array {self.name!r} has the dtype {self.dtype}: expected numbers")
        if self.scaled and self.dtype != "float16":
            raise InputError(f"array {self.name!r} is {self.dtype}: only float16 carries a scale")

    @property
    def scale_name(self) -> str:
        return f"{self.name}.scale"

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def to_json(self) -> dict[str, JSON]:
        fill = None if math.isnan(self.fill) else self.fill
        shapes: dict[str, JSON] = {"shape": list(self.shape), "dimensions": list(self.dimensions)}
        return {"name": self.name, "dtype": self.dtype, "fill": fill, "scaled": self.scaled, **shapes}

    @classmethod
    def from_json(cls, stored: Mapping[str, JSON]) -> "ArraySpec":
        values = dict(stored)
        fill = math.nan if values["fill"] is None else values["fill"]
        return cls(
            name=str(values["name"]),
            shape=tuple(values["shape"]),  # type: ignore[arg-type]  # checked in __post_init__
            dtype=str(values["dtype"]),
            fill=float(fill),  # type: ignore[arg-type]  # a number, or float() raises
            scaled=bool(values["scaled"]),
            dimensions=tuple(values["dimensions"]),  # type: ignore[arg-type]  # checked in __post_init__
        )


def standard_arrays(
    map_shape: Sequence[int], *, input_shape: Sequence[int] | None = None, dtype: str = "float16"
) -> tuple[ArraySpec, ...]:
    """The arrays of a run that explains the input: maps, inputs (unless `input_shape` is None) and columns."""
    maps = ArraySpec(RELEVANCE, tuple(map_shape), dtype, scaled=dtype == "float16")
    inputs = () if input_shape is None else (ArraySpec(INPUT, tuple(input_shape), "uint8"),)
    columns = (
        ArraySpec("target", (), "int64", -1),
        ArraySpec("prediction", (), "int64", -1),
        ArraySpec("confidence", (), "float32", math.nan),
    )
    return (maps, *inputs, *columns)


def stored_arrays(arrays: Sequence[ArraySpec]) -> tuple[ArraySpec, ...]:
    """All arrays that lie in data.zarr: those asked for, their scales, and the status column."""
    scales = tuple(ArraySpec(spec.scale_name, (), "float32", 1.0) for spec in arrays if spec.scaled)
    stored = (*arrays, *scales, ArraySpec(STATUS, (), "uint8", 0))
    names = [spec.name for spec in stored]
    if len(set(names)) < len(names):
        raise InputError(f"array names must differ, and {STATUS!r} is the store's own: {names}")
    return stored


def shard_rows_for(arrays: Sequence[ArraySpec]) -> int:
    """Rows per shard: the power of two nearest 64 MB of the largest array, between 16 and 1024.

    Never derived from the number of workers, so that a run can be continued by any number.

    >>> shard_rows_for([ArraySpec("attribution/input", (3, 224, 224), "float16")])
    256
    """
    largest = max(spec.row_bytes for spec in arrays)
    nearest: int = 2 ** round(math.log2(max(1.0, _TARGET_BYTES / largest)))
    return min(max(nearest, _FEWEST_ROWS), _MOST_ROWS)


def create_arrays(path: Path, arrays: Sequence[ArraySpec], rows: int, shard_rows: int) -> None:
    """Create data.zarr with every array at its full size; nothing but metadata is written.

    Maps are stored raw: zstd saved 0-3 % of float16 relevance and cost a factor of 2 to 4 in writing.
    """
    group = zarr.create_group(path, zarr_format=3)
    for spec in arrays:
        parent, _, name = spec.name.rpartition("/")
        home = group.require_group(parent) if parent else group
        home.create_array(
            name,
            shape=(rows, *spec.shape),
            dtype=spec.dtype,
            chunks=(1, *spec.shape) if spec.shape else (shard_rows,),
            shards=(shard_rows, *spec.shape) if spec.shape else None,
            compressors=None,
            filters=None,
            fill_value=spec.fill,
            dimension_names=("sample", *spec.dimensions),
            attributes={"scale": f"{name}.scale"} if spec.scaled else {},
        )


@contextmanager
def zarr_settings() -> Iterator[None]:
    """How rows are read and written: empty chunks too (an absent file would look lost), and chunks in batches.

    Zarr makes one task per chunk; in batches of 64 small maps take 0.04 ms instead of 0.11 ms to write, and large ones
    half the time to read.
    """
    with zarr.config.set({"array.write_empty_chunks": True, "codec_pipeline.batch_size": 64}):
        yield


def estimated_bytes(arrays: Sequence[ArraySpec], rows: int) -> int:
    """Bytes that a run of so many rows takes: raw values plus the shard index (16 bytes per row and array)."""
    return rows * sum(spec.row_bytes + (16 if spec.shape else 0) for spec in stored_arrays(arrays))
