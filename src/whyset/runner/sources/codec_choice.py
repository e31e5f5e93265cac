"""Choice of the codec by which inputs that come as numbers are stored and shown."""

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
    """The codec of the samples, and the measured range of values if no preprocessing states one."""

    kept: InputCodec
    measured: MeasuredRange | None = None

    @property
    def notes(self) -> list[str]:
        """The note on a range measured on all samples; one measured on some of them is a check of the run."""
        if self.measured is None or self.measured.is_partial or _is_unit(self.measured):
            return []
        return [describe_range(self.measured)]


def show_values(*, integers: bool) -> CodecChoice:
    """Choose the codec of series (C, T), rows of tables (F,) and ids of tokens (T,), which are stored as they are."""
    return CodecChoice(RawCodec("int32" if integers else "float32"))


def show_images(measured: MeasuredRange, shape: tuple[int, ...]) -> CodecChoice:
    """Choose the codec of images (C, H, W) and volumes (C, D, H, W) without a stated one, stored in eight bits.

    Black and white are 0 and 1 for values in [0, 1], and otherwise the lowest and the highest value; values outside are
    clipped. Gray and color images have one range per channel, because a normalization has one mean and one standard
    deviation for each; others, and volumes, have one range. The same numbers are the bounds of ZBox, so they must be
    those of the model's input: x = (u - mean) / std is the lowest value at u = 0 and the highest at u = 1.

    >>> measured = MeasuredRange(np.full(3, -2.0), np.full(3, 2.0), samples=5, total=5)
    >>> show_images(measured, (3, 4, 4)).kept.undo(np.full((3, 1, 1), 1.0)).ravel().tolist()
    [191, 191, 191]
    """
    least, greatest = measured.least, measured.greatest
    if len(shape) != 3 or shape[0] not in (1, 3):
        levels = LevelCodec() if _is_unit(measured) else LevelCodec(least, least + _width(least, greatest))
        return CodecChoice(levels, measured)
    mode: Literal["RGB", "L"] = "L" if shape[0] == 1 else "RGB"
    size = (shape[1], shape[2])
    if _is_unit(measured):
        return CodecChoice(Preprocessing(mode=mode, size=size).for_arrays(), measured)
    lows, highs = np.atleast_1d(measured.low).tolist(), np.atleast_1d(measured.high).tolist()
    widths = [_width(*bounds) for bounds in zip(lows, highs, strict=True)]
    mean = tuple(-low / width for low, width in zip(lows, widths, strict=True))
    std = tuple(1 / width for width in widths)
    return CodecChoice(Preprocessing(mode=mode, size=size, mean=mean, std=std).for_arrays(), measured)


def describe_range(measured: MeasuredRange) -> str:
    """Describe what a measured range determines, and how to state another one."""
    where = f"{measured.samples:,} of {measured.total:,} samples" if measured.is_partial else "the data"
    found = f"the lowest and the highest value of {where}"
    black, white = f"{measured.least:.3g}", f"{measured.greatest:.3g}"
    if _is_unit(measured):
        black, white, found = "0", "1", f"since the values of {where} are between them"
    advice = "state the preprocessing (preprocessing=; --mean and --std)"
    if np.size(measured.low) > max(CHANNELS.values()):
        advice = "give the source a whyset.runner.LevelCodec(black, white) as its preprocessing"
    return (
        f"inputs are shown with {black} as black and {white} as white, {found}; rules with bounds, such as ZBox, use "
        f"the same range: {advice} if black and white are other values"
    )


def check_range(source: Source) -> tuple[Check, ...]:
    """Return a check of the run if the range of the source was measured on only some of its samples."""
    measured: MeasuredRange | None = getattr(source, "measured", None)
    if measured is None or not measured.is_partial:
        return ()
    return (Check("measured_range", "note", measured.samples, measured.total, describe_range(measured)),)


def _is_unit(measured: MeasuredRange) -> bool:
    """True if all values are in [0, 1], and so are shown as they are."""
    return measured.least >= 0 and measured.greatest <= 1


def _width(low: float, high: float) -> float:
    """Return the distance of white from black; a constant image is black."""
    return float(high - low) if high > low else 1.0
