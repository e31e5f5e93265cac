"""How inputs that come as numbers are kept and shown."""

import math
from typing import Literal

from whyset.errors import InputError
from whyset.runner.preprocessing import Preprocessing
from whyset.runner.values import Kept, Levels, Values


def shown_by(low: float, high: float, shape: tuple[int, ...], *, integers: bool = False) -> tuple[Kept, list[str]]:
    """How samples of this shape with values in [low, high] are kept, and what a person should be told about it.

    Series (C, T), rows of tables (F,) and ids of tokens (T,) are kept as they are. Images (C, H, W) are kept in eight
    bits: values in [0, 1] as they are, another range from black to white.
    """
    if integers:
        return Values("int32"), []
    if len(shape) not in (1, 2, 3):
        raise InputError(f"a sample is (C, H, W), (C, T) or (F,), not {tuple(shape)}")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError("the samples hold NaN or infinite values: remove or replace them first")
    if len(shape) < 3:
        return Values("float32"), []
    as_they_are = low >= 0 and high <= 1
    width = high - low if high > low else 1.0
    notes = [] if as_they_are else [f"inputs are shown with {low:.3g} as black and {high:.3g} as white"]
    if shape[0] not in (1, 3):
        return (Levels() if as_they_are else Levels(low, low + width)), notes
    mode: Literal["RGB", "L"] = "L" if shape[0] == 1 else "RGB"
    size = (shape[1], shape[2])
    if as_they_are:
        return Preprocessing(mode=mode, size=size), notes
    return Preprocessing(mode=mode, size=size, mean=(low,), std=(width,)), notes
