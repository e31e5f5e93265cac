"""Reading: what threads read ahead is what a plain loop reads, in order, bounded, with the errors of each sample."""

import sqlite3
import threading
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whyset.runner import ArraySource, FolderSource, Preprocessing
from whyset.runner.prefetch import BATCHES_AHEAD, PART, Batch, Prefetcher, in_order, threads_for
from whyset.runner.sources.source import reads_rows

CPU = torch.device("cpu")
PIXELS = np.random.default_rng(0).integers(0, 256, (70, 6, 8, 3), dtype=np.uint8)
NORMALIZED = Preprocessing(mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))


def assert_equal(one: list[Batch], other: list[Batch]) -> None:
    assert len(one) == len(other)
    for mine, theirs in zip(one, other, strict=True):
        assert (mine.indices, mine.labels, mine.failures) == (theirs.indices, theirs.labels, theirs.failures)
        assert torch.equal(mine.x, theirs.x)
        assert np.array_equal(mine.shown, theirs.shown)


@settings(max_examples=12)
@given(start=st.integers(0, 60), size=st.integers(1, 40), threads=st.integers(1, 4))
def test_threads_read_what_a_plain_loop_reads(start: int, size: int, threads: int) -> None:
    source = ArraySource(PIXELS, np.arange(70) % 5, preprocessing=NORMALIZED)
    plain, ahead = (Prefetcher(source, (3, 6, 8), True, number) for number in (0, threads))
    assert_equal(list(ahead.batches(start, 70, size)), list(plain.batches(start, 70, size)))
    assert [i for batch in ahead.batches(start, 70, size) for i in batch.indices] == list(range(start, 70))


class OneByOne(ArraySource):
    """The same samples, each of which is read by itself."""

    def read(self, index: int) -> tuple[torch.Tensor, int | None]:
        return super().read(index)


def damaged(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values[[7, 50], ..., 1] = np.nan
    return values


FLOATS = np.random.default_rng(1).standard_normal((70, 3, 6, 8)).astype(np.float32)
ROWS = {
    "pixels": (PIXELS, NORMALIZED),
    "deep pixels": (PIXELS.astype(np.uint16) * 257, NORMALIZED),
    "images": (FLOATS, None),
    "volumes": (FLOATS[:, :, None], None),
    "series": (FLOATS[:, 0], None),
    "table": (FLOATS[:, 0, 0].astype(np.float64), None),
    "table of another byte order": (FLOATS[:, 0, 0].astype(">f4"), None),
    "texts": (np.arange(70 * 4).reshape(70, 4), None),
    "damaged images": (damaged(FLOATS), NORMALIZED),
    "damaged table": (damaged(FLOATS[:, 0, 0]), None),
    "value beyond float32": (np.where(np.arange(70)[:, None] == 9, 1e300, FLOATS[:, 0, 0].astype(np.float64)), None),
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("size", [1, 32, 64])
def test_rows_read_at_once_are_those_read_one_by_one(name: str, size: int) -> None:
    images, preprocessing = ROWS[name]
    labels = np.arange(70) % 6 - 1  # the class 4 is not an output of the model, and -1 is unknown
    at_once, one_by_one = (kind(images, labels, preprocessing=preprocessing) for kind in (ArraySource, OneByOne))
    assert (reads_rows(at_once), reads_rows(one_by_one)) == (True, False)
    shape = tuple(at_once[0][0].shape)
    batches = [
        list(Prefetcher(source, shape, True, 0, outputs=4).batches(3, 70, size)) for source in (at_once, one_by_one)
    ]
    assert_equal(*batches)
    for mine, theirs in zip(*batches, strict=True):
        assert (mine.digests, mine.size, mine.x.dtype, mine.shown.dtype) == (
            theirs.digests,
            theirs.size,
            theirs.x.dtype,
            theirs.shown.dtype,
        )


def test_batches_of_pixels_become_what_single_samples_are() -> None:
    source = ArraySource(PIXELS, preprocessing=NORMALIZED)
    (batch,) = Prefetcher(source, (3, 6, 8), True, 1).batches(0, 70, 70)
    assert batch.x.dtype == torch.uint8
    assert torch.equal(batch.place(NORMALIZED, CPU, torch.float32), torch.stack([source[i][0] for i in range(70)]))
    assert np.array_equal(batch.shown, NORMALIZED.undo(torch.stack([source[i][0] for i in range(70)])))


def test_floats_are_shown_with_their_normalization_undone() -> None:
    floats = np.linspace(-2, 6, 3 * 48, dtype=np.float32).reshape(3, 1, 6, 8)
    source = ArraySource(floats)
    (batch,) = Prefetcher(source, (1, 6, 8), True, 2).batches(0, 3, 3)
    assert np.array_equal(batch.shown, source.preprocessing.undo(floats))
    assert torch.equal(batch.place(source.preprocessing, CPU, torch.float64), torch.from_numpy(floats).double())


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_samples_that_fail_are_named_and_left_out(threads: int, image_folder: Callable[..., Path]) -> None:
    folder = image_folder(cat=20)
    (folder / "cat" / "0009.png").write_bytes(b"no image")
    (folder / "cat" / "0010.png").unlink()
    (folder / "cat" / "0010.png").symlink_to("nowhere.png")
    source = FolderSource(folder, NORMALIZED)
    batches = list(Prefetcher(source, (3, 6, 8), False, threads).batches(0, len(source), 6))
    found = [index for batch in batches for index in batch.indices]
    errors = {index: error for batch in batches for index, error in batch.failures.items()}
    assert sorted(found + list(errors)) == list(range(len(source)))
    assert errors[9].startswith("UnidentifiedImageError: cannot identify image file")
    assert all(batch.shown is None for batch in batches)
    assert sum(batch.size for batch in batches) == len(source)


def test_a_batch_of_failures_alone_is_empty() -> None:
    class Broken(ArraySource):
        def read(self, index: int) -> tuple[torch.Tensor, int | None]:
            raise OSError(f"disk gone at {index}")

    (batch,) = Prefetcher(Broken(PIXELS, preprocessing=NORMALIZED), (3, 6, 8), True, 2).batches(5, 8, 8)
    assert batch.failures == {index: f"OSError: disk gone at {index}" for index in (5, 6, 7)}
    assert (batch.indices, len(batch.x), len(batch.shown)) == ((), 0, 0)


def test_no_more_is_read_ahead_than_two_batches() -> None:
    begun: list[int] = []
    most = 0

    def note(task: int) -> int:
        begun.append(task)
        return task

    for taken, _ in enumerate(in_order(note, range(60), threads=2, ahead=4), start=1):
        time.sleep(0.002)  # time enough to read everything, if nothing held it back
        most = max(most, len(begun) - taken)
    assert most <= 5
    assert BATCHES_AHEAD * 32 // PART == 8


@pytest.mark.parametrize("threads", [1, 3])
def test_whoever_stops_early_leaves_no_thread_and_reads_nothing_more(threads: int) -> None:
    before = threading.active_count()
    begun: list[int] = []
    reading = in_order(lambda task: begun.append(task) or task, range(1000), threads, ahead=3)
    assert next(reading) == 0
    reading.close()
    count = len(begun)
    time.sleep(0.02)
    assert (len(begun), threading.active_count()) == (count, before)
    assert count < 10


def test_what_is_raised_outside_of_a_sample_reaches_the_caller() -> None:
    def broken(task: int) -> int:
        if task == 3:
            raise sqlite3.OperationalError("database is locked")
        return task

    reading = in_order(broken, range(9), threads=2, ahead=4)
    assert list(islice(reading, 3)) == [0, 1, 2]
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        next(reading)


def test_one_thread_reads_unless_a_gpu_waits_and_the_source_allows_several() -> None:
    source = ArraySource(PIXELS, preprocessing=NORMALIZED)
    assert threads_for(source, CPU, 16) == 1
    assert threads_for(source, torch.device("cuda"), 16) == 8
    assert threads_for(source, torch.device("cuda"), 2) == 2
    assert threads_for(object(), torch.device("cuda"), 16) == 1
