import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from whyset.errors import BrokenRunError, UncommittedRowsError
from whyset.store import write_shard
from whyset.store.lazy import spans
from whyset.testing.store import example_rows

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
    with pytest.raises(IndexError, match="2 axes"):
        full_run.relevance[np.zeros((2, 2), int)]


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


@given(st.lists(st.integers(0, 99), max_size=30), st.integers(1, 20), st.booleans())
def test_spans_cover_each_row_once_and_touch_no_shard_that_was_not_asked_for(rows, shard_rows, whole_shards):
    indices = np.array(rows, np.int64)
    pieces = list(spans(indices, shard_rows, whole_shards))
    assert sorted(position for piece in pieces for position in piece[0]) == list(range(len(rows)))
    for positions, start, stop in pieces:
        assert {row // shard_rows for row in range(start, stop)} <= {row // shard_rows for row in rows}
        assert whole_shards or start // shard_rows == (stop - 1) // shard_rows
        assert set(range(start, stop)) >= set(indices[positions].tolist()) >= {start, stop - 1}


def test_one_map_costs_one_index_and_one_chunk(full_run, monkeypatch):
    reads = []
    from zarr.storage import _local

    original = _local._get
    monkeypatch.setattr(
        _local, "_get", lambda path, proto, span: reads.append((path, span)) or original(path, proto, span)
    )
    full_run.inputs[20]
    assert len([span for path, span in reads if path.name == "0"]) == 2
