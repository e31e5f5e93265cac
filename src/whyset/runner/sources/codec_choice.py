"""How inputs that come as numbers are kept and shown."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from whyset.runner.input_codecs import InputCodec, LevelCodec, RawCodec
from whyset.runner.preprocessing import CHANNELS, Preprocessing
from whyset.runner.sources.measuring import MeasuredRange
from whyset.runner.sources.source import Source
from whyset.store import Check


@dataclass(frozen=True, eq=False)
class CodecChoice:
    """How samples are kept, and the range of values behind it where no preprocessing states one."""

    kept: InputCodec
    measured: MeasuredRange | None = None

    @property
    def notes(self) -> list[str]:
        """The note on a range of all samples; that on a range of some of them is a check of the run."""
        if self.measured is None or self.measured.is_partial or _is_unit(self.measured):
            return []
        return [describe_range(self.measured)]


def show_values(*, integers: bool) -> CodecChoice:
    """Series (C, T), rows of tables (F,) and ids of tokens (T,) are kept as they are."""
    return CodecChoice(RawCodec("int32" if integers else "float32"))


def show_images(measured: MeasuredRange, shape: tuple[int, ...]) -> CodecChoice:
    """Images (C, H, W) without a stated preprocessing are kept in eight bits.

    Values in [0, 1] are kept as they are, any other range from black to white; values outside it are clipped. Gray and
    color images have one range for each channel, because a normalization has one mean and one standard deviation for
    each. The same numbers are the bounds of ZBox, so they must be those of the model's input: x = (u - mean) / std
    gives the lowest value at u = 0 and the highest at u = 1.

    >>> measured = MeasuredRange(np.full(3, -2.0), np.full(3, 2.0), samples=5, total=5)
    >>> show_images(measured, (3, 4, 4)).kept.undo(np.full((3, 1, 1), 1.0)).ravel().tolist()
    [191, 191, 191]
    """
    least, greatest = measured.least, measured.greatest
    if shape[0] not in (1, 3):
        levels = LevelCodec() if _is_unit(measured) else LevelCodec(least, least + _width(least, greatest))
        return CodecChoice(levels, measured)
    mode: Literal["RGB", "L"] = "L" if shape[0] == 1 else "RGB"
    size = (shape[1], shape[2])
    if _is_unit(measured):
        return CodecChoice(Preprocessing(mode=mode, size=size), measured)
    lows, highs = np.atleast_1d(measured.low).tolist(), np.atleast_1d(measured.high).tolist()
    widths = [_width(*bounds) for bounds in zip(lows, highs, strict=True)]
    mean = tuple(-low / width for low, width in zip(lows, widths, strict=True))
    std = tuple(1 / width for width in widths)
    return CodecChoice(Preprocessing(mode=mode, size=size, mean=mean, std=std), measured)


def describe_range(measured: MeasuredRange) -> str:
    """What a measured range determines, and how another one is stated."""
    where = f"{measured.samples:,} of {measured.total:,} samples" if measured.is_partial else "the data"
    found = f"the lowest and the highest value of {where}"
    black, white = f"{measured.least:.3g}", f"{measured.greatest:.3g}"
    if _is_unit(measured):
        black, white, found = "0", "1", f"as the values of {where} are between"
    advice = "state the preprocessing (preprocessing=; --mean and --std)"
    if np.size(measured.low) > max(CHANNELS.values()):
        advice = "give the source Levels(black, white), of whyset.runner, as its preprocessing"
    return (
        f"inputs are shown with {black} as black and {white} as white, {found}; rules with bounds, such as ZBox, take "
        f"the same range: {advice} if black and white are other values"
    )


def check_range(source: Source) -> tuple[Check, ...]:
    """A check of the run where the range of a source was measured in some of its samples only."""
    measured: MeasuredRange | None = getattr(source, "measured", None)
    if measured is None or not measured.is_partial:
        return ()
    return (Check("measured_range", "note", measured.samples, measured.total, describe_range(measured)),)


def _is_unit(measured: MeasuredRange) -> bool:
    """Whether all values are in [0, 1], and so are shown as they are."""
    return measured.least >= 0 and measured.greatest <= 1


def _width(low: float, high: float) -> float:
    """How far white is from black; a constant image is black."""
    return float(high - low) if high > low else 1.0
