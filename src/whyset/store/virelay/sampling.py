"""ViRelAy's methods to bring an image to the size of the model's input, axis by axis."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

PADDING: Mapping[str, dict[str, Any]] = {
    "fill_zeros": {"mode": "constant", "constant_values": 0},
    "fill_ones": {"mode": "constant", "constant_values": 255},
    "edge_repeat": {"mode": "edge"},
    "mirror_edge": {"mode": "reflect"},
    "wrap_around": {"mode": "wrap"},
}

Picture = npt.NDArray[np.uint8]


def fit(image: Picture, size: tuple[int, int], down_sampling: str, up_sampling: str) -> Picture:
    """Bring an image (H, W, C) to `size`: long sides by `down_sampling`, short ones by `up_sampling`.

    "none" leaves a side as it is. Cropping and padding keep the center; `fill_ones` means white.

    >>> fit(np.zeros((30, 10, 3), np.uint8), (12, 18), "center_crop", "fill_zeros").shape
    (12, 18, 3)
    """
    wanted = tuple(
        _resize_side(side, length, down_sampling, up_sampling)
        for side, length in zip(image.shape[:2], size, strict=True)
    )
    if wanted != image.shape[:2]:
        image = np.asarray(Image.fromarray(image).resize((wanted[1], wanted[0]), Image.Resampling.BILINEAR))
    for axis, length in enumerate(size):
        if image.shape[axis] > length and down_sampling == "center_crop":
            start = (image.shape[axis] - length) // 2
            image = image.take(range(start, start + length), axis=axis)
        elif image.shape[axis] < length and up_sampling in PADDING:
            image = _pad(image, axis, length - image.shape[axis], PADDING[up_sampling])
    return image


def _resize_side(side: int, length: int, down_sampling: str, up_sampling: str) -> int:
    method = down_sampling if side > length else up_sampling
    return length if method == "resize" else side


def _pad(image: Picture, axis: int, missing: int, how: Mapping[str, Any]) -> Picture:
    width = [(0, 0)] * image.ndim
    width[axis] = (missing // 2, missing - missing // 2)
    padded: Picture = np.pad(image, width, **how)
    return padded
