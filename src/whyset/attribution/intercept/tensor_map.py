"""Values by tensor, compared by identity, and removed with their tensor.

`torch.utils.weak.WeakTensorKeyDictionary` does the same, but compares weak references in Python at each look-up, which
takes several times as long. A look-up here holds the tensor, so its address belongs to no other one.
"""

import weakref
from typing import Generic, TypeVar

from torch import Tensor

T = TypeVar("T")


class TensorMap(Generic[T]):
    """A mapping from tensors, which it does not keep alive, to values."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Tensor], T]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, tensor: Tensor) -> bool:
        return self._find(tensor) is not None

    def __setitem__(self, tensor: Tensor, value: T) -> None:
        known = self._find(tensor)
        self._entries[id(tensor)] = (self._refer(tensor) if known is None else known[0], value)

    def get(self, tensor: Tensor) -> T | None:
        """Return the value of a tensor, None if it has none."""
        entry = self._find(tensor)
        return None if entry is None else entry[1]

    def values(self) -> list[T]:
        return [value for _, value in self._entries.values()]

    def pop(self, tensor: Tensor) -> T | None:
        """Remove a tensor with the weak reference to it, and return its value, None if it has none."""
        value = self.get(tensor)
        self._entries.pop(id(tensor), None)
        return value

    def _find(self, tensor: Tensor) -> tuple["weakref.ref[Tensor]", T] | None:
        entry = self._entries.get(id(tensor))
        return entry if entry is not None and entry[0]() is tensor else None

    def _refer(self, tensor: Tensor) -> "weakref.ref[Tensor]":
        # The callback must not hold the map: the cycle would keep the values until the next garbage collection.
        owner, key = weakref.ref(self), id(tensor)

        def remove(reference: "weakref.ref[Tensor]") -> None:
            alive = owner()
            if alive is not None and alive._entries.get(key, (None,))[0] is reference:
                del alive._entries[key]

        return weakref.ref(tensor, remove)
