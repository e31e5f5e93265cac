"""Conversion of one row of an array in memory or in a file to a model's input."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from whyset.errors import InputError
from whyset.modality import MODALITIES, infer_modality
from whyset.runner.input_codecs import InputCodec, of_images

PIXELS = (np.uint8, np.uint16)
"""Types of the pixels of images, of eight and of sixteen bits."""
CHANNELS = ((1, 3), (4,))
"""Numbers of channels of images of pixels: gray or color, and if neither fits, color with opacity."""


class ArrayRows(Protocol):
    """The common interface of numpy's, HDF5's and memory-mapped arrays."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, key: Any, /) -> Any: ...


@dataclass(frozen=True)
class RowForm:
    """The form of rows: numbers as the model takes them (floats, ids of tokens), or images.

    Eight-bit images are gray (H, W), or have their channels first or last.

    >>> RowForm.of((5, 32, 24, 3), np.dtype(np.uint8)).channels
    'last'
    """

    channels: str

    @classmethod
    def of(cls, shape: tuple[int, ...], dtype: np.dtype[Any]) -> "RowForm":
        """Determine the form from the shape (N, ...) and the dtype of an array."""
        if len(shape) == 0 or shape[0] == 0:
            raise InputError("the array of images is empty")
        if np.issubdtype(dtype, np.integer) and dtype != np.uint8 and len(shape) == 2:
            return cls("ids")
        if dtype.newbyteorder("=") not in PIXELS:
            if not np.issubdtype(dtype, np.floating) or len(shape) not in (2, 3, 4, 5):
                raise InputError(
                    "samples must be floats (N, C, H, W), (N, C, D, H, W), (N, C, T) or (N, F), ids of tokens as "
                    f"integers (N, T), or images as uint8 or uint16 (N, H, W[, C]), not {dtype} {tuple(shape)}"
                )
            return cls("float" if MODALITIES[infer_modality(shape[1:])].inputs == "pixels" else "values")
        if len(shape) == 5:
            raise InputError(
                f"volumes must be floats (N, C, D, H, W), as the model takes them, not uint8 {shape}: divide them by "
                "255, for example"
            )
        if len(shape) == 3:
            return cls("none")
        found = ([len(shape) == 4 and shape[axis] in likely for axis in (1, 3)] for likely in CHANNELS)
        first, last = next(filter(any, found), (False, False))
        if first == last:
            why = "both could be the channels" if first else "neither has 1, 3 or 4 channels"
            raise InputError(
                f"{dtype} images must be (N, H, W), or (N, H, W, C) or (N, C, H, W) with 1, 3 or 4 channels, not "
                f"{shape}: {why}"
            )
        return cls("first" if first else "last")

    @property
    def numbers(self) -> bool:
        """True if rows are numbers as the model takes them."""
        return self.channels in ("float", "values", "ids")

    @property
    def images(self) -> bool:
        """True if rows are images or volumes, which are stored in eight bits."""
        return self.channels not in ("values", "ids")

    def read(self, row: NDArray[Any], preprocessing: InputCodec) -> torch.Tensor:
        """Return pixels (C, H, W) as the model sees them, or the numbers that it takes."""
        if self.numbers:
            return torch.from_numpy(np.array(row, np.int64 if self.channels == "ids" else row.dtype.newbyteorder("=")))
        image = row.transpose(1, 2, 0) if self.channels == "first" else row
        image = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
        given = of_images(preprocessing)
        assert given is not None
        if image.dtype != np.uint8:
            return given.forward_integers(image)
        return given.pixels(Image.fromarray(np.ascontiguousarray(image)))

    def read_rows(self, rows: NDArray[Any], preprocessing: InputCodec) -> torch.Tensor:
        """Return what `read` returns of each row, (n, ...)."""
        return (
            self.read(rows, preprocessing)
            if self.numbers
            else torch.stack([self.read(row, preprocessing) for row in rows])
        )


def move_to_host(x: torch.Tensor) -> torch.Tensor:
    """Move the tensor to main memory; bfloat16, which numpy lacks, becomes float32, which holds all of its values.

    InputError: it is sparse or nested, which numpy lacks too.
    """
    if x.layout is not torch.strided or x.is_nested:
        kind = "nested" if x.is_nested else "sparse"
        raise InputError(f"the tensor is {kind} ({x.layout}): expected a dense one, such as x.to_dense()")
    x = x.detach().cpu()
    return x.float() if x.dtype == torch.bfloat16 else x


def check_ids(ids: list[str], count: int) -> list[str]:
    if len(ids) != count or len(set(ids)) != count:
        raise InputError(f"expected {count} different ids, one for each sample, got {len(set(ids))}")
    return ids
