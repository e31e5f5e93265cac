"""Spread: a few samples, spread evenly, so that sorted classes all take part."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.runner import ArraySource
from whyset.runner.sources import SpreadSource, spread
from whyset.runner.sources.source import reads_rows


@given(count=st.integers(1, 500), limit=st.integers(1, 600))
def test_indices_differ_are_sorted_and_leave_no_larger_gap_than_needed(count: int, limit: int) -> None:
    indices = spread(count, limit)
    assert len(indices) == min(count, limit)
    assert indices[0] == 0
    gaps = np.diff([*indices, count])
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= 1


def test_every_class_of_sorted_data_takes_part() -> None:
    labels = np.repeat(np.arange(10), 20)
    images = np.zeros((200, 1, 2, 3), np.float32)
    images[:, 0, 0, 0] = np.arange(200) / 200
    few = SpreadSource(ArraySource(images, labels), 20)
    assert np.bincount(few.labels).tolist() == [2] * 10
    assert few.ids[1] == "10"
    assert torch.equal(few[1][0], torch.from_numpy(images[10]))
    assert few.fingerprint() != few.whole.fingerprint()


def test_a_limit_beyond_the_data_reads_rows_at_once() -> None:
    source = ArraySource(np.arange(60, dtype=np.float32).reshape(30, 2), np.arange(30) % 4 - 1)
    whole, few = SpreadSource(source, 30), SpreadSource(source, 29)
    assert (reads_rows(whole), reads_rows(few)) == (True, False)
    x, labels = whole.read_rows(5, 9)
    assert torch.equal(x, torch.stack([source[index][0] for index in range(5, 9)]))
    assert labels == [source[index][1] for index in range(5, 9)] == [0, 1, 2, None]

    class OneByOne(ArraySource):
        def read(self, index: int) -> tuple[torch.Tensor, int | None]:
            return super().read(index)

    assert not reads_rows(SpreadSource(OneByOne(source.images), 30))
