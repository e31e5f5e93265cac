"""Row indices as a trait: an array in Python, four bytes each in messages to the page."""

from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from whyset.errors import InputError

WIRE = np.dtype("<i4")


class EmbeddedRows(traitlets.TraitType[NDArray[np.int64], Any]):
    """Strictly rising indices below the owner's `length`; observers are called only when they change.

    A mask over the whole run may be set too.
    """

    info_text = "indices of rows"

    def default(self, obj: Any = None) -> NDArray[np.int64]:
        return np.empty(0, np.int64)

    def validate(self, obj: Any, value: Any) -> NDArray[np.int64]:
        """Check indices in any order, or a mask over the whole run. InputError: they are not rows of this run."""
        rows = np.asarray(value)
        if rows.dtype.kind == "b" and rows.shape == (obj.length,):
            rows = np.flatnonzero(rows)
        if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
            raise InputError(f"selection: expected a list of integers, got {rows.dtype} of the shape {rows.shape}")
        if rows.size and not 0 <= rows.min() <= rows.max() < obj.length:
            raise InputError(f"rows: expected 0 to {obj.length - 1}, got {rows.min()} to {rows.max()}")
        rows = np.unique(rows).astype(np.int64)
        rows.flags.writeable = False
        return rows

    def set(self, obj: Any, value: Any) -> None:
        """Set the indices and notify observers; arrays need a special comparison."""
        old, new = obj._trait_values.get(self.name, self.default(obj)), self._validate(obj, value)
        if not np.array_equal(old, np.asarray(new)):
            obj._trait_values[self.name] = new
            obj._notify_trait(self.name, old, new)


def to_wire(rows: NDArray[np.int64], _owner: Any) -> memoryview:
    """Encode the indices for the page."""
    return memoryview(rows.astype(WIRE).tobytes())


def from_wire(data: memoryview, _owner: Any) -> NDArray[np.int64]:
    """Decode the indices that the page sent."""
    return np.frombuffer(data, WIRE).astype(np.int64)
