"""Safe reading of untrusted HDF5 files: no references to other files, and bounded memory.

An HDF5 file can refer to other files (external links and storage, virtual data sets) and describe far more values than
it holds (fill values, filters, one text that many cells refer to). The first is refused, the second is bounded.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.optional import import_optional
from whyset.store.boundary import MOST_NOTES, open_regular

_MOST_EXPANSION, _ALWAYS_ALLOWED = 4096, 2**24
"""Limit of the compression ratio, which equal values reach; a few megabytes may come from the fill value."""

_MOST_LINKS = 16
_SHUFFLE, _FLETCHER32, _N_BIT, _SCALE_OFFSET, _BITSHUFFLE = 2, 3, 5, 6, 32008
_KEEP_SIZE = {_SHUFFLE, _FLETCHER32, _N_BIT, _SCALE_OFFSET, _BITSHUFFLE}
_TEXT_BLOCK = 64
"""Least number of texts that are read at once, though each may be as long as the file."""


class RefusedHdf5Error(ValueError):
    """A member of an HDF5 file refers to other files, or claims more values than the file can hold.

    The message names the member, but not the file, which the caller knows.
    """


def open_hdf5(path: Path) -> "Hdf5File":
    """Open an HDF5 file for reading; OSError if it is not a regular file, on which h5py would block."""
    with open_regular(path) as file:
        size = file.seek(0, 2)
    h5py = import_optional("h5py", str(path), 'pip install "whyset[hdf5]"')
    return Hdf5File(h5py.File(path, "r"), _Budget(size))


@dataclass
class _Budget:
    """Budget of the memory for one file: links let many names refer to the same values."""

    size: int
    spent: int = 0

    def charge(self, name: str, claimed: int) -> None:
        self.spent += claimed
        self.require(name, self.spent, self.size)

    def require(self, name: str, claimed: int, held: int) -> None:
        if claimed > max(_ALWAYS_ALLOWED, _MOST_EXPANSION * held):
            raise RefusedHdf5Error(f"{name} claims {claimed:,} bytes of values, but the file holds {held:,}")


class Hdf5Group(Mapping[str, Any]):
    """The members of a group: groups of this type, and data sets of h5py in the file itself.

    Looking up a member in another file raises RefusedHdf5Error.
    """

    def __init__(self, group: Any, budget: _Budget) -> None:
        self._group, self._budget = group, budget

    @property
    def name(self) -> str:
        return str(self._group.name)

    def __getitem__(self, path: str) -> Any:
        h5py = import_optional("h5py", "an HDF5 file", 'pip install "whyset[hdf5]"')
        found = _follow(self._group, path, h5py)
        if isinstance(found, h5py.Group):
            return Hdf5Group(found, self._budget)
        if not isinstance(found, h5py.Dataset):
            raise RefusedHdf5Error(f"{path} is a {type(found).__name__.lower()}: expected an array or a group")
        _require_own(path, found, self._budget)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._group)

    def __len__(self) -> int:
        return len(self._group)

    def charge(self, claimed: int) -> None:
        """Charge bytes to the budget; RefusedHdf5Error if far more is read than the file holds."""
        self._budget.charge(self.name, claimed)

    def whole(self, values: Any) -> npt.NDArray[Any]:
        """Read a data set whole; texts of variable length become objects."""
        self._budget.charge(values.name, values.nbytes or 0)
        if values.dtype.kind == "O":
            return _read_texts(values, self._budget)
        return np.asarray(values[()])


class Hdf5File(Hdf5Group):
    """The root members of an open file, which is closed at the end of a `with` block."""

    def __enter__(self) -> "Hdf5File":
        return self

    def __exit__(self, *_: object) -> None:
        self._group.close()


def read_attribute(member: Any, name: str) -> Any:
    """Read an attribute of a group or data set, numbers or one text; None if it does not exist."""
    attributes = member._group.attrs if isinstance(member, Hdf5Group) else member.attrs
    if name not in attributes:
        return None
    described = attributes.get_id(name)
    if described.dtype.kind not in "biufS" and not (_is_text(described) and described.shape == ()):
        raise RefusedHdf5Error(f"the attribute {name} holds {described.dtype}: expected numbers or one text")
    return attributes[name]


def _follow(group: Any, path: str, h5py: Any) -> Any:
    """Find the object at a path by links inside the file only; KeyError if it does not exist."""
    place, parts, soft = group, _split(path), 0
    if path.startswith("/"):
        place = group.file["/"]
    while parts:
        part = parts.pop()
        link = place.get(part, getlink=True) if isinstance(place, h5py.Group) else None
        if link is None:
            raise KeyError(path)
        if isinstance(link, h5py.HardLink):
            place = place[part]
        elif isinstance(link, h5py.SoftLink):
            soft += 1
            if soft > _MOST_LINKS:
                raise RefusedHdf5Error(f"{path} is a link that leads through more than {_MOST_LINKS} others")
            if link.path.startswith("/"):
                place = group.file["/"]
            parts += _split(link.path)
        else:
            raise RefusedHdf5Error(f"{path} is a link to another file, {_target(link)}: copy the data into this file")
    return place


def _split(path: str) -> list[str]:
    """Split a path into names, the first one last."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _target(link: Any) -> str:
    return repr(getattr(link, "filename", "of an unknown kind"))


def _require_own(path: str, values: Any, budget: _Budget) -> None:
    """Require a data set that is in the file itself, holds numbers or texts, and is not far larger than the file."""
    if values.is_virtual:
        raise RefusedHdf5Error(f"{path} is a virtual data set, made of other files: copy the data into this file")
    if values.external:
        raise RefusedHdf5Error(f"{path} is in another file, {values.external[0][0]!r}: copy the data into this file")
    kind = values.dtype.kind
    if kind == "O" and not _is_text(values):
        raise RefusedHdf5Error(f"{path} holds references or lists: expected numbers or texts")
    if kind not in "biufcSOV":
        raise RefusedHdf5Error(f"{path} holds {values.dtype}: expected numbers or texts")
    if kind == "V" and values.dtype.hasobject:
        raise RefusedHdf5Error(f"{path} holds records of texts, references or lists: expected numbers or texts")
    item = max(1, values.dtype.itemsize)
    shape = values.shape or ()
    claimed = item * math.prod(max(1, *sides) for sides in zip(shape, values.chunks or shape, strict=True))
    budget.require(path, claimed, min(budget.size, values.id.get_storage_size()))
    _require_bounded_filters(path, values)


def _is_text(values: Any) -> bool:
    return values.dtype.metadata is not None and values.dtype.metadata.get("vlen") in (str, bytes)


def _require_bounded_filters(path: str, values: Any) -> None:
    """Refuse stacked compression, whose ratios multiply, and filters that trust a recorded size of the chunk."""
    plan = values.id.get_create_plist()
    filters = [plan.get_filter(number) for number in range(plan.get_nfilters())]
    if sum(code not in _KEEP_SIZE for code, *_ in filters) > 1:
        names = ", ".join(str(code) for code, *_ in filters)
        raise RefusedHdf5Error(f"{path} is compressed more than once (by the filters {names}): compress it once")
    for code, _, parameters, _ in filters:
        described = (math.prod(values.chunks or ()), values.dtype.itemsize)
        if code in (_N_BIT, _SCALE_OFFSET) and (parameters[2:3] + parameters[4:5]) != described:
            raise RefusedHdf5Error(f"{path} is damaged: its chunks do not have the size recorded in the filter {code}")


def _read_texts(values: Any, budget: _Budget) -> npt.NDArray[Any]:
    """Read texts of variable length. Many cells may refer to one text, so the bytes are counted while reading."""
    at_once = max(_TEXT_BLOCK, MOST_NOTES // max(budget.size, 1))
    found, total = np.empty(values.shape, object), 0
    for place in _blocks(values.shape, at_once):
        found[place] = part = values[place]
        total += sum(map(len, np.ravel(part)))
        if total > MOST_NOTES:
            raise RefusedHdf5Error(f"{values.name} holds more than {MOST_NOTES:,} bytes of text")
    return found


def _blocks(shape: tuple[int, ...], most: int) -> Iterator[tuple[int | slice, ...]]:
    """Yield indices that cover an array in blocks of at most `most` cells."""
    for outer in np.ndindex(*shape[:-1]):
        for start in range(0, shape[-1], most) if shape else [0]:
            yield (*outer, *([slice(start, start + most)] if shape else []))
