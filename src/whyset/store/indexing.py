"""NumPy indexing for rows on a disk: the rows to read, and the index into them."""

from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Index: TypeAlias = "int | slice | EllipsisType | list[Any] | npt.NDArray[Any] | tuple[Any, ...] | None"
Rows: TypeAlias = npt.NDArray[np.int64]


def rows_and_rest(key: Index, shape: tuple[int, ...]) -> tuple[Rows, tuple[Any, ...]]:
    """Return the rows that a key selects, each once, and the key that selects the result from those rows.

    `array[key]` equals `array[rows][rest]` for every key that NumPy accepts; IndexError for others.

    >>> rows, rest = rows_and_rest((slice(8, 2, -3), ..., 0), (9, 4))
    >>> rows.tolist(), rest
    ([8, 5], (slice(None, None, None), 0))
    """
    parts = _expand(key if isinstance(key, tuple) else (key,), shape)
    first = next(number for number, part in enumerate(parts) if part is not None)
    rows, chosen = _rows(parts[first], shape[0])
    return rows, (*parts[:first], chosen, *parts[first + 1 :])


def _expand(key: tuple[Any, ...], shape: tuple[int, ...]) -> list[Any]:
    """Expand the key to one part per axis: lists to arrays, masks to numbers, `...` and missing axes to slices."""
    parts = [_as_array(part) if isinstance(part, list) else part for part in key]
    gaps = [number for number, part in enumerate(parts) if part is Ellipsis]
    missing = len(shape) - sum(map(_axes, parts))
    if len(gaps) > 1 or missing < 0:
        raise IndexError(f"expected at most {len(shape)} indices, one for each axis, and at most one '...'")
    at = gaps[0] if gaps else len(parts)
    parts[at : at + 1] = [slice(None)] * missing
    expanded: list[Any] = []
    for part in parts:
        axis = sum(map(_axes, expanded))
        expanded += _numbers(part, shape[axis : axis + part.ndim]) if _is_mask(part) else [part]
    return expanded


def _rows(part: Any, count: int) -> tuple[Rows, Any]:
    """Return the rows that the first axis selects, and their positions among the distinct rows."""
    if isinstance(part, slice):
        return np.arange(*part.indices(count)), slice(None)
    numbers = np.asarray(part)
    if numbers.dtype.kind not in "iu":
        raise IndexError(f"rows must be selected by integers, slices, masks or arrays of integers, not by {part!r}")
    outside = (numbers < -count) | (numbers >= count)
    if outside.any():
        raise IndexError(f"row {numbers[outside].flat[0]} is out of bounds for {count} rows")
    rows, found = distinct(np.where(numbers < 0, numbers + count, numbers).astype(np.int64))
    return rows, found if numbers.ndim else 0


def distinct(numbers: Rows) -> tuple[Rows, Rows]:
    """Return each number once, ascending, and the position of every number; ascending numbers are not sorted again.

    >>> rows, found = distinct(np.array([7, 2, 7]))
    >>> rows.tolist(), rows[found].tolist()
    ([2, 7], [7, 2, 7])
    """
    if numbers.ndim == 1 and bool((numbers[1:] > numbers[:-1]).all()):
        return numbers, np.arange(len(numbers))
    rows, found = np.unique(numbers, return_inverse=True)
    return rows, found.reshape(numbers.shape)


def _axes(part: Any) -> int:
    """Return the number of axes that a part of a key indexes."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if _is_mask(part) else 1


def _is_mask(part: Any) -> bool:
    if isinstance(part, bool | np.bool_):
        raise IndexError(
            f"{part} is not a row number: expected an integer, or a mask as an array with one value for each row"
        )
    return isinstance(part, np.ndarray) and part.dtype == np.bool_


def _numbers(mask: npt.NDArray[np.bool_], sides: tuple[int, ...]) -> tuple[npt.NDArray[np.int64], ...]:
    if mask.shape != sides:
        raise IndexError(f"the mask has the shape {mask.shape}: expected {sides}")
    return mask.nonzero()


def _as_array(part: list[Any]) -> npt.NDArray[Any]:
    return np.asarray(part) if part else np.zeros(0, np.int64)
