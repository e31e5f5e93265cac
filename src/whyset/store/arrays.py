"""ArraySpec: one array of a run, as run.json describes it."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from whyset.errors import InputError
from whyset.store.jsonfile import JSON
from whyset.store.layout import INPUT

MOST_ROW_BYTES = 2**32
"""Upper limit of the bytes of one row; larger values come from a damaged file."""

_DTYPE = re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)")
_IMAGE = ("channel", "height", "width")


@dataclass(frozen=True)
class ArraySpec:
    """One array of a run: its name in data.zarr, and shape, dtype and fill value of one row.

    `scaled` adds a companion array `<name>.scale` of float32, one power of two per row. `per_sample` arrays hold one
    entry per sample, which all the targets of that sample share.

    >>> ArraySpec("attribution/input", (3, 32, 24), "float16", scaled=True).row_bytes
    4608
    """

    name: str
    shape: tuple[int, ...] = ()
    dtype: str = "float32"
    fill: float = 0.0
    scaled: bool = False
    dimensions: tuple[str, ...] = ()
    per_sample: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(side) for side in self.shape))
        object.__setattr__(self, "fill", float(self.fill))
        object.__setattr__(self, "dimensions", tuple(self.dimensions) or dimension_names(len(self.shape)))
        if any(side < 1 for side in self.shape) or len(self.dimensions) != len(self.shape):
            raise InputError(f"array {self.name!r} has the row shape {self.shape}: expected positive, named sides")
        if self.row_bytes > MOST_ROW_BYTES:
            raise InputError(
                f"array {self.name!r} has the row shape {self.shape}: expected at most {MOST_ROW_BYTES} bytes"
            )
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

    def rows_each(self, targets_per_sample: int) -> int:
        """Return the number of rows of the run that share one entry of the array."""
        return targets_per_sample if self.per_sample else 1

    def to_json(self) -> dict[str, JSON]:
        fill = None if math.isnan(self.fill) else self.fill
        shapes: dict[str, JSON] = {"shape": list(self.shape), "dimensions": list(self.dimensions)}
        kind: dict[str, JSON] = {"dtype": self.dtype, "fill": fill, "scaled": self.scaled}
        return {"name": self.name, **kind, **shapes, "per_sample": self.per_sample}

    @classmethod
    def from_json(cls, stored: Mapping[str, JSON]) -> "ArraySpec":
        values = dict(stored)
        _require_name(values["name"])
        if not isinstance(values["dtype"], str) or not _DTYPE.fullmatch(values["dtype"]):
            raise InputError(f"array {values['name']!r} has the dtype {str(values['dtype'])[:40]}: expected numbers")
        fill = math.nan if values["fill"] is None else values["fill"]
        return cls(
            name=str(values["name"]),
            shape=tuple(values["shape"]),  # type: ignore[arg-type]  # checked in __post_init__
            dtype=str(values["dtype"]),
            fill=float(fill),  # type: ignore[arg-type]  # a number, or float() raises
            scaled=bool(values["scaled"]),
            dimensions=tuple(values["dimensions"]),  # type: ignore[arg-type]  # checked in __post_init__
            per_sample=bool(values.get("per_sample", values["name"] == INPUT)),  # schema 1.0 lacks the field
        )


def _require_name(name: object) -> None:
    """Refuse names that lead out of data.zarr."""
    parts = name.split("/") if isinstance(name, str) else [""]
    if any(part in ("", ".", "..") or len(part) > 255 or set(part) & set("\\:\0") for part in parts):
        raise InputError(f"array {str(name)[:80]!r}: expected names, with slashes between them")


def dimension_names(axes: int) -> tuple[str, ...]:
    """Return the default names of the axes of one row.

    >>> dimension_names(3), dimension_names(2)
    (('channel', 'height', 'width'), ('dim_0', 'dim_1'))
    """
    return {1: ("channel",), 3: _IMAGE}.get(axes, tuple(f"dim_{axis}" for axis in range(axes)))
