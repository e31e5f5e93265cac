"""Preprocessing: conversion of images to a model's input, and back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from whyset.errors import InputError
from whyset.runner.image_files import convert_channels, is_deep, read_depth, scale_integers, turn_upright

CHANNELS = {"RGB": 3, "L": 1, "RGBA": 4, "LA": 2}
EIGHT_BIT_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "La", "RGBa"}
INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
OF_FILES = ("exif_orientation", "full_depth")
"""Fields that concern image files only; they are stored where they are True, so that earlier runs have False."""


@dataclass(frozen=True)
class Preprocessing:
    """Convert to `mode`, resize, crop the center, scale to [0, 1] and normalize: x = (u / 255 - mean) / std.

    `size` is the (height, width) that the model sees; None leaves images as they are. `resize` is the size before the
    crop: the length of the shorter side, or (height, width); None makes the image just large enough for the crop.

    Image files are turned as their EXIF orientation states, unless `exif_orientation` is False. Channels of 16 bits are
    scaled to [0, 1] by x / 65535 and floats are taken as they are, unless `full_depth` is False: then colors have
    their upper 8 bits, and other images of more than 8 bits are refused.

    >>> Preprocessing(size=(224, 224), resize=256, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)).channels
    3
    """

    mode: Literal["RGB", "L", "RGBA", "LA"] = "RGB"
    size: tuple[int, int] | None = None
    resize: int | tuple[int, int] | None = None
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    exif_orientation: bool = True
    full_depth: bool = True

    def __post_init__(self) -> None:
        if self.mode not in CHANNELS:
            raise InputError(f"mode must be one of {', '.join(CHANNELS)}, not {self.mode!r}")
        if self.interpolation not in INTERPOLATIONS:
            raise InputError(f"interpolation must be one of {', '.join(INTERPOLATIONS)}, not {self.interpolation!r}")
        for name in ("size", "resize"):
            object.__setattr__(self, name, _lengths(name, getattr(self, name)))
        for name in ("mean", "std"):
            object.__setattr__(self, name, self._per_channel(name))
        if not all(value > 0 for value in self.std):
            raise InputError(f"std must be positive, not {self.std}")
        for name in OF_FILES:
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} must be True or False, not {getattr(self, name)!r}")

    @property
    def channels(self) -> int:
        return CHANNELS[self.mode]

    def forward(self, image: Image.Image) -> torch.Tensor:
        """Return the model's input of an image: float32 (C, H, W)."""
        x = self.read(image)
        return self.normalize(x) if x.dtype == torch.uint8 else x

    def read(self, image: Image.Image) -> torch.Tensor:
        """Return the image of a file as the model sees it: `pixels`, or of more than 8 bits per channel its input.

        It is turned upright if `exif_orientation` is set. ValueError: the image has a form that cannot be converted.
        """
        if self.full_depth and is_deep(image):
            return self._forward_values(read_depth(image, upright=self.exif_orientation))
        return self.pixels(turn_upright(image) if self.exif_orientation else image)

    def pixels(self, image: Image.Image) -> torch.Tensor:
        """Return an image of 8 bits per channel as the model sees it, before normalization: uint8 (C, H, W)."""
        seen = np.asarray(self._fit(image)).reshape(*self._fit_shape(image), self.channels)
        return torch.from_numpy(np.array(seen.transpose(2, 0, 1), dtype=np.uint8, order="C"))

    def forward_integers(self, image: NDArray[np.uint16]) -> torch.Tensor:
        """Return the model's input of an image of 16 bits (H, W) or (H, W, C): (u / 65535 - mean) / std, float32."""
        return self._forward_values(scale_integers(image).reshape(*image.shape[:2], -1))

    def normalize(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalize images as the model sees them: uint8 (..., C, H, W) to float32, on the same device."""
        white, mean, std = (
            torch.tensor(values, dtype=torch.float32, device=pixels.device)[:, None, None]
            for values in ((255.0,), self.mean, self.std)
        )
        return (pixels.float() / white - mean) / std

    def undo(self, x: torch.Tensor | NDArray[Any]) -> NDArray[np.uint8]:
        """Return the image that the model saw: u = 255 (x · std + mean), rounded and clipped, uint8 (..., C, H, W)."""
        values = np.asarray(x, dtype=np.float32)
        with np.errstate(over="ignore"):  # values far beyond white are white
            pixels = (values * _column(self.std) + _column(self.mean)) * np.float32(255)
        rounded: NDArray[np.float32] = np.clip(np.rint(np.nan_to_num(pixels)), 0, 255)
        return rounded.astype(np.uint8)

    def bounds(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the model's input for black and for white: -mean / std and (1 - mean) / std, (C, 1, 1)."""
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (0 - mean) / std, (1 - mean) / std

    def for_arrays(self) -> "Preprocessing":
        """Return the preprocessing of images that are not files, and so have no EXIF orientation."""
        return replace(self, exif_orientation=False, full_depth=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON stores them; those of image files only where they are True."""
        given = {name: value for name, value in asdict(self).items() if value or name not in OF_FILES}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], where: str) -> "Preprocessing":
        """Rebuild from `to_dict`; runs of versions that ignored orientation and depth keep ignoring them."""
        return cls.from_mapping({**dict.fromkeys(OF_FILES, False), **stored}, where)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str) -> "Preprocessing":
        """Read a mapping such as `PREPROCESSING` of a model file; `where` names it in errors."""
        known = [field.name for field in fields(cls)]
        unknown = [name for name in values if name not in known]
        if unknown:
            raise InputError(
                f"{where}: unknown field {', '.join(map(repr, unknown))}: expected fields of {', '.join(known)}"
            )
        try:
            return cls(**values)
        except InputError as error:
            raise InputError(f"{where}: {error}") from error

    def _per_channel(self, name: str) -> tuple[float, ...]:
        given = getattr(self, name)
        try:
            values = tuple(float(value) for value in np.atleast_1d(np.asarray(given, dtype=float)))
        except (TypeError, ValueError):
            raise InputError(f"{name} must be numbers, one for each channel, not {given!r}") from None
        if len(values) == 1:
            values *= self.channels
        if len(values) != self.channels or not np.isfinite(values).all():
            raise InputError(f"{name} needs 1 or {self.channels} finite numbers for mode {self.mode}, not {given!r}")
        return values

    def _forward_values(self, values: NDArray[np.float32]) -> torch.Tensor:
        """Return the input of an image of more than 8 bits per channel, (H, W, C) from 0 for black to 1 for white."""
        converted = convert_channels(values, self.mode)
        fitted = [self._resize(Image.fromarray(np.ascontiguousarray(one))) for one in np.moveaxis(converted, -1, 0)]
        mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (self.mean, self.std))
        return (torch.from_numpy(np.stack([np.array(one) for one in fitted])) - mean) / std

    def _fit(self, image: Image.Image) -> Image.Image:
        if image.mode not in EIGHT_BIT_MODES:
            raise ValueError(
                f"the image has mode {image.mode}: convert it to 8 bits per channel, or read all of its bits by "
                "full_depth=True"
            )
        return self._resize(image.convert(self.mode))

    def _resize(self, converted: Image.Image) -> Image.Image:
        if self.size is None and self.resize is None:
            return converted
        height, width = self._resize_shape(converted)
        if (width, height) != converted.size:
            converted = converted.resize((width, height), INTERPOLATIONS[self.interpolation])
        return converted if self.size is None else _center(converted, self.size)

    def _fit_shape(self, image: Image.Image) -> tuple[int, int]:
        return self.size if self.size is not None else self._resize_shape(image)

    def _resize_shape(self, image: Image.Image) -> tuple[int, int]:
        height, width = image.height, image.width
        if isinstance(self.resize, tuple):
            return self.resize
        if isinstance(self.resize, int):
            short = min(height, width)
            return int(self.resize * height / short), int(self.resize * width / short)
        if self.size is None:
            return height, width
        scale = max(self.size[0] / height, self.size[1] / width)
        return max(self.size[0], round(height * scale)), max(self.size[1], round(width * scale))


def _lengths(name: str, value: Any) -> int | tuple[int, int] | None:
    """Check a size: one number is a square for `size`, and the shorter side for `resize`."""
    if value is None:
        return None
    numbers = [value] if isinstance(value, int) else list(value) if isinstance(value, (tuple, list)) else []
    if len(numbers) not in (1, 2) or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise InputError(f"{name} must be a positive whole number or (height, width), not {value!r}")
    if len(numbers) == 2:
        return numbers[0], numbers[1]
    return numbers[0] if name == "resize" else (numbers[0], numbers[0])


def _center(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Crop the center; areas outside the image are black."""
    top, left = round((image.height - size[0]) / 2), round((image.width - size[1]) / 2)
    return image.crop((left, top, left + size[1], top + size[0]))


def _column(values: tuple[float, ...]) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)[:, None, None]
