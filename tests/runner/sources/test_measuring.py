"""The range of values of float images: which samples are measured, and what counts."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.runner.sources.measuring import MOST_SAMPLES, MOST_VALUES, measure_range, measure_rows, value_range


def test_the_range_of_each_channel_over_all_blocks() -> None:
    low, high = value_range([np.array([[[-1.0, 4.0]], [[2.0, 3.0]]]).transpose(1, 0, 2), np.array([[[np.nan], [9.0]]])])
    assert (low.tolist(), high.tolist()) == ([-1.0, 2.0], [4.0, 9.0])


def test_values_that_are_not_finite_do_not_count() -> None:
    low, high = value_range([np.array([[[np.inf, 1.0]], [[-np.inf, -1.0]]])])
    assert (low.tolist(), high.tolist()) == ([-1.0], [1.0])
    with pytest.raises(InputError, match="only NaN and infinite values"):
        value_range([np.full((2, 3, 1), np.nan)])


@pytest.mark.parametrize(
    ("total", "shape", "measured"),
    [
        (MOST_SAMPLES, (3, 2000, 3000), MOST_SAMPLES),  # few samples, however large
        (50_000, (3, 32, 32), 50_000),  # small samples: all of CIFAR-10
        (50_000, (1, 1, MOST_VALUES // 50_000), 50_000),
        (50_000, (1, 1, MOST_VALUES // 50_000 + 1), MOST_SAMPLES),
        (50_000, (3, 224, 224), MOST_SAMPLES),
    ],
)
def test_all_samples_of_small_data_are_measured_and_a_part_of_large_data(
    total: int, shape: tuple[int, ...], measured: int
) -> None:
    asked: list[NDArray[np.int64]] = []

    def read(indices: NDArray[np.int64]) -> Iterator[NDArray[np.float32]]:
        asked.append(indices)
        yield np.zeros((1, shape[0], 1, 1), np.float32)

    found = measure_range(read, total, shape)
    assert (found.samples, found.total, found.is_partial) == (measured, total, measured < total)
    assert len(np.unique(asked[0])) == measured
    assert (asked[0][0], asked[0][-1] >= total - -(-total // measured)) == (0, True)


@pytest.mark.parametrize("count", [1, 7, 3000])
def test_an_array_is_measured_in_all_of_its_rows(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.runner.sources.measuring._BLOCK_VALUES", 100)
    x = np.random.default_rng(count).normal(size=(count, 2, 3, 4))
    found = measure_rows(x)
    assert (found.low.tolist(), found.high.tolist()) == (x.min((0, 2, 3)).tolist(), x.max((0, 2, 3)).tolist())
