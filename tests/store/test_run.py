import pickle

from whyset.store import open_run
from whyset.store.shards import write_shard
from whyset.testing.store import example_rows


def test_a_run_travels_by_its_path(run):
    there = pickle.loads(pickle.dumps(run))
    assert (there.path, there.config, there.arrays) == (run.path, run.config, run.arrays)
    assert len(pickle.dumps(run)) < 1000


def test_an_open_run_sees_what_others_commit(run):
    other = open_run(run.path)
    assert not other.committed.any()
    write_shard(run, 0, example_rows(run, 0))
    assert other.committed.sum() == 16
    assert other.relevance[0].any()


def test_equal_runs_have_equal_hashes(run):
    again = open_run(run.path)
    assert again == run
    assert hash(again) == hash(run)
    assert len({run, again, run.thoroughly()}) == 2
