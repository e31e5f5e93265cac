"""Arrays of other packages as NumPy's: torch tensors, HDF5 and Zarr arrays, lists."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.errors import InputError

BLOCK_BYTES = 32 * 2**20
"""Bytes of relevance that are read at a time."""


def to_numpy(values: Any, what: str) -> npt.NDArray[Any]:
    """Return values as a NumPy array; a torch tensor is detached and moved to main memory, without importing torch.

    InputError, which begins with `what`: they are sparse, or lists of different lengths.

    >>> to_numpy([[1, 2], [3, 4]], "labels").shape
    (2, 2)
    """
    if hasattr(values, "detach") and hasattr(values, "cpu"):
        refuse_sparse(values, what)
        values = values.detach().cpu()
        if str(values.dtype) == "torch.bfloat16":  # NumPy lacks it; float32 holds all of its values
            values = values.float()
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputError(f"{what}: expected an array without masked values, such as x.filled(0), got a masked array")
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{what}: {type(values).__name__} is not an array ({error}): expected numbers of one shape; pad shorter "
            "ones with zeros"
        ) from error


def refuse_sparse(values: Any, what: str) -> None:
    """Raise InputError for a sparse or nested tensor, which has no rows to read."""
    layout = str(getattr(values, "layout", "torch.strided"))
    if layout != "torch.strided" or getattr(values, "is_nested", False):
        raise InputError(
            f"{what}: expected a dense tensor, such as x.to_dense(), got a sparse or nested one ({layout})"
        )


def as_text(cell: Any) -> str:
    """Return a cell of a column of texts, which HDF5 gives as bytes."""
    return cell.decode() if isinstance(cell, bytes) else str(cell)


def is_array(values: Any) -> bool:
    """True if values have a shape and can be sliced, as arrays of NumPy, torch, h5py and Zarr."""
    return hasattr(values, "shape") and hasattr(values, "__getitem__")


def read_blocks(values: Any, what: str) -> Iterator[npt.NDArray[Any]]:
    """Read an array (N, ...) some megabytes at a time."""
    count, row = int(values.shape[0]), max(1, int(np.prod(values.shape[1:], dtype=np.int64)))
    step = max(1, BLOCK_BYTES // (8 * row))
    for start in range(0, count, step):
        yield to_numpy(values[start : start + step], what)


def stack_maps(maps: Iterable[Any], what: str) -> Iterator[npt.NDArray[Any]]:
    """Stack maps that come one by one to blocks (n, ...) of some megabytes; InputError if a shape differs."""
    block: list[npt.NDArray[Any]] = []
    shape: tuple[int, ...] | None = None
    for number, one in enumerate(maps):
        array = to_numpy(one, f"{what} {number}")
        if shape is not None and array.shape != shape:
            raise InputError(
                f"{what} {number} has the shape {array.shape}, but those before have {shape}: expected one shape; pad "
                "shorter ones with zeros, and give batches with batched=True"
            )
        shape = array.shape
        block.append(array)
        if len(block) * array.nbytes >= BLOCK_BYTES:
            yield np.stack(block)
            block = []
    if block:
        yield np.stack(block)


def require_numbers(values: npt.NDArray[Any], what: str, kinds: str = "iuf") -> None:
    """Raise InputError unless the array holds real numbers of these kinds."""
    if values.dtype.kind not in kinds:
        raise InputError(f"{what}: expected real numbers, got {values.dtype}")
