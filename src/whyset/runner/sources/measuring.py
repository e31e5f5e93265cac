"""The range of values of float images, measured in the same samples whatever holds them."""

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
"""All samples are measured where there are at most so many, or where they hold at most so many values (2 GiB in single
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
        """Whether there are samples that were not measured."""
        return self.samples < self.total


def measure_rows(array: ArrayRows) -> MeasuredRange:
    """Measure images (N, C, H, W) in an array; InputError: no value is finite."""
    return measure_range(partial(_blocks, array), array.shape[0], array.shape[1:])


def measure_range(read: Callable[[NDArray[np.int64]], Blocks], total: int, shape: tuple[int, ...]) -> MeasuredRange:
    """Measure `total` samples of this shape, where `read` gives those with the given indices as blocks (n, C, ...).

    The chosen samples depend on nothing but `total` and `shape`, so that the same images have the same range in every
    source. InputError: no value is finite.
    """
    whole = total <= MOST_SAMPLES or total * math.prod(shape) <= MOST_VALUES
    indices = np.arange(total) if whole else spread(total, MOST_SAMPLES)
    low, high = value_range(read(indices))
    return MeasuredRange(low, high, len(indices), total)


def value_range(blocks: Blocks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def _blocks(array: ArrayRows, indices: NDArray[np.int64]) -> Iterator[NDArray[np.floating]]:
    """The rows of an array: neighboring ones together, some megabytes at a time, and others one by one."""
    step = max(1, _BLOCK_VALUES // max(1, math.prod(array.shape[1:]))) if len(indices) == array.shape[0] else 1
    for start in range(0, len(indices), step):
        first = int(indices[start])
        yield np.asarray(array[first : first + step])
