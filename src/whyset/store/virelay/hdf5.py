"""Rows of an HDF5 file, in one dataset or as members of a group."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from whyset.errors import MissingExtraError
from whyset.store.foreign_hdf5 import Hdf5Group, RefusedHdf5Error, open_hdf5
from whyset.store.virelay.findings import ImportFindings, format_first

Indices = npt.NDArray[np.int64]
T = TypeVar("T")

BLOCK_BYTES = 32 * 2**20
IMAGE_CHANNELS = (1, 3)


def read_file(file: Path, findings: ImportFindings, reader: Callable[[Any], T]) -> T | None:
    """Return the result of `reader` on the opened file, or None, with a finding, if it is missing or damaged."""
    try:
        with open_hdf5(file) as source:
            return reader(source)
    except FileNotFoundError:
        findings.error(file, "does not exist; --map-path OLD=NEW replaces the beginning of paths")
    except MissingExtraError:
        raise
    except RefusedHdf5Error as error:
        findings.error(file, str(error))
    except Exception as error:  # h5py raises many kinds for a damaged file
        findings.error(file, f"cannot be read as HDF5 ({type(error).__name__}: {error})")
    return None


def is_group(value: Any) -> bool:
    return isinstance(value, Hdf5Group)


def finite_in_float32(values: npt.NDArray[Any]) -> bool:
    """True if these numbers are finite in float32, so that a run can store them."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(np.asarray(values, np.float32)).all())


def names_in(group: Any) -> list[str]:
    """Return the names of a group's members; ValueError if one is not text, as in damaged files."""
    names = list(group)
    for name in names:
        if not isinstance(name, str):
            raise ValueError(f"a member of {group.name} has the name {name!r}, which is not UTF-8")
        name.encode()
    return names


@dataclass(frozen=True)
class Hdf5Rows:
    """The rows of a dataset, or the members of a group in the order of their names, as in ViRelAy."""

    file: Path
    name: str
    keys: tuple[str, ...] | None
    row_shapes: tuple[tuple[int, ...], ...]
    size: int
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, file: Path, value: Any) -> "Hdf5Rows":
        """Describe an open dataset or group."""
        name = value.name
        if not is_group(value):
            size = value.shape[0] if value.shape else 0
            return cls(file, name, None, (tuple(value.shape[1:]),), size, value.dtype)
        keys = tuple(key for key in sorted(names_in(value)) if not is_group(value[key]))
        shapes = tuple(dict.fromkeys(tuple(value[key].shape) for key in keys))
        kinds = [value[key].dtype for key in keys]
        value.charge(sum(value[key].nbytes for key in keys))
        return cls(file, name, keys, shapes, len(keys), np.result_type(*kinds) if kinds else np.dtype("f4"))

    def __len__(self) -> int:
        return self.size

    def order(self, keys: tuple[str, ...]) -> "Hdf5Rows":
        """Return the same members in another order."""
        return Hdf5Rows(self.file, self.name, keys, self.row_shapes, self.size, self.dtype)

    def read(self, rows: Indices, source: Any = None) -> list[npt.NDArray[Any]]:
        """Read ascending rows, from the opened file if one is given; adjacent rows are read together."""
        if source is None:
            with open_hdf5(self.file) as opened:
                return self.read(rows, opened)
        value = source[self.name]
        if self.keys is not None:
            return [np.asarray(value[self.keys[row]][()]) for row in rows]
        return [row for start, stop in _spans(rows) for row in np.asarray(value[start:stop])]

    def blocks(self, source: Any) -> Iterator[tuple[Indices, list[npt.NDArray[Any]]]]:
        """Yield all rows of the opened file, with their numbers, some megabytes at a time."""
        width = max((math.prod(shape) for shape in self.row_shapes), default=1) * self.dtype.itemsize
        step = max(1, BLOCK_BYTES // max(1, width))
        for start in range(0, self.size, step):
            rows = np.arange(start, min(start + step, self.size))
            yield rows, self.read(rows, source)


def _spans(rows: Indices) -> Iterator[tuple[int, int]]:
    cuts = np.flatnonzero(np.diff(rows) != 1) + 1
    for part in np.split(rows, cuts):
        if len(part):
            yield int(part[0]), int(part[-1]) + 1


@dataclass(frozen=True)
class Images:
    """Rows that are images, as (C, H, W); smaller ones are padded with zeros at the bottom and the right."""

    rows: Hdf5Rows
    channels_last: bool
    channels: int | None = None
    """The number of channels to use, the first ones; None for all."""

    @classmethod
    def of(cls, rows: Hdf5Rows, findings: ImportFindings) -> "Images | None":
        """Determine the layout; None, with a finding, if rows are not images."""
        label = rows.name.lstrip("/")
        if not len(rows):
            findings.error(rows.file, f"{label} is empty")
            return None
        if any(len(shape) != 3 or 0 in shape for shape in rows.row_shapes):
            findings.error(rows.file, f"{label} has rows of the shape {rows.row_shapes[0]}: expected (C, H, W)")
            return None
        if rows.dtype.kind not in "iufb":
            findings.error(rows.file, f"{label} holds {rows.dtype}: expected numbers")
            return None
        last = all(shape[2] in IMAGE_CHANNELS and shape[0] not in IMAGE_CHANNELS for shape in rows.row_shapes)
        images = cls(rows, last)
        channels = {shape[0] for shape in images.shapes}
        if len(channels) > 1:
            findings.error(
                rows.file, f"{label} has rows of {format_first(sorted(channels))} channels: expected one number"
            )
            return None
        if len(images.shapes) > 1:
            found = f"{label} has rows of {len(images.shapes)} sizes"
            findings.warn(rows.file, f"{found}; smaller ones are padded with zeros to {images.shape[1:]}")
        return images

    def first_channels(self, channels: int) -> "Images":
        """Return the same images with only the first `channels` channels."""
        return replace(self, channels=channels)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        turned = [(s[2], s[0], s[1]) if self.channels_last else s for s in self.rows.row_shapes]
        return [(self.channels or channels, height, width) for channels, height, width in turned]

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The common shape (C, H, W) of the rows."""
        return tuple(max(sides) for sides in zip(*self.shapes, strict=True))

    def read(self, rows: Indices) -> npt.NDArray[Any]:
        """Read these rows, in the order given."""
        order = np.argsort(rows, kind="stable")
        images = np.zeros((len(rows), *self.shape), self.rows.dtype)
        for place, image in zip(order, self.rows.read(rows[order]), strict=True):
            turned = (image.transpose(2, 0, 1) if self.channels_last else image)[: self.channels]
            images[place][tuple(slice(side) for side in turned.shape)] = turned
        return images
