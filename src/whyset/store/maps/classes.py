"""Class indices of labels, predictions and targets, given as numbers or as names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.errors import InputError
from whyset.store.maps.numbers import as_text, to_numpy

UNKNOWN = -1
MOST_CLASSES = 2**22
"""Classes are named by their numbers up to this one, so that the names fit into run.json."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ClassTable:
    """The names of the classes: those `given`, or those `found` in the values so far, in order of first appearance.

    Values are all names, or all indices; `numbered` is the number of classes by the largest index so far.

    >>> indices, table = ClassTable().read("labels", ["dog", "cat", None, "dog"], 4)
    >>> indices.tolist(), table.names
    ([0, 1, -1, 0], ('dog', 'cat'))
    """

    given: tuple[str, ...] | None = None
    found: Mapping[str, int] = field(default_factory=dict)
    numbered: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        if self.given is not None:
            return self.given
        return tuple(self.found) or tuple(map(str, range(self.numbered)))

    def read(self, what: str, values: Any, count: int) -> tuple[Indices, "ClassTable"]:
        """Return the indices (count,) of values, -1 for unknown ones, and the table with the new names.

        Unknown are None, NaN and -1. InputError: another number of values, a name or index that is not a class, or
        names next to indices.
        """
        array = _as_column(what, values, count)
        if array.dtype.kind in "iub":
            return self._read_numbers(what, array)
        cells = array.tolist()
        known = [cell for cell in cells if not _is_unknown(cell)]
        if all(isinstance(cell, str | bytes) for cell in known) and known:
            return self._read_names(what, cells)
        return self._read_numbers(what, np.array([_whole(what, row, cell) for row, cell in enumerate(cells)], np.int64))

    def _read_names(self, what: str, cells: Sequence[Any]) -> tuple[Indices, "ClassTable"]:
        if self.numbered and self.given is None:
            raise _name_mixture(what)
        places = dict(self.found) if self.given is None else {name: index for index, name in enumerate(self.given)}
        indices = np.full(len(cells), UNKNOWN, np.int64)
        for row, cell in enumerate(cells):
            if _is_unknown(cell):
                continue
            name = as_text(cell)
            if self.given is not None and name not in places:
                raise InputError(f"{what}: {name!r} of row {row} is not one of the {len(places)} class names")
            indices[row] = places.setdefault(name, len(places))
        return indices, self if self.given is not None else replace(self, found=places)

    def _read_numbers(self, what: str, array: npt.NDArray[Any]) -> tuple[Indices, "ClassTable"]:
        most = MOST_CLASSES if self.given is None else len(self.given)
        wrong = np.flatnonzero((array != UNKNOWN) & ((array < 0) | (array >= most)))
        if len(wrong):
            classes = f"one of {most} classes" if self.given is not None else f"a class index below {most:,}"
            raise InputError(
                f"{what}: {array[wrong[0]]} of row {wrong[0]} is not {classes}: expected indices from 0, names, or "
                "None where unknown"
            )
        indices = array.astype(np.int64)
        if self.found and (indices >= 0).any():
            raise _name_mixture(what)
        return indices, replace(self, numbered=max(self.numbered, 1 + int(indices.max(initial=UNKNOWN))))


def sort_names(columns: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the sorted names in these columns; None if one holds numbers, or none is given."""
    names: set[str] = set()
    for what, values in columns.items():
        if values is None:
            continue
        cells = [cell for cell in np.ravel(_as_array(what, values)).tolist() if not _is_unknown(cell)]
        if not all(isinstance(cell, str | bytes) for cell in cells):
            return None
        names.update(map(as_text, cells))
    return tuple(sorted(names)) or None


def _as_column(what: str, values: Any, count: int) -> npt.NDArray[Any]:
    if isinstance(values, str | bytes | Mapping):
        raise InputError(f"{what} is {values!r}: expected one value for each map")
    array = _as_array(what, values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (count,):
        advice = "; of outputs (N, classes) give outputs.argmax(1)" if array.ndim == 2 and len(array) == count else ""
        raise InputError(f"{what} has the shape {array.shape}: expected one value for each of {count} maps{advice}")
    if array.dtype.kind not in "iubfOUST":
        raise InputError(f"{what} holds {array.dtype}: expected class indices or names")
    return array


def _as_array(what: str, values: Any) -> npt.NDArray[Any]:
    """Return values as an array; a list that mixes numbers and texts stays one of objects, not of texts."""
    array = to_numpy(values, what)
    return np.array(values, object) if isinstance(values, list | tuple) and array.dtype.kind in "US" else array


def _is_unknown(cell: Any) -> bool:
    try:
        return cell is None or bool(cell != cell)
    except TypeError:  # pandas.NA has no truth value
        return True


def _whole(what: str, row: int, cell: Any) -> int:
    """Return a class index; InputError for anything else."""
    if _is_unknown(cell):
        return UNKNOWN
    try:
        if not isinstance(cell, str | bytes) and int(cell) == cell and abs(int(cell)) < 2**63:
            return int(cell)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"{what}: {cell!r} of row {row} is not a class: expected an index or a name in every row")


def _name_mixture(what: str) -> InputError:
    return InputError(
        f"{what}: some classes are given by names and others by indices, so their order is unknown: give class_names="
    )
