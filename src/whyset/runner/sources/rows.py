"""How one row of an array becomes a model's input, whatever keeps the array."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from whyset.errors import InputError
from whyset.runner.preprocessing import Preprocessing


class Rows(Protocol):
    """What numpy's, HDF5's and memory-mapped arrays have in common."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, key: Any, /) -> Any: ...


@dataclass(frozen=True)
class RowForm:
    """Rows are floats as the model takes them, or images: grey (H, W), or with the channels first or last.

    >>> RowForm.of((5, 32, 24, 3), np.dtype(np.uint8)).channels
    'last'
    """

    channels: str

    @classmethod
    def of(cls, shape: tuple[int, ...], dtype: np.dtype[Any]) -> "RowForm":
        """Tell the form from the shape (N, ...) and the type of an array."""
        if len(shape) == 0 or shape[0] == 0:
            raise InputError("the array of images is empty")
        if dtype != np.uint8:
            if not np.issubdtype(dtype, np.floating) or len(shape) != 4:
                raise InputError(f"images are floats (N, C, H, W) or uint8 (N, H, W[, C]), not {dtype} {tuple(shape)}")
            return cls("float")
        if len(shape) == 3:
            return cls("none")
        first, last = (len(shape) == 4 and shape[axis] in (1, 3) for axis in (1, 3))
        if first == last:
            why = "both could be the channels" if first else "neither has 1 or 3 channels"
            raise InputError(f"uint8 images are (N, H, W), (N, H, W, 1 or 3) or (N, 1 or 3, H, W), not {shape}: {why}")
        return cls("first" if first else "last")

    def read(self, row: NDArray[Any], preprocessing: Preprocessing) -> torch.Tensor:
        """Pixels (C, H, W) as the model sees them, or its float input."""
        if self.channels == "float":
            return torch.from_numpy(np.array(row, dtype=row.dtype.newbyteorder("=")))
        image = row.transpose(1, 2, 0) if self.channels == "first" else row
        image = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
        return preprocessing.pixels(Image.fromarray(np.ascontiguousarray(image)))


def checked_labels(given: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Labels as int64, or a refusal."""
    if given.shape != (count,) or not np.issubdtype(given.dtype, np.integer):
        raise InputError(f"labels are {count} whole numbers, not {given.dtype} {given.shape}")
    return given.astype(np.int64)


def checked_ids(ids: list[str], count: int) -> list[str]:
    if len(ids) != count or len(set(ids)) != count:
        raise InputError(f"{count} images need as many different ids, not {len(set(ids))}")
    return ids
