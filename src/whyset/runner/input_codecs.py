"""Codecs of inputs: how those that are not eight-bit images are stored and shown, and whether they fit the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.modality import MODALITIES
from whyset.runner.preprocessing import Preprocessing

_NO_IMAGES = "is for images, but the data are series, rows of tables or ids of tokens, which are used as they are"


_PIXEL_AXES = {len(modality.axes) for modality in MODALITIES.values() if modality.inputs == "pixels"}


class InputCodec(Protocol):
    """Converts a model's input to its stored form (`undo`)."""

    def normalize(self, pixels: torch.Tensor) -> torch.Tensor: ...

    def undo(self, x: torch.Tensor | NDArray[Any]) -> NDArray[Any]: ...

    def bounds(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Return the model's input for black and for white, (channels, 1, 1); None without pixels."""

    def to_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class RawCodec:
    """Series and rows of tables, stored as the model takes them, or the ids of tokens.

    >>> RawCodec("int32").undo(torch.tensor([5, 7])).dtype
    dtype('int32')
    """

    dtype: Literal["float32", "int32"] = "float32"

    def normalize(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels

    def undo(self, x: torch.Tensor | NDArray[Any]) -> NDArray[Any]:
        return np.asarray(x).astype(self.dtype)

    def bounds(self) -> None:
        return None

    def to_dict(self) -> dict[str, Any]:
        return {"values": self.dtype}


@dataclass(frozen=True)
class LevelCodec:
    """Float images (..., C, H, W) of any number of channels, or volumes (..., C, D, H, W), in eight bits.

    `black` is stored as 0 and `white` as 255; values outside are clipped.

    >>> LevelCodec(-1.0, 1.0).undo(np.zeros((5, 1, 1))).ravel().tolist()
    [128, 128, 128, 128, 128]
    """

    black: float = 0.0
    white: float = 1.0

    def normalize(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.float() / 255 * (self.white - self.black) + self.black

    def undo(self, x: torch.Tensor | NDArray[Any]) -> NDArray[np.uint8]:
        share = (np.nan_to_num(np.asarray(x, np.float64)) - self.black) / (self.white - self.black)
        pixels: NDArray[np.uint8] = np.clip(np.rint(255 * share), 0, 255).astype(np.uint8)
        return pixels

    def bounds(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the model's input for black and for white, (1, 1, 1)."""
        return torch.full((1, 1, 1), self.black), torch.full((1, 1, 1), self.white)

    def to_dict(self) -> dict[str, Any]:
        return {"levels": [self.black, self.white]}


def codec_from_dict(stored: Mapping[str, Any], where: str) -> InputCodec:
    """Rebuild a codec from its `to_dict`; `where` names it in errors."""
    if "values" in stored:
        return RawCodec(stored["values"])
    if "levels" in stored:
        return LevelCodec(*stored["levels"])
    return Preprocessing.from_dict(stored, where)


def of_images(given: InputCodec | None) -> Preprocessing | None:
    """Return the preprocessing if it is one of images; InputError if it is for other inputs."""
    if given is None or isinstance(given, Preprocessing):
        return given
    raise InputError(f"images need a Preprocessing, got {given}, which is for other inputs")


def for_arrays(given: InputCodec) -> InputCodec:
    """Return the codec of samples that are not image files."""
    return given.for_arrays() if isinstance(given, Preprocessing) else given


def require_used(used: InputCodec) -> None:
    """Raise InputError if a preprocessing was given but `used`, the codec of the data, is not for images."""
    if isinstance(used, RawCodec):
        raise InputError(
            f"the preprocessing {_NO_IMAGES}: omit it (preprocessing= in Python; --size, --mean, --std, --mode), and "
            "scale the values of the data before"
        )


def note_unused(stated: InputCodec | None, used: InputCodec) -> str:
    """Return a note if the preprocessing stated with the model is not used; otherwise an empty text."""
    if not isinstance(stated, Preprocessing) or not isinstance(used, RawCodec):
        return ""
    return f"the preprocessing stated with the model {_NO_IMAGES}: it is not used"


def require_fitting(kept: InputCodec, shape: Sequence[int]) -> None:
    """Raise InputError if the source's preprocessing does not fit inputs of this shape, without the axis of samples."""
    pixels = len(shape) in _PIXEL_AXES
    if isinstance(kept, RawCodec if pixels else Preprocessing | LevelCodec):
        raise InputError(
            f"the preprocessing of the data, {kept}, does not fit inputs {tuple(shape)}: images (C, H, W) need a "
            "Preprocessing or LevelCodec, volumes (C, D, H, W) a LevelCodec, series (C, T), tables (F,) and ids of "
            "tokens (T,) a RawCodec"
        )
    if isinstance(kept, Preprocessing) and len(shape) != 3:
        raise InputError(
            f"the preprocessing is for images (C, H, W), but the inputs are volumes {tuple(shape)}: give them as the "
            "model takes them, and omit it (--size, --mean, --std, --mode), or state preprocessing=LevelCodec(black, "
            "white), from whyset.runner"
        )
    if isinstance(kept, Preprocessing) and shape[0] != kept.channels:
        raise InputError(
            f"the preprocessing is for {kept.channels} channels (mode {kept.mode}), but the images have {shape[0]}: "
            f"{tuple(shape)}. Give one for {shape[0]} channels (mode=, mean=, std=; --mode, --mean, --std), or omit "
            "it: float images are taken as the model's input"
        )
