import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from zarr.storage import LocalStore, WrapperStore

from whyset.errors import BrokenRunError, UncommittedRowsError
from whyset.store import open_run
from whyset.store.create import create_run
from whyset.store.default_arrays import shard_rows_for, standard_arrays
from whyset.store.lazy import by_shard
from whyset.store.ranges import LocalRanges
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard
from whyset.testing.store import example_config, example_rows

ROWS, MAP = 37, (2, 5, 3)
ON_ONE_RUN = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)

first_axis = st.one_of(
    st.integers(-ROWS, ROWS - 1),
    st.slices(ROWS),
    st.lists(st.integers(-ROWS, ROWS - 1), max_size=9).map(lambda rows: np.array(rows, int)),
    hnp.arrays(bool, ROWS),
)


@ON_ONE_RUN
@given(key=first_axis)
def test_rows_are_chosen_as_numpy_chooses_them(full_run, key):
    whole = np.asarray(full_run.relevance)
    assert np.array_equal(full_run.relevance[key], whole[key])
    assert full_run.relevance[key].dtype == np.float32


@ON_ONE_RUN
@given(key=hnp.basic_indices((ROWS, *MAP), allow_newaxis=False, allow_ellipsis=False))
def test_further_axes_follow_numpy_too(full_run, key):
    assert np.array_equal(full_run.inputs[key], np.asarray(full_run.inputs)[key])


def test_reading_returns_what_was_written(full_run):
    for shard in range(3):
        start, stop = full_run.shard_range(shard)
        wanted = example_rows(full_run, shard)
        rows = [row for row in range(start, stop) if row != 5]
        local = [row - start for row in rows]
        assert np.array_equal(full_run.inputs[rows], wanted["input"][local])
        peaks = np.abs(wanted["attribution/input"][local]).max(axis=(1, 2, 3), keepdims=True)
        difference = np.abs(full_run.relevance[rows] - wanted["attribution/input"][local])
        assert np.all(difference <= peaks * 2.0**-11)


def test_an_ellipsis_reads_all(full_run):
    assert np.array_equal(full_run.relevance[..., 0], np.asarray(full_run.relevance)[..., 0])


def test_shape_and_type_are_known_without_reading(run):
    assert (run.relevance.shape, run.relevance.dtype, len(run.relevance)) == ((ROWS, *MAP), np.float32, ROWS)
    assert run.inputs.dtype == np.uint8


@pytest.mark.parametrize("key", [20, slice(10, 20), [0, 36], slice(None)])
def test_rows_that_no_commit_vouches_for_raise(run, key):
    write_shard(run, 0, example_rows(run, 0))
    with pytest.raises(UncommittedRowsError, match="not computed yet"):
        run.relevance[key]
    assert run.relevance[:16].shape == (16, *MAP)


def test_rows_outside_of_the_run_raise_index_errors(full_run):
    with pytest.raises(IndexError):
        full_run.relevance[ROWS]
    assert full_run.relevance[np.zeros((2, 2), int)].shape == (2, 2, *MAP)


def test_a_lost_shard_is_an_error_and_never_zeros(full_run):
    (full_run.path / "data.zarr/attribution/input/c/1/0/0/0").unlink()
    with pytest.raises(BrokenRunError, match=r"missing.*whyset verify"):
        full_run.relevance[20]
    assert full_run.relevance[3].any()


def test_a_truncated_shard_is_an_error_that_names_the_file(full_run):
    file = full_run.path / "data.zarr/attribution/input/c/1/0/0/0"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(BrokenRunError, match=r"c/1/0/0/0 cannot be read.*whyset verify"):
        full_run.relevance[20]


@given(st.lists(st.integers(0, 99), max_size=30), st.integers(1, 20))
def test_entries_are_looked_for_in_their_shard_once(numbers, shard_entries):
    entries = np.array(numbers, np.int64)
    found = np.full(len(entries), -1)
    shards = []
    for shard, places, inside in by_shard(entries, shard_entries):
        found[places] = shard * shard_entries + inside
        shards.append(shard)
    assert found.tolist() == numbers
    assert shards == sorted({number // shard_entries for number in numbers})


@pytest.fixture
def reads(monkeypatch):
    """Every read of a part of a file: the file's name below `data.zarr`, where it began, and how many bytes."""
    seen = []

    def counted(path):
        file = path.as_posix().partition("data.zarr/")[2]

        class Counting(LocalRanges):
            def tail(self, size):
                seen.append((file, "end", size))
                return super().tail(size)

            def fill(self, starts, parts):
                seen.extend((file, start, len(part)) for start, part in zip(starts, parts, strict=True))
                super().fill(starts, parts)

        @contextmanager
        def opened():
            with path.open("rb") as stream:
                yield Counting(stream)

        return opened()

    monkeypatch.setattr("whyset.store.encoding.open_ranges", counted)
    return seen


INDEX = 16 * 16 + 4


def test_one_map_costs_one_index_one_chunk_and_its_scale(full_run, reads):
    full_run.relevance[20]
    assert reads == [
        ("attribution/input/c/1/0/0/0", "end", INDEX),
        ("attribution/input/c/1/0/0/0", 4 * 60, 60),
        ("attribution/input.scale/c/1", 0, 4 * 16),
    ]


def test_neighbors_are_read_together_and_nothing_between_distant_rows(full_run, reads):
    full_run.inputs[[3, 12, 2, 4, 3, 36]]
    assert reads == [
        ("input/c/0/0/0/0", "end", INDEX),
        ("input/c/0/0/0/0", 2 * 30, 3 * 30),
        ("input/c/0/0/0/0", 12 * 30, 30),
        ("input/c/2/0/0/0", "end", INDEX),
        ("input/c/2/0/0/0", 4 * 30, 30),
    ]


def test_slices_read_the_shards_they_touch(full_run, reads):
    full_run.inputs[14:18, 0, ::2]
    assert [read for read in reads if read[1] != "end"] == [
        ("input/c/0/0/0/0", 14 * 30, 60),
        ("input/c/1/0/0/0", 0, 60),
    ]


def test_a_map_of_a_million_costs_as_much(tmp_path, reads):
    arrays = standard_arrays((3, 32, 32))
    config = example_config(shard_rows=shard_rows_for(arrays))
    run = create_run(tmp_path / "run", config, samples_table([f"{row}" for row in range(1_000_000)]), arrays)
    last = run.shard_count - 1
    start, stop = run.shard_range(last)
    maps = np.random.default_rng(0).standard_normal((stop - start, 3, 32, 32)).astype(np.float32)
    zeros = np.zeros(stop - start, int)
    columns = {"target": zeros, "prediction": zeros, "confidence": zeros.astype(np.float32)}
    write_shard(run, last, {"attribution/input": maps, **columns})
    assert np.allclose(run.relevance[-1], maps[-1], rtol=2.0**-11, atol=np.abs(maps[-1]).max() * 2.0**-25)
    of_maps = [(start, size) for file, start, size in reads if file == f"attribution/input/c/{last}/0/0/0"]
    assert of_maps == [("end", 16 * 1024 + 4), ((len(maps) - 1) * 6144, 6144)]
    assert len(reads) == 3
    assert peak_memory(lambda: open_run(run.path).relevance[-1]) < 2_000_000
    assert peak_memory(lambda: open_run(run.path).labels) < 3 * 8_000_000
    assert zarr_reads(run.path, 999_999) == [f"c/{last}/0/0/0"] * 2


def peak_memory(work):
    """Bytes of Python and NumPy; a list of a million numbers alone would take 40 million."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def zarr_reads(run, row):
    """What plain Zarr reads of the maps for one row: the same shard, index and chunk."""
    seen = []

    class Counting(WrapperStore):
        async def get(self, key, prototype, byte_range=None):
            seen.append((key, byte_range))
            return await super().get(key, prototype, byte_range)

    array = zarr.open_array(Counting(LocalStore(run / "data.zarr/attribution/input")), mode="r")
    array[row]
    return [key for key, byte_range in seen if byte_range is not None]
