"""The structure of samples with several inputs, and their transport as one row of whole numbers for each sample."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn.functional import pad


@dataclass(frozen=True)
class Part:
    """One input of a sample by the name that the model has for it.

    `shape` is that of one sample. If `follows` is True, the first axis is that of the tokens, and a shorter text is
    padded with `fill` up to `shape[0]`.
    """

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    follows: bool = False
    fill: int = 0

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def is_floating(self) -> bool:
        return self.dtype.is_floating_point

    def to_row(self, value: Tensor) -> Tensor:
        """Return the numbers of one sample as int64 (size,); of floats, the bits in double precision."""
        if self.follows:
            value = pad(value, [*[0, 0] * (value.dim() - 1), 0, self.shape[0] - len(value)], value=self.fill)
        return value.double().contiguous().view(torch.int64).flatten() if self.is_floating else value.long().flatten()

    def from_rows(self, rows: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the inputs (n, *shape) of rows (n, size); floats get this type, which is that of the model."""
        found = rows.contiguous().view(torch.float64).to(dtype) if self.is_floating else rows.to(self.dtype)
        return found.reshape(len(rows), *self.shape)


@dataclass(frozen=True)
class Structure:
    """The inputs of the samples, of which one is explained.

    A sample travels as one row of int64, exactly, so that batches can be split, copied and hashed as those of other
    samples: first the length of its text (0 without one), then its parts in order.

    >>> structure = Structure("ids", (Part("ids", (3,), torch.int64, True), Part("age", (1,), torch.float32)))
    >>> row = structure.pack({"ids": torch.tensor([7, 8]), "age": torch.tensor([0.5])})
    >>> structure.unpack(row[None], torch.float32)
    {'ids': tensor([[7, 8]]), 'age': tensor([[0.5000]])}
    """

    explained: str
    parts: tuple[Part, ...]

    @cached_property
    def part(self) -> Part:
        """The explained input."""
        return next(part for part in self.parts if part.name == self.explained)

    @cached_property
    def is_text(self) -> bool:
        """True if the explained input is the ids of tokens."""
        return self.part.follows

    @property
    def row_shape(self) -> tuple[int]:
        """The shape of a row."""
        return (1 + sum(part.size for part in self.parts),)

    def pack(self, values: Mapping[str, Tensor]) -> Tensor:
        """Return the row of one sample."""
        length = len(values[self.explained]) if self.is_text else 0
        return torch.cat([torch.tensor([length]), *(part.to_row(values[part.name]) for part in self.parts)])

    def unpack(self, rows: Tensor, dtype: torch.dtype, *, whole: bool = False) -> dict[str, Tensor]:
        """Return the inputs of rows (n, size) by name; texts have the length of the longest one, unless `whole`."""
        longest = None if whole or not self.is_text else max(1, int(rows[:, 0].max()))
        values = {}
        for part in self.parts:
            value = self._unpack_part(part, rows, dtype)
            values[part.name] = value[:, :longest] if part.follows else value
        return values

    def _unpack_part(self, part: Part, rows: Tensor, dtype: torch.dtype) -> Tensor:
        start = self._starts[part.name]
        return part.from_rows(rows[:, start : start + part.size], dtype)

    @cached_property
    def _starts(self) -> Mapping[str, int]:
        """The first place of each part in a row."""
        sizes = [1, *(part.size for part in self.parts)]
        return dict(zip([part.name for part in self.parts], accumulate(sizes), strict=False))

    def get_explained(self, rows: Tensor, dtype: torch.dtype | None = None) -> Tensor:
        """Return the explained input of rows (n, size), (n, *shape), with padding; by default floats as given."""
        return self._unpack_part(self.part, rows, dtype or self.part.dtype)

    def get_own(self, row: Tensor) -> Tensor:
        """Return the explained input of one row without padding."""
        found = self.get_explained(row[None])[0]
        return found[: int(row[0])] if self.is_text else found

    def lengthen(self, more: int) -> "Structure":
        """Return the structure of texts with so many more tokens."""
        longer = (replace(part, shape=(part.shape[0] + more, *part.shape[1:])) for part in self.parts if part.follows)
        by_name = {part.name: part for part in longer}
        return Structure(self.explained, tuple(by_name.get(part.name, part) for part in self.parts))

    def pad_maps(self, maps: Tensor) -> Tensor:
        """Return relevance (targets, n, tokens, ...) of texts with zeros up to the longest text of all."""
        missing = self.part.shape[0] - maps.shape[2] if self.is_text else 0
        return pad(maps, [*[0, 0] * (maps.dim() - 3), 0, missing]) if missing else maps
