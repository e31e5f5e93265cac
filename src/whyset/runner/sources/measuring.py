"""Measurement of the range of float images, on the same samples for every kind of source."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.runner.sources.rows import ArrayRows
from whyset.runner.sources.source import spread

MOST_SAMPLES = 10_000
MOST_VALUES = 2**29
"""All samples are measured if there are at most MOST_SAMPLES, or at most MOST_VALUES values (2 GiB in single
precision); of more data, MOST_SAMPLES spread evenly."""
_BLOCK_VALUES = 2**22

Blocks = Iterable[NDArray[np.floating]]


@dataclass(frozen=True, eq=False)
class MeasuredRange:
    """The lowest and the highest value of each channel, (C,), in `samples` of the `total` samples of a data set."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    samples: int
    total: int

    @property
    def least(self) -> float:
        return float(np.min(self.low))

    @property
    def greatest(self) -> float:
        return float(np.max(self.high))

    @property
    def is_partial(self) -> bool:
        """True if some samples were not measured."""
        return self.samples < self.total


def measure_rows(array: ArrayRows) -> MeasuredRange:
    """Measure images (N, C, H, W) or volumes (N, C, D, H, W) in an array; InputError if no value is finite."""
    return measure_range(partial(_blocks, array), array.shape[0], array.shape[1:])


def measure_range(read: Callable[[NDArray[np.int64]], Blocks], total: int, shape: tuple[int, ...]) -> MeasuredRange:
    """Measure `total` samples of this shape; `read` returns those with the given indices as blocks (n, C, ...).

    The measured samples depend on `total` and `shape` only, so that the same images have the same range in every
    source. Raises InputError if no value is finite.
    """
    whole = total <= MOST_SAMPLES or total * math.prod(shape) <= MOST_VALUES
    indices = np.arange(total) if whole else spread(total, MOST_SAMPLES)
    low, high = value_range(read(indices))
    return MeasuredRange(low, high, len(indices), total)


def value_range(blocks: Blocks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the lowest and the highest value of each channel, axis 1 of every block (n, channels, ...).

    NaN and infinite values are ignored: their samples fail one by one when they are explained. Raises InputError if no
    value is finite.
    """
    low, high = np.float64(np.inf), np.float64(-np.inf)
    for block in blocks:
        values = np.asarray(block)
        finite, rest = np.isfinite(values), tuple(axis for axis in range(values.ndim) if axis != 1)
        low = np.minimum(low, values.min(axis=rest, where=finite, initial=np.inf))
        high = np.maximum(high, values.max(axis=rest, where=finite, initial=-np.inf))
    found = np.isfinite(low)
    if not found.any():
        raise InputError("the samples hold only NaN and infinite values: remove or replace them first")
    return np.where(found, low, np.min(low)), np.where(found, high, np.max(high))


def _blocks(array: ArrayRows, indices: NDArray[np.int64]) -> Iterator[NDArray[np.floating]]:
    """Yield rows of an array: adjacent ones together, some megabytes at a time, and others one by one."""
    step = max(1, _BLOCK_VALUES // max(1, math.prod(array.shape[1:]))) if len(indices) == array.shape[0] else 1
    for start in range(0, len(indices), step):
        first = int(indices[start])
        yield np.asarray(array[first : first + step])
