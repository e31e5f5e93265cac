"""What an image file holds besides eight-bit pixels: its EXIF orientation, and channels of more than eight bits."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns an image upright, by its EXIF orientation (tag 274 of EXIF 2.32)."""

WHITE = 65535
"""The largest value of 16 bits."""

_INTEGERS = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
_LOW_BYTES = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
"""Pillow keeps the upper byte of 16-bit colors; in the other byte order, what it takes for it is the lower byte."""
_COLORS = frozenset({"RGB", "RGBA", "RGBX"})
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in gray (ITU-R BT.601), as in Pillow."""


def turn_upright(image: Image.Image) -> Image.Image:
    """Return the image as its EXIF orientation states, without which it is returned as it is.

    An orientation that cannot be read is ignored, as programs that show images do.
    """
    image.load()  # Pillow turns TIFF files upright itself when it loads them
    try:
        transposition = TRANSPOSITIONS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow raises errors of many types for damaged metadata
        return image
    return image if transposition is None else image.transpose(transposition)


def is_deep(image: Image.Image) -> bool:
    """True if the image has more than eight bits per channel; not known of colors that Pillow has loaded already."""
    if image.mode in _INTEGERS or image.mode == "F":
        return True
    return any(_is_deep_tile(tile) for tile in getattr(image, "tile", ()))


def read_depth(image: Image.Image, *, upright: bool) -> NDArray[np.float32]:
    """Return a deep image as floats (H, W, C): values of 16 bits divided by 65535, floats as they are.

    ValueError: Pillow reads this kind of file only with eight bits per channel, or an integer is not one of 16 bits.
    """
    turn = turn_upright if upright else _keep
    if image.mode == "F":
        return np.asarray(turn(image), np.float32)[..., None]
    if image.mode in _INTEGERS:
        return scale_integers(np.asarray(turn(image)))[..., None]
    rawmodes = {_rawmode(tile) for tile in image.tile}  # type: ignore[attr-defined]  # of an image from a file
    colors, _, order = next(iter(rawmodes)).partition(";")
    if len(rawmodes) > 1 or colors not in _COLORS or order not in _LOW_BYTES:
        raise ValueError(
            f"the image has 16 bits per channel in a form that is read with 8 only ({', '.join(sorted(rawmodes))}): "
            "convert it to an RGB or gray PNG, or take the upper 8 bits by Preprocessing(full_depth=False)"
        )
    with Image.open(image.fp) as lower:  # type: ignore[attr-defined]
        lower.tile = [_with_rawmode(tile, f"{colors};{_LOW_BYTES[order]}") for tile in lower.tile]
        low = np.asarray(turn(lower), np.uint16)
    high = np.asarray(turn(image), np.uint16)
    return scale_integers(high * np.uint16(256) + low)


def scale_integers(values: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return values / 65535; ValueError if one is not a number of 16 bits."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < 0 or high > WHITE:
        raise ValueError(
            f"the image holds integers from {low} to {high}: expected 16 bits, 0 to {WHITE}; convert it to floats"
        )
    return values.astype(np.float32) / np.float32(WHITE)


def convert_channels(values: NDArray[np.float32], mode: str) -> NDArray[np.float32]:
    """Convert gray, gray with opacity, RGB or RGBA (H, W, 1 to 4) to a mode of `Preprocessing`, as Pillow converts."""
    channels = values.shape[-1]
    colors = values[..., : 1 if channels < 3 else 3]
    opacity = values[..., -1:] if channels in (2, 4) else np.ones_like(values[..., :1])
    if mode in ("L", "LA") and colors.shape[-1] == 3:
        colors = (colors @ _LUMA)[..., None]
    if mode in ("RGB", "RGBA") and colors.shape[-1] == 1:
        colors = np.repeat(colors, 3, axis=-1)
    return np.concatenate([colors, opacity], axis=-1) if mode in ("LA", "RGBA") else colors


def _keep(image: Image.Image) -> Image.Image:
    return image


def _rawmode(tile: Any) -> str:
    """Return how the file stores pixels, such as "RGB;16B"; of PPM files of more than eight bits, "PPM;16"."""
    codec, _, _, given = tile  # a tuple without names before Pillow 11.1
    arguments = given if isinstance(given, tuple) else (given,)
    if codec.startswith("ppm"):
        return "PPM;16" if int(arguments[-1]) > 255 else "PPM"
    return str(arguments[0]) if arguments else ""


def _with_rawmode(tile: Any, rawmode: str) -> Any:
    """Return the tile, read with another order of bytes."""
    arguments = (rawmode, *tile[3][1:]) if isinstance(tile[3], tuple) else rawmode
    return tile._replace(args=arguments) if hasattr(tile, "_replace") else (*tile[:3], arguments)


def _is_deep_tile(tile: Any) -> bool:
    return ";16" in _rawmode(tile)
