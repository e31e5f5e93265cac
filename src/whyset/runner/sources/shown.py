"""How inputs that come as numbers are kept and shown."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.runner.preprocessing import Preprocessing
from whyset.runner.values import Kept, Levels, Values

Bound = float | Sequence[float] | NDArray[np.floating]


def value_range(blocks: Iterable[NDArray[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lowest and the highest value of each channel, axis 1 of every block (n, channels, ...).

    NaN and infinite values do not count: the samples that hold them fail one by one, when they are explained.
    InputError: there is no finite value at all.
    """
    low, high = np.float64(np.inf), np.float64(-np.inf)
    for block in blocks:
        values = np.asarray(block)
        finite, rest = np.isfinite(values), tuple(axis for axis in range(values.ndim) if axis != 1)
        low = np.minimum(low, values.min(axis=rest, where=finite, initial=np.inf))
        high = np.maximum(high, values.max(axis=rest, where=finite, initial=-np.inf))
    found = np.isfinite(low)
    if not found.any():
        raise InputError("the samples hold no finite value, only NaN and infinite ones: remove or replace them first")
    return np.where(found, low, np.min(low)), np.where(found, high, np.max(high))


def shown_by(low: Bound, high: Bound, shape: tuple[int, ...], *, integers: bool = False) -> tuple[Kept, list[str]]:
    """How samples of this shape with values from `low` to `high` are kept, and a note for the user.

    Series (C, T), rows of tables (F,) and ids of tokens (T,) are kept as they are. Images (C, H, W) are kept in eight
    bits: values in [0, 1] as they are, any other range from black to white. Grey and color images have one range for
    each channel, because a normalization has one mean and one standard deviation for each; `low` and `high` are
    numbers, or one number for each channel. The same numbers are the bounds of ZBox, so they must be those of the
    model's input: x = (u - mean) / std gives `low` at u = 0 and `high` at u = 1.

    >>> kept, notes = shown_by(-2.0, 2.0, (3, 4, 4))
    >>> kept.undo(np.full((3, 1, 1), 1.0)).ravel().tolist()
    [191, 191, 191]
    """
    if integers:
        return Values("int32"), []
    if len(shape) not in (1, 2, 3):
        raise InputError(f"expected samples (C, H, W), (C, T) or (F,), got {tuple(shape)}")
    if len(shape) < 3:
        return Values("float32"), []
    lows, highs = np.atleast_1d(low).astype(float), np.atleast_1d(high).astype(float)
    least, greatest = float(lows.min()), float(highs.max())
    as_they_are = least >= 0 and greatest <= 1
    notes = [] if as_they_are else [f"inputs are shown with {least:.3g} as black and {greatest:.3g} as white"]
    if shape[0] not in (1, 3):
        return (Levels() if as_they_are else Levels(least, least + _width(least, greatest))), notes
    mode: Literal["RGB", "L"] = "L" if shape[0] == 1 else "RGB"
    size = (shape[1], shape[2])
    if as_they_are:
        return Preprocessing(mode=mode, size=size), notes
    widths = [_width(*bounds) for bounds in zip(lows, highs, strict=True)]
    mean = tuple(-float(low) / width for low, width in zip(lows, widths, strict=True))
    return Preprocessing(mode=mode, size=size, mean=mean, std=tuple(1 / width for width in widths)), notes


def _width(low: float, high: float) -> float:
    """How far white is from black; a constant image is black."""
    return float(high - low) if high > low else 1.0
