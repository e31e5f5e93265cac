"""Many small images in one WebP file, which browsers decode at once."""

from io import BytesIO
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLUMNS = 16
LOSSLESS = 100
CHANNELS = (1, 3)
"""Gray and red-green-blue; WebP supports no other channels."""


def sprite(pictures: NDArray[np.uint8], quality: int) -> bytes:
    """Encode images (n, H, W, C) row by row, `COLUMNS` in each row; `LOSSLESS` keeps every value.

    >>> sprite(np.zeros((3, 8, 12, 3), np.uint8), LOSSLESS)[8:12]
    b'WEBP'
    """
    count, height, width, channels = pictures.shape
    lines = ceil(count / COLUMNS)
    sheet = np.zeros((lines * COLUMNS, height, width, 3), np.uint8)
    sheet[:count] = pictures if channels == 3 else np.repeat(pictures, 3, axis=3)
    laid = sheet.reshape(lines, COLUMNS, height, width, 3).swapaxes(1, 2)
    image = Image.fromarray(laid.reshape(lines * height, COLUMNS * width, 3))
    written = BytesIO()
    image.save(written, "WEBP", lossless=quality == LOSSLESS, quality=quality, method=4)
    return written.getvalue()
