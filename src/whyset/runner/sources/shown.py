"""How inputs that come as floats are shown as images."""

import math
from typing import Literal

from whyset.errors import InputError
from whyset.runner.preprocessing import Preprocessing


def shown_by(low: float, high: float, shape: tuple[int, ...]) -> tuple[Preprocessing, list[str]]:
    """A preprocessing whose `undo` shows values in [0, 1] as they are, another range [low, high] from black to white.

    `shape` is (C, H, W) with 1 or 3 channels. Also returned: what a person should be told about it.
    """
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise InputError(f"a sample is (C, H, W) with 1 or 3 channels, not {tuple(shape)}")
    mode: Literal["RGB", "L"] = "L" if shape[0] == 1 else "RGB"
    size = (shape[1], shape[2])
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError("the samples hold NaN or infinite values: remove or replace them first")
    if low >= 0 and high <= 1:
        return Preprocessing(mode=mode, size=size), []
    width = high - low if high > low else 1.0
    note = f"inputs are shown with {low:.3g} as black and {high:.3g} as white"
    return Preprocessing(mode=mode, size=size, mean=(low,), std=(width,)), [note]
